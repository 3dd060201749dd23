/**
 * A small server of the Open Inference Protocol over gRPC, on node:http2 alone: it answers what the
 * first field of a message names, remembers every call, and misbehaves on request.
 */
import {
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { field, framed, messagesOf } from './grpc-messages.ts'

/** A call as it arrived. */
export interface SeenCall {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Bytes of the body so far. */
  bytes: number
  /** Whole messages so far, of bodies that are small. */
  readonly messages: Buffer[]
  ended: boolean
  /** With what code it was reset, once it was. */
  reset?: number
}

/** A running upstream. */
export interface GrpcUpstream {
  readonly url: string
  readonly calls: SeenCall[]
  readonly sessions: Set<ServerHttp2Session>
  close(): Promise<void>
}

/** Answers a call otherwise than the default; `true` when it did. */
export type CallHandler = (stream: ServerHttp2Stream, call: SeenCall) => boolean

/** The head of an answer. */
export const ANSWER_HEAD = { ':status': 200, 'content-type': 'application/grpc' } as const

const KEPT_BYTES_MAX = 1024 * 1024

/** Starts it on a free port of 127.0.0.1. */
export async function startGrpcUpstream(
  handler: CallHandler = () => false,
  tls?: { readonly key: string; readonly cert: string; readonly ca?: string },
): Promise<GrpcUpstream> {
  const settings = { initialWindowSize: 1024 * 1024, maxConcurrentStreams: 100 }
  const server =
    tls === undefined
      ? createServer({ settings })
      : createSecureServer({
          settings,
          ...tls,
          ...(tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
        })
  const calls: SeenCall[] = []
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.on('error', ignore).once('close', () => sessions.delete(session))
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const path = headers[':path'] ?? ''
    const call: SeenCall = { path, headers, bytes: 0, messages: [], ended: false }
    calls.push(call)
    stream.on('error', ignore)
    stream.once('close', () => (call.reset = stream.rstCode))
    if (!handler(stream, call)) serve(stream, call)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    calls,
    sessions,
    close: () =>
      new Promise((resolve) => {
        for (const session of sessions) session.destroy()
        server.close(() => resolve())
      }),
  }
}

/** Tells of every whole message as it comes; of large bodies only the bytes are counted. */
export function onMessages(
  stream: ServerHttp2Stream,
  call: SeenCall,
  onMessage: (message: Buffer) => void,
): void {
  let rest = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    call.bytes += chunk.length
    if (call.bytes > KEPT_BYTES_MAX) return
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1)
      const [message = Buffer.alloc(0)] = messagesOf(rest.subarray(0, end))
      call.messages.push(message)
      rest = rest.subarray(end)
      onMessage(message)
    }
  })
  stream.once('end', () => (call.ended = true))
}

/** `ModelStreamInfer` answers each message at once; every other method one, at the end. */
function serve(stream: ServerHttp2Stream, call: SeenCall): void {
  const isStream = call.path.endsWith('/ModelStreamInfer')
  stream.respond({ ...ANSWER_HEAD, 'x-served-by': 'oip' }, { waitForTrailers: true })
  stream.once('wantTrailers', () =>
    stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': '', 'x-cost': '7' }),
  )
  onMessages(stream, call, (message) => {
    if (isStream) stream.write(framed(echo(message)))
  })
  stream.once('end', () => {
    if (!isStream) stream.write(framed(echo(call.messages[0] ?? Buffer.alloc(0))))
    stream.end()
  })
}

/** The name asked for, in field 1 of the answer. */
function echo(message: Buffer): Buffer {
  return field(1, message.length < 2 ? 'nobody' : message.subarray(2, 2 + (message[1] ?? 0)))
}

function ignore(): void {
  // `close` follows.
}
