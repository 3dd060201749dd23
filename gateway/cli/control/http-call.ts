/** One HTTP call to the control listener: no redirects, bounded in bytes and in time. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { GatewayError } from '../../domain/errors.ts'
import { unreachedText } from './failure-text.ts'

/** Longest wait for an answer. */
const TIMEOUT_MS = 30_000

/** An answer is a page of a list, or an export of a review. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

/** What is sent. */
export interface HttpCall {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number
  readonly text: string
  readonly etag?: string
}

/** Calls `url`. @throws ERR_INTERNAL when there is no whole answer in time */
export async function httpCall(url: URL, call: HttpCall): Promise<HttpAnswer> {
  const { method, headers, body } = call
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  try {
    return await new Promise((resolve, reject) => {
      const sent = request(url, { method, headers, signal }, (response) => {
        answerFrom(response).then(resolve, reject)
      })
      sent.on('error', reject)
      sent.end(body)
    })
  } catch (cause) {
    const first = firstOf(cause)
    const why = signal.aborted ? `no answer in ${TIMEOUT_MS / 1000} s` : reasonOf(first)
    const text = unreachedText({ origin: url.origin, method }, why, first)
    throw new GatewayError('ERR_INTERNAL', text, { cause })
  }
}

/** Of several addresses, the error has no text of its own. */
function firstOf(cause: unknown): unknown {
  return cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

async function answerFrom(response: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > ANSWER_BYTES_MAX) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  const { etag } = response.headers
  return {
    status: response.statusCode ?? 0,
    text: Buffer.concat(chunks).toString('utf8'),
    ...(etag === undefined ? {} : { etag }),
  }
}
