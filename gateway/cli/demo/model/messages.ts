import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpError } from './http-error.ts'

/** Longest request body the model server reads. */
export const BODY_BYTES_MAX = 1024 * 1024

/** The whole body. @throws HttpError 413 past {@link BODY_BYTES_MAX}, which ends the connection. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Leaving the loop early must not destroy the request, or the 413 could not be sent.
  const body: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false })
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) {
      throw new HttpError(413, 'the body is too large', { connection: 'close' })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Sends `value` as the whole response. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}

/** Sends an error as the Open Inference Protocol shapes it: `{"error": "<message>"}`. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const known = error instanceof HttpError ? error : new HttpError(500, 'the model server failed')
  for (const [name, value] of Object.entries(known.headers)) response.setHeader(name, value)
  sendJson(response, known.status, { error: known.message })
}
