import { buildConnector, Pool } from 'undici'
import type { PrivilegeClass } from '../domain/ports.ts'
import { GatewayError } from '../domain/errors.ts'
import { ADDRESS_REFUSED, codeOf, CONNECTION_RESET } from './failures.ts'

/** TLS towards one upstream. The server certificate is always verified. */
export interface UpstreamTls {
  /** PEM; replaces the system's roots. */
  readonly ca?: string | Buffer
  /** PEM client certificate and key (mutual TLS). */
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** Name in SNI and expected in the certificate; the host of `origin` when absent. */
  readonly serverName?: string
}

/** One upstream as the operator configured it. */
export interface UpstreamOptions {
  readonly name: string
  /** `http://host:port` or `https://host:port`; nothing a caller sends can change it (I14). */
  readonly origin: string
  /** Connections for ordinary requests, at most. */
  readonly connections: number
  /** Connections for privileged requests, at most; each carries one exchange. */
  readonly privilegedConnections: number
  readonly connectTimeoutMs: number
  /** From the request being sent to the head of the answer. */
  readonly headersTimeoutMs: number
  /** Longest silence within an answer. 0 for none. */
  readonly idleTimeoutMs: number
  /** Requests that may wait for a connection, per privilege class. */
  readonly queueMax: number
  /** How long one may wait. */
  readonly queueTimeoutMs: number
  /** How long an unused connection is kept; 4 s when absent. */
  readonly keepAliveMs?: number
  /** Exchanges per connection, so that nothing stays on one for ever; 10,000 when absent. */
  readonly requestsPerConnectionMax?: number
  readonly tls?: UpstreamTls
  /** Judges the address that really answered, after name resolution (I14). All when absent. */
  readonly allowAddress?: (ip: string) => boolean
}

/** The connections of one privilege class to one upstream. */
export interface Lane {
  readonly pool: Pool
  /** Exchanges running or waiting; the forwarder counts. */
  active: number
  readonly connections: number
  /** `connections` and the queue together; past it the upstream is busy. */
  readonly activeMax: number
  readonly queueTimeoutMs: number
  /** Whether each connection carries one exchange only (I15). */
  readonly singleUse: boolean
}

/** The connections of one generation of the configuration. */
export interface Upstreams {
  /** `undefined` for a name that is not configured. */
  lane(upstream: string, privilege: PrivilegeClass): Lane | undefined
  /** Resolves when running exchanges are over; new ones are refused. Unbounded: see `destroy`. */
  close(): Promise<void>
  /** Breaks off what still runs. */
  destroy(): Promise<void>
}

/** Header block of an answer, bytes (I17). */
const HEADER_BYTES_MAX = 16 * 1024

/**
 * One pool per upstream and privilege class. A generation is immutable: a configuration reload
 * builds a new one and closes the old, whose running exchanges end on their own connections.
 *
 * @throws ERR_CONFIG_INVALID when an origin is not an http(s) origin or a name is used twice.
 */
export function createUpstreams(deps: {
  readonly upstreams: readonly UpstreamOptions[]
}): Upstreams {
  const lanes = new Map<string, Readonly<Record<PrivilegeClass, Lane>>>()
  for (const options of deps.upstreams) {
    if (lanes.has(options.name)) throw invalid(`upstream ${options.name} is configured twice`)
    const origin = originOf(options)
    lanes.set(options.name, {
      ordinary: createLane(options, origin, 'ordinary'),
      privileged: createLane(options, origin, 'privileged'),
    })
  }
  const pools = [...lanes.values()].flatMap((pair) => [pair.ordinary.pool, pair.privileged.pool])
  return {
    lane: (upstream, privilege) => lanes.get(upstream)?.[privilege],
    async close() {
      await Promise.all(pools.filter((pool) => !pool.closed).map((pool) => pool.close()))
    },
    async destroy() {
      await Promise.all(pools.map((pool) => pool.destroy()))
    },
  }
}

function createLane(options: UpstreamOptions, origin: string, privilege: PrivilegeClass): Lane {
  const singleUse = privilege === 'privileged'
  const connections = singleUse ? options.privilegedConnections : options.connections
  const pool = new Pool(origin, {
    connections,
    // One exchange at a time per connection: what an upstream sends unasked can at most spoil the
    // exchange it belongs to (I15).
    pipelining: 1,
    connect: createConnector(options),
    headersTimeout: options.headersTimeoutMs,
    bodyTimeout: options.idleTimeoutMs,
    keepAliveTimeout: options.keepAliveMs ?? 4_000,
    maxHeaderSize: HEADER_BYTES_MAX,
    maxRequestsPerClient: options.requestsPerConnectionMax ?? 10_000,
  })
  const activeMax = connections + options.queueMax
  const { queueTimeoutMs } = options
  return { pool, active: 0, connections, activeMax, queueTimeoutMs, singleUse }
}

function createConnector(options: UpstreamOptions): buildConnector.connector {
  const { tls, allowAddress } = options
  const connect = buildConnector({
    timeout: options.connectTimeoutMs,
    ...(tls === undefined ? {} : { minVersion: 'TLSv1.2' }),
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
    ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
  })
  return (target, callback) => {
    connect(target, (...[error, socket]) => {
      if (error !== null) {
        callback(error, null)
        return
      }
      // The name may resolve to another address than when it was last looked at (DNS rebinding).
      if (allowAddress?.(socket.remoteAddress ?? '') === false) {
        socket.destroy()
        callback(addressRefused(), null)
        return
      }
      socket.prependListener('error', markReset)
      callback(null, socket)
    })
  }
}

function addressRefused(): Error {
  return Object.assign(new Error('the address is not one of this upstream'), {
    code: ADDRESS_REFUSED,
  })
}

function markReset(error: Error & { code?: string }): void {
  if (codeOf(error) === 'ECONNRESET') error.code = CONNECTION_RESET
}

function originOf(options: UpstreamOptions): string {
  const url = URL.canParse(options.origin) ? new URL(options.origin) : undefined
  const plain = url?.pathname === '/' && url.search === '' && url.username === ''
  if (url === undefined || !plain || !/^https?:$/.test(url.protocol)) {
    throw invalid(`upstream ${options.name}: the origin is not of the form http(s)://host:port`)
  }
  return url.origin
}

function invalid(message: string): GatewayError {
  return new GatewayError('ERR_CONFIG_INVALID', message)
}
