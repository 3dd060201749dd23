import type { ClientRequest, IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import httpProxy from 'http-proxy'
import { ADDRESS_REFUSED } from './failures.ts'
import type { HandshakeHeaders } from './upgrade-handshake.ts'
import type { UpstreamTls } from './upstream-pools.ts'

/** One upstream as WebSocket tunnels need it. */
export interface WsUpstreamOptions {
  readonly name: string
  /** `http://host:port` or `https://host:port`. */
  readonly origin: string
  /** From the connection attempt to the upstream's 101. */
  readonly headersTimeoutMs: number
  /** Longest silence on a tunnel, both directions. 0 for none. */
  readonly wsIdleTimeoutMs: number
  readonly tls?: UpstreamTls
  readonly allowAddress?: (ip: string) => boolean
}

/** What becomes of a handshake. Of the last three, the first that is called counts. */
export interface HandshakeEvents {
  onRequest(request: ClientRequest): void
  /** The connection, TLS included, is there. */
  onConnected(): void
  onUpgrade(answer: IncomingMessage, upstream: Duplex): void
  onDeclined(answer: IncomingMessage): void
  onError(error: Error): void
}

/** A handshake to send: path and headers exactly as given. */
export interface Handshake {
  readonly path: string
  readonly headers: HandshakeHeaders
  /** Stands for the client's socket. */
  readonly gate: Duplex
}

/** http-proxy for one upstream, hardened. */
export interface WsProxy {
  /** The upstream's own Host. */
  readonly host: string
  readonly handshakeTimeoutMs: number
  readonly idleTimeoutMs: number
  connect(handshake: Handshake, events: HandshakeEvents): void
}

/**
 * http-proxy 1.18.1, for upgrades only. It never sees the client's request or socket: it gets a
 * cleaned handshake and a gate. `deleteLength`, which turns a chunked DELETE into two requests
 * (CVE-2026-29057), is taken out although plain HTTP never passes here.
 */
export function createWsProxy(options: WsUpstreamOptions): WsProxy {
  const url = new URL(options.origin)
  return {
    host: url.host,
    handshakeTimeoutMs: options.headersTimeoutMs,
    idleTimeoutMs: options.wsIdleTimeoutMs,
    connect(handshake, events) {
      // One proxy object per handshake: its events then belong to this handshake alone.
      const proxy = hardened()
      proxy.on('proxyReqWs', (request) => {
        // http-proxy rewrites `//` and `http:/` within a path; this is the authorised one (I1).
        request.path = handshake.path
        watchConnection(request, options, events)
        // Registered before http-proxy's own listeners, so judged before it acts.
        request.once('upgrade', (answer, upstream) => events.onUpgrade(answer, upstream))
        request.once('response', (answer) => events.onDeclined(answer))
        events.onRequest(request)
      })
      const { path, headers, gate } = handshake
      const request = { method: 'GET', url: path, headers } as unknown as IncomingMessage
      proxy.ws(request, gate, Buffer.alloc(0), serverOptions(options, url), (error) =>
        events.onError(error),
      )
    },
  }
}

function hardened(): httpProxy {
  const proxy = httpProxy.createProxyServer({})
  const passes = proxy as unknown as { webPasses: readonly { readonly name: string }[] }
  passes.webPasses = passes.webPasses.filter(({ name }) => name !== 'deleteLength')
  // Without a listener http-proxy throws (I18); failures arrive through the callback.
  proxy.on('error', ignore)
  return proxy
}

function serverOptions(options: WsUpstreamOptions, url: URL): httpProxy.ServerOptions {
  const { tls } = options
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isTls = url.protocol === 'https:'
  return {
    target: {
      protocol: url.protocol,
      host,
      hostname: host,
      port: Number(url.port) || (isTls ? 443 : 80),
      ca: tls?.ca?.toString(),
      cert: tls?.cert?.toString(),
      key: tls?.key?.toString(),
    },
    ...(isTls
      ? { ssl: { minVersion: 'TLSv1.2', servername: tls?.serverName ?? serverNameOf(host) } }
      : {}),
    // The path is set as authorised; nothing is joined to it and nothing parsed out of it.
    toProxy: true,
    prependPath: false,
    secure: true,
  }
}

/** RFC 6066 §3 allows no address in SNI; the certificate is checked against `host` all the same. */
function serverNameOf(host: string): string {
  return isIP(host) === 0 ? host : ''
}

/** Judges the address that really answered before the handshake and its credentials leave. */
function watchConnection(
  request: ClientRequest,
  options: WsUpstreamOptions,
  events: HandshakeEvents,
): void {
  const { allowAddress, origin } = options
  request.once('socket', (socket) => {
    const ready = origin.startsWith('https:') ? 'secureConnect' : 'connect'
    socket.prependOnceListener(ready, () => events.onConnected())
    socket.prependOnceListener('connect', () => {
      if (allowAddress?.(socket.remoteAddress ?? '') !== false) return
      const error = new Error('the address is not one of this upstream')
      request.destroy(Object.assign(error, { code: ADDRESS_REFUSED }))
    })
  })
}

function ignore(): void {
  // The callback of the same handshake has the error.
}
