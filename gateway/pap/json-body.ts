import type { IncomingMessage } from 'node:http'
import type { Loaded } from '../domain/diagnostics.ts'
import { problem, type Problem } from './problem.ts'
import { singleFields } from './request-guard.ts'

/** Bodies of the control API are a few words. */
export const BODY_BYTES_MAX = 16 * 1024

const TOO_LARGE = { detail: 'The body is over 16 KiB.', remedy: 'Say less.' }

const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?$/i

/**
 * The body of `request` as `read` takes it: JSON alone, no coding, at most {@link BODY_BYTES_MAX}
 * bytes, UTF-8.
 */
export async function readJsonBody<T>(
  request: IncomingMessage,
  read: (text: string) => Loaded<T>,
): Promise<{ readonly value: T } | Problem> {
  const fields = singleFields(request.rawHeaders)
  // A form or plain text would be sent across sites without asking first.
  if (!JSON_TYPE.test(fields?.get('content-type') ?? '')) {
    return problem('media_type_refused')
  }
  if (fields?.has('content-encoding') !== false) {
    return problem('media_type_refused', { detail: 'The body has a content coding.' })
  }
  const text = await readText(request)
  return typeof text === 'string' ? parse(text, read) : text
}

function parse<T>(
  text: string,
  read: (text: string) => Loaded<T>,
): { readonly value: T } | Problem {
  try {
    JSON.parse(text)
  } catch {
    return problem('body_invalid', { detail: 'The body is not JSON.' })
  }
  const loaded = read(text)
  if (loaded.ok) return { value: loaded.value }
  const [first] = loaded.diagnostics
  if (first === undefined) return problem('body_invalid')
  return problem('body_invalid', { detail: first.message, remedy: first.remedy })
}

async function readText(request: IncomingMessage): Promise<string | Problem> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > BODY_BYTES_MAX) return problem('body_too_large', TOO_LARGE)
      chunks.push(chunk)
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    return problem('body_invalid', { detail: 'The body broke off or is not UTF-8.' })
  }
}
