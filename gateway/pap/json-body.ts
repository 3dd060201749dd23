import type { IncomingMessage } from 'node:http'
import type { Loaded } from '../domain/diagnostics.ts'
import { problem, type Problem } from './problem.ts'
import { singleFields } from './request-guard.ts'

/** Bodies of the control API are a few words. */
export const BODY_BYTES_MAX = 16 * 1024

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
    return problem(415, 'media_type_refused', 'Send the body as application/json')
  }
  if (fields?.has('content-encoding') !== false) {
    return problem(415, 'media_type_refused', 'Send the body without Content-Encoding')
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
    return problem(400, 'body_invalid', 'The body is not JSON')
  }
  const loaded = read(text)
  if (loaded.ok) return { value: loaded.value }
  const [first] = loaded.diagnostics
  return first === undefined
    ? problem(400, 'body_invalid', 'It is refused')
    : { ...problem(400, 'body_invalid', first.message), remedy: first.remedy }
}

async function readText(request: IncomingMessage): Promise<string | Problem> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > BODY_BYTES_MAX) return problem(413, 'body_too_large', 'The body is over 16 KiB')
      chunks.push(chunk)
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    return problem(400, 'body_invalid', 'The body broke off or is not UTF-8')
  }
}
