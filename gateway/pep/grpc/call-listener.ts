/**
 * The gRPC listener: a bare `node:http2` server. Every stream becomes an exchange and walks the same
 * pipeline as a request over HTTP/1.1; what nghttp2 does not take for a request never becomes one.
 */
import { randomUUID } from 'node:crypto'
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { CallExchange, CallPeer } from '../exchange.ts'
import type { Flights } from '../streams/flights.ts'
import type { ListenerOptions } from '../listener.ts'
import { peerNamesOf } from '../peer-names.ts'
import type { Runtime, Services } from '../runtime.ts'
import { watchSession } from './session-watch.ts'

/** Bounds of the gRPC listener, which a reload does not change. */
export interface CallListenerOptions extends ListenerOptions {
  readonly headerCountMax: number
}

/** The listener and what a graceful end needs; the calls themselves are among the flights. */
export interface CallListener {
  readonly server: Http2Server | Http2SecureServer
  /** Tells clients to go elsewhere (GOAWAY); calls at work go on. */
  drain(): void
  /** Closes every connection. */
  destroy(): void
  /** Replaces certificate and key of a TLS listener for new connections. */
  replaceTls(tls: NonNullable<ListenerOptions['tls']>): void
}

/** Calls on one connection at once. */
const CALLS_PER_CONNECTION_MAX = 100

/** Unacknowledged bytes a client may send: per call, and per connection. */
const STREAM_WINDOW_BYTES = 256 * 1024
const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024

/** Memory nghttp2 may use for one connection, MiB; past it calls are refused. */
const SESSION_MEMORY_MIB = 16

/** Frames and calls that nghttp2 refuses before the connection is closed. */
const INVALID_FRAMES_MAX = 16
const REJECTED_CALLS_MAX = 100

/** Wires a server so that every call goes through the pipeline. */
export function createCallListener(
  runtime: () => Runtime,
  services: Services,
  options: CallListenerOptions,
  flights: Flights,
): CallListener {
  const server = createHttp2Server(options)
  const sockets = new Set<Socket>()
  const sessions = new Map<
    ServerHttp2Session,
    (stream: ServerHttp2Stream, fields: string[]) => void
  >()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('session', (session: ServerHttp2Session) => {
    const peer = peerOf(session)
    const bounds = {
      firstCallTimeoutMs: options.headersTimeoutMs,
      unusedTimeoutMs: options.keepAliveTimeoutMs,
    }
    const watch = watchSession(session, bounds, (what) => services.metrics.clientError(what))
    session.on('error', ignore)
    session.once('close', () => sessions.delete(session))
    sessions.set(session, (stream, fields) => {
      watch.opened(stream)
      flights.begin(exchangeOf({ runtime, services, peer }, stream, fields))
    })
    if (!session.destroyed) session.setLocalWindowSize(CONNECTION_WINDOW_BYTES)
    if (flights.isDraining) session.close()
  })
  server.on(
    'stream',
    (stream: ServerHttp2Stream, _: IncomingHttpHeaders, _flags: number, fields: string[]) => {
      // Nothing a peer does may raise an unhandled error (I18).
      stream.on('error', ignore)
      const begin = stream.session && sessions.get(stream.session as ServerHttp2Session)
      if (begin === undefined) stream.destroy()
      else begin(stream, fields)
    },
  )
  server.on('sessionError', (error: Error & { code?: string }) =>
    services.metrics.clientError(error.code ?? ''),
  )
  return {
    server,
    drain() {
      for (const session of sessions.keys()) session.close()
    },
    destroy() {
      for (const session of sessions.keys()) session.destroy()
      for (const socket of sockets) socket.destroy()
    },
    replaceTls(tls) {
      if ('setSecureContext' in server) server.setSecureContext(tlsOptions(tls))
    },
  }
}

function createHttp2Server(options: CallListenerOptions): Http2Server | Http2SecureServer {
  const { tls, headerBytesMax, headerCountMax, headersTimeoutMs } = options
  const common: ServerOptions = {
    // One more than is accepted: who sends too many is told so by the pipeline.
    maxHeaderListPairs: headerCountMax + 8,
    maxSessionMemory: SESSION_MEMORY_MIB,
    maxSessionInvalidFrames: INVALID_FRAMES_MAX,
    maxSessionRejectedStreams: REJECTED_CALLS_MAX,
    unknownProtocolTimeout: headersTimeoutMs,
    settings: {
      maxConcurrentStreams: CALLS_PER_CONNECTION_MAX,
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxHeaderListSize: headerBytesMax,
      enableConnectProtocol: false,
    },
  }
  const server =
    tls === undefined
      ? createServer(common)
      : createSecureServer({
          ...common,
          allowHTTP1: false,
          handshakeTimeout: headersTimeoutMs,
          ...tlsOptions(tls),
        })
  server.maxConnections = options.connectionsMax
  server.setTimeout(0)
  return server
}

function tlsOptions(tls: NonNullable<ListenerOptions['tls']>) {
  const { cert, key, clientCa } = tls
  const mutual =
    clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }
  return { cert, key, minVersion: 'TLSv1.2' as const, ...mutual }
}

/** Asked for once, while the connection is certain to be there. */
function peerOf({ socket }: ServerHttp2Session): CallPeer {
  return { address: socket.remoteAddress ?? '', names: peerNamesOf(socket) }
}

function exchangeOf(
  from: {
    readonly runtime: () => Runtime
    readonly services: Services
    readonly peer: CallPeer
  },
  stream: ServerHttp2Stream,
  fields: readonly string[],
): CallExchange {
  return {
    id: randomUUID(),
    transport: 'grpc',
    runtime: from.runtime(),
    latest: from.runtime,
    fields,
    stream,
    peer: from.peer,
    upgrade: undefined,
    startedMs: from.services.clock.monotonicMs(),
    stage: 'admit',
    recorded: false,
  }
}

function ignore(): void {
  // The close event that follows is what the pipeline reacts to.
}
