/**
 * The data listener: a bare `node:http` server hardened where Node's defaults let things through,
 * with no framework between the socket and stage 1.
 */
import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Refusal } from '../domain/refusal.ts'
import type { DecidedAgain } from './streams/decide-again.ts'
import type { HttpExchange, UpgradeSocket } from './exchange.ts'
import { createFlights, type Flights } from './streams/flights.ts'
import { createProtocolRejection, type ProtocolRejection } from './protocol-rejection.ts'
import type { Runtime, Services } from './runtime.ts'
import { createTurns, type Turns } from './streams/turns.ts'

/** Bounds of the listener, which a reload does not change. */
export interface ListenerOptions {
  readonly headerBytesMax: number
  readonly connectionsMax: number
  readonly headersTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  /** PEM texts; plain HTTP when absent. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string }
}

/** The listener and what a graceful end needs. */
export interface DataListener {
  readonly server: Server
  /** Refuses new requests with 503 and closes connections as they become idle. */
  drain(): void
  /** Requests being worked on; of all listeners that share the flights, here and below. */
  inFlight(): number
  /** Resolves when no request is being worked on. */
  idle(): Promise<void>
  /** Ends what is being forwarded: answered, told and recorded as `refusal`. */
  cut(refusal: Refusal): void
  /** Decides again what is being forwarded; to be called when the policy has changed. */
  decideAgain(): Promise<DecidedAgain>
  /** Closes every connection, upgraded ones too. */
  destroy(): void
  /** Replaces certificate and key of a TLS listener for new connections. */
  replaceTls(tls: NonNullable<ListenerOptions['tls']>): void
}

/** Wires a server so that every request, upgrade and protocol error goes through the pipeline. */
export function createDataListener(
  runtime: () => Runtime,
  services: Services,
  options: ListenerOptions,
  flights: Flights = createFlights(services),
): DataListener {
  const server = createHttpServer(options)
  const sockets = openSockets(server)
  const turns = createTurns()
  const reject = createProtocolRejection(services, turns)
  const work = (arrival: Arrival): void => {
    if (flights.isDraining) arrival.response.setHeader('connection', 'close')
    flights.begin(begin(runtime, services, arrival))
  }
  const accept = (arrival: Arrival): void => {
    const { request, response, upgrade } = arrival
    // Nothing a peer does may raise an unhandled error (I18).
    request.on('error', ignore)
    response.on('error', ignore)
    const socket = upgrade?.socket ?? request.socket
    const begun = turns.take(socket, response, () => work(arrival))
    if (!begun) reject('ERR_PIPELINE_TOO_LONG', socket)
  }
  listenTo(server, { accept, reject, turns })
  return {
    server,
    inFlight: () => flights.inFlight(),
    idle: () => flights.idle(),
    cut: (refusal) => flights.cut(refusal),
    decideAgain: () => flights.decideAgain(),
    destroy() {
      for (const socket of sockets) socket.destroy()
    },
    drain() {
      flights.drain()
      server.closeIdleConnections()
    },
    replaceTls(tls) {
      if ('setSecureContext' in server)
        (server as ReturnType<typeof createTlsServer>).setSecureContext(tlsOptions(tls))
    },
  }
}

/** Every way in which Node tells of a request, or of what is none. */
function listenTo(
  server: Server,
  to: {
    readonly accept: (arrival: Arrival) => void
    readonly reject: ProtocolRejection
    readonly turns: Turns
  },
): void {
  const { accept, reject, turns } = to
  server.on('request', (request, response) => accept({ request, response }))
  // Without this handler Node says `100 Continue` before anyone is authenticated.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    accept({ request, response, awaitsContinue: true }),
  )
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    accept({ request, response }),
  )
  const onRawSocket = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', ignore)
    // Node reads nothing more from this socket: an end of the client would go unnoticed here.
    if (turns.pending(socket) !== undefined) reject('ERR_UPGRADE_PIPELINED', socket)
    else accept({ request, response: responseOver(request, socket), upgrade: { socket, head } })
  }
  server.on('upgrade', onRawSocket)
  server.on('connect', onRawSocket)
  server.on('clientError', (error: Error & { code?: string }, socket: Duplex) =>
    reject(error.code ?? '', socket),
  )
}

/** The open connections; Node's own list leaves out those that were upgraded. */
function openSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly awaitsContinue?: boolean
  readonly upgrade?: UpgradeSocket
}

function createHttpServer(options: ListenerOptions): Server {
  const common = {
    maxHeaderSize: options.headerBytesMax,
    headersTimeout: options.headersTimeoutMs,
    // Long uploads are legitimate: the pipeline bounds every wait for the next bytes instead.
    requestTimeout: 0,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    // At Node's default of 30 s a slow-header connection outlives its timeout by as much.
    connectionsCheckingInterval: 1_000,
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
  }
  const server =
    options.tls === undefined
      ? createServer(common)
      : createTlsServer({
          ...common,
          handshakeTimeout: options.headersTimeoutMs,
          ...tlsOptions(options.tls),
        })
  // Node truncates a longer header list silently; the pipeline counts and refuses instead.
  server.maxHeadersCount = 0
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

function begin(runtime: () => Runtime, services: Services, arrival: Arrival): HttpExchange {
  return {
    id: randomUUID(),
    transport: 'http',
    runtime: runtime(),
    latest: runtime,
    request: arrival.request,
    response: arrival.response,
    upgrade: arrival.upgrade,
    awaitsContinue: arrival.awaitsContinue ?? false,
    startedMs: services.clock.monotonicMs(),
    stage: 'admit',
    recorded: false,
  }
}

/** A response over the raw socket that Node hands out for Upgrade and CONNECT; always the last. */
function responseOver(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  // It is the request's own socket, which Node types as any duplex stream here.
  response.assignSocket(request.socket)
  response.once('finish', () => socket.end())
  return response
}

function ignore(): void {
  // The close event that follows is what the pipeline reacts to.
}
