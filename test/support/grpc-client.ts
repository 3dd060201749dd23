/** A gRPC client of a few lines over node:http2, which keeps what it was answered. */
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2'
import { once } from 'node:events'
import { framed, messagesOf } from './grpc-messages.ts'

/** What came of a call. */
export interface CallResult {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly trailers: IncomingHttpHeaders
  /** From the trailers, or the head when that is all there is. */
  readonly grpcStatus: number | undefined
  /** Decoded. */
  readonly grpcMessage: string
  readonly decisionId: string
  readonly messages: readonly Buffer[]
  readonly bytes: number
  readonly rstCode: number
}

/** What is asked. */
export interface CallOptions {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** Sent at once, framed, and then the end. */
  readonly messages?: readonly Buffer[]
  /** Sent as it is, in place of messages. */
  readonly body?: Buffer
}

/** A call under way. */
export interface OpenCall {
  readonly stream: ClientHttp2Stream
  /** Waits for so many messages. */
  received(count: number): Promise<readonly Buffer[]>
  readonly result: Promise<CallResult>
}

/** A client of one connection. */
export interface GrpcClient {
  readonly session: ClientHttp2Session
  /** One call, from beginning to end. */
  call(path: string, options?: CallOptions): Promise<CallResult>
  /** A call whose messages are sent by hand. */
  open(path: string, options?: CallOptions): OpenCall
  close(): Promise<void>
}

/** Connects. */
export async function connectGrpc(
  url: string,
  options: SecureClientSessionOptions = {},
): Promise<GrpcClient> {
  const session = connect(url, { settings: { initialWindowSize: 1024 * 1024 }, ...options })
  session.on('error', () => undefined)
  // A session that a TLS alert ends leaves its socket half closed, which would keep the process.
  session.once('connect', (_, socket) => session.once('close', () => socket.destroy()))
  await once(session, 'connect')
  const open = (path: string, call: CallOptions = {}): OpenCall => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }),
      ...call.headers,
    })
    return watch(stream)
  }
  return {
    session,
    open,
    call(path, options = {}) {
      const { stream, result } = open(path, options)
      stream.end(options.body ?? Buffer.concat((options.messages ?? []).map((one) => framed(one))))
      return result
    },
    async close() {
      if (session.destroyed) return
      session.destroy()
      await once(session, 'close')
    },
  }
}

/** Past this, only the bytes are counted. */
const KEPT_BYTES_MAX = 1024 * 1024

function watch(stream: ClientHttp2Stream): OpenCall {
  let headers: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders = {}
  let bytes = 0
  const chunks: Buffer[] = []
  const waiting: (() => void)[] = []
  const wake = (): void => {
    for (const one of waiting.splice(0)) one()
  }
  stream.on('response', (head) => (headers = head))
  stream.on('trailers', (received: IncomingHttpHeaders) => (trailers = received))
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= KEPT_BYTES_MAX) chunks.push(chunk)
    wake()
  })
  stream.on('error', () => undefined)
  const result = new Promise<CallResult>((resolve) => {
    stream.once('close', () => {
      wake()
      resolve(resultOf({ headers, trailers, bytes, chunks, rstCode: stream.rstCode }))
    })
  })
  return {
    stream,
    result,
    async received(count) {
      while (wholeMessages(chunks).length < count && !stream.destroyed) {
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
      return wholeMessages(chunks)
    },
  }
}

function wholeMessages(chunks: readonly Buffer[]): readonly Buffer[] {
  try {
    return messagesOf(Buffer.concat(chunks))
  } catch {
    return []
  }
}

function resultOf(seen: {
  readonly headers: IncomingHttpHeaders
  readonly trailers: IncomingHttpHeaders
  readonly bytes: number
  readonly chunks: readonly Buffer[]
  readonly rstCode: number
}): CallResult {
  const { headers, trailers, bytes, chunks, rstCode } = seen
  const told = trailers['grpc-status'] === undefined ? headers : trailers
  const status = told['grpc-status']
  return {
    status: Number(headers[':status'] ?? 0),
    headers,
    trailers,
    grpcStatus: status === undefined ? undefined : Number(status),
    grpcMessage: decodeURIComponent(String(told['grpc-message'] ?? '')),
    decisionId: String(told['modelgate-decision-id'] ?? ''),
    messages: wholeMessages(chunks),
    bytes,
    rstCode,
  }
}
