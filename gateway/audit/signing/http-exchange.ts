/** One request to a signer or witness and its whole answer, bounded in bytes and time. */
import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'

/** Whom to ask. */
export type Peer =
  { readonly socketPath: string } | { readonly url: URL; readonly ca?: string | undefined }

/** What came back. */
export interface PeerAnswer {
  readonly status: number
  /** Media type without parameters, lower case. */
  readonly type: string
  readonly body: Buffer
}

/** Asks one peer. */
export interface PeerClient {
  /** Posts a body to a path. Rejects when there is no whole answer in time, or it is too long. */
  post(path: string, body: string): Promise<PeerAnswer>
  /** Ends connections that are kept. */
  close(): void
}

/** Longest answer, bytes. */
export const ANSWER_BYTES_MAX = 64 * 1024

/** Builds a {@link PeerClient}. Redirections are not followed. */
export function createPeerClient(peer: Peer, timeoutMs: number): PeerClient {
  const isTls = 'url' in peer && peer.url.protocol === 'https:'
  const kept = { keepAlive: true, maxSockets: 2, maxFreeSockets: 1 }
  const agent = isTls ? new TlsAgent({ ...kept, ca: peer.ca }) : new Agent(kept)
  const target: RequestOptions = 'url' in peer ? targetOf(peer.url) : { ...peer, host: 'localhost' }
  const prefix = 'url' in peer ? peer.url.pathname.replace(/\/$/, '') : ''
  const send = isTls ? tlsRequest : httpRequest
  const post = (path: string, body: string, isRetry: boolean): Promise<PeerAnswer> =>
    new Promise((resolve, reject) => {
      const bytes = Buffer.from(body)
      const headers = {
        'content-type': 'text/plain; charset=utf-8',
        'content-length': bytes.length,
      }
      const request = send({
        ...target,
        agent,
        method: 'POST',
        path: prefix + path,
        headers,
        signal: AbortSignal.timeout(timeoutMs),
      })
      request.once('response', (response) => void readAnswer(response).then(resolve, reject))
      request.once('error', (error: NodeJS.ErrnoException) => {
        // A kept connection may end just as it is used; what is asked may be asked twice.
        const isStale = request.reusedSocket && error.code === 'ECONNRESET' && !isRetry
        if (isStale) post(path, body, true).then(resolve, reject)
        else reject(error)
      })
      request.end(bytes)
    })
  return { post: (path, body) => post(path, body, false), close: () => agent.destroy() }
}

function targetOf(url: URL): RequestOptions {
  // An IPv6 address stands in brackets in a URL, and without them in a connection.
  const hostname = url.hostname.replaceAll(/[[\]]/g, '')
  return { hostname, ...(url.port === '' ? {} : { port: url.port }) }
}

async function readAnswer(response: IncomingMessage): Promise<PeerAnswer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length
    if (length > ANSWER_BYTES_MAX) {
      response.destroy()
      throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`)
    }
    parts.push(part)
  }
  if (!response.complete) throw new Error('the answer broke off')
  const { statusCode = 0, headers } = response
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1)
  return { status: statusCode, type: type.trim().toLowerCase(), body: Buffer.concat(parts) }
}
