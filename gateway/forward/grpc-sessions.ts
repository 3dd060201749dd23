/**
 * HTTP/2 connections to gRPC upstreams, per upstream and privilege class (I15): bounded, opened when
 * they are needed, given up when they fall silent or the upstream says so.
 */
import { connect, type ClientHttp2Session } from 'node:http2'
import { connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { Duplex } from 'node:stream'
import type { PrivilegeClass } from '../domain/ports.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Reason } from '../domain/reasons.ts'
import type { UpstreamOptions, UpstreamTls } from './upstream-pools.ts'

/** Calls on one connection at once, if the upstream takes that many. */
const CALLS_PER_SESSION_MAX = 100

/** Unacknowledged bytes an upstream may send: per call, and per connection. */
const STREAM_WINDOW_BYTES = 256 * 1024
const SESSION_WINDOW_BYTES = 4 * 1024 * 1024

/** Memory nghttp2 may use for one connection, MiB; past it calls are refused. */
const SESSION_MEMORY_MIB = 32

const HEADER_LIST_BYTES_MAX = 16 * 1024

/** How long an unused connection is kept. */
const UNUSED_MS = 60_000

/** A connection, for one call. */
export interface Lease {
  readonly session: ClientHttp2Session
  /** To be called once, when the call is over. */
  readonly release: () => void
}

/** The connections of one privilege class to one upstream. */
export interface CallLane {
  /** `http` or `https`, and the authority, of the upstream. */
  readonly scheme: string
  readonly authority: string
  readonly headersTimeoutMs: number
  readonly idleTimeoutMs: number
  /** A connection with room, or why there is none. `cancel` takes the question back. */
  acquire(then: (lease: Lease | Reason) => void): () => void
}

/** The connections of one generation of the configuration. */
export interface CallUpstreams {
  lane(upstream: string, privilege: PrivilegeClass): CallLane | undefined
  /** Lets running calls end; new ones are refused. */
  close(): Promise<void>
  /** Breaks off what still runs. */
  destroy(): Promise<void>
}

/**
 * One set of connections per upstream and privilege class. Privileged calls have a connection each,
 * which carries nothing after them (I15).
 * @throws ERR_CONFIG_INVALID when a name is used twice
 */
export function createCallUpstreams(deps: {
  readonly upstreams: readonly UpstreamOptions[]
}): CallUpstreams {
  const lanes = new Map<string, Readonly<Record<PrivilegeClass, SessionLane>>>()
  for (const options of deps.upstreams) {
    if (lanes.has(options.name)) {
      const message = `upstream ${options.name} is configured twice`
      throw new GatewayError('ERR_CONFIG_INVALID', message)
    }
    lanes.set(options.name, {
      ordinary: new SessionLane(options, 'ordinary'),
      privileged: new SessionLane(options, 'privileged'),
    })
  }
  const all = [...lanes.values()].flatMap((pair) => [pair.ordinary, pair.privileged])
  return {
    lane: (upstream, privilege) => lanes.get(upstream)?.[privilege],
    close() {
      for (const lane of all) lane.close()
      return Promise.resolve()
    },
    destroy() {
      for (const lane of all) lane.destroy()
      return Promise.resolve()
    },
  }
}

interface Member {
  readonly session: ClientHttp2Session
  calls: number
  /** Takes no new calls. */
  isRetired: boolean
  isConnected: boolean
  timer: NodeJS.Timeout | undefined
}

interface Waiting {
  readonly then: (lease: Lease | Reason) => void
  timer: NodeJS.Timeout | undefined
}

class SessionLane implements CallLane {
  readonly scheme: string
  readonly authority: string
  readonly headersTimeoutMs: number
  readonly idleTimeoutMs: number
  private readonly members = new Set<Member>()
  private readonly waiting = new Set<Waiting>()
  private readonly sessionsMax: number
  private readonly isSingleUse: boolean
  private readonly options: UpstreamOptions
  private isClosed = false

  constructor(options: UpstreamOptions, privilege: PrivilegeClass) {
    const { protocol, host } = new URL(options.origin)
    this.scheme = protocol.slice(0, -1)
    this.authority = host
    this.headersTimeoutMs = options.headersTimeoutMs
    this.idleTimeoutMs = options.idleTimeoutMs
    this.options = options
    this.isSingleUse = privilege === 'privileged'
    this.sessionsMax = this.isSingleUse ? options.privilegedConnections : options.connections
  }

  acquire(then: (lease: Lease | Reason) => void): () => void {
    const asking: Waiting = { then, timer: undefined }
    if (this.isClosed) then('upstream_connect')
    else if (this.waiting.size > this.options.queueMax) then('upstream_busy')
    else {
      this.waiting.add(asking)
      this.serve()
      // Also while a connection is being made, which has its own, shorter time.
      if (this.waiting.has(asking)) {
        const giveUp = (): void => this.answer(asking, 'upstream_busy')
        asking.timer = setTimeout(giveUp, this.options.queueTimeoutMs)
      }
    }
    return () => this.forget(asking)
  }

  close(): void {
    this.isClosed = true
    for (const asking of [...this.waiting]) this.answer(asking, 'upstream_connect')
    for (const member of this.members) this.retire(member)
  }

  destroy(): void {
    this.close()
    for (const member of this.members) member.session.destroy()
  }

  private serve(): void {
    for (const asking of [...this.waiting]) {
      const member = this.roomiest()
      if (member === undefined) break
      this.answer(asking, this.lease(member))
    }
    const opening = [...this.members].filter((one) => !one.isConnected).length
    const room = opening * (this.isSingleUse ? 1 : CALLS_PER_SESSION_MAX)
    if (this.waiting.size > room && this.members.size < this.sessionsMax) this.open()
  }

  /** The connection with the fewest calls that takes one more. */
  private roomiest(): Member | undefined {
    let best: Member | undefined
    for (const member of this.members) {
      const { isConnected, isRetired, calls, session } = member
      if (!isConnected || isRetired || session.closed || session.destroyed) continue
      if (calls < this.callsMax(session) && (best === undefined || calls < best.calls)) {
        best = member
      }
    }
    return best
  }

  private callsMax({ remoteSettings }: ClientHttp2Session): number {
    if (this.isSingleUse) return 1
    return Math.min(CALLS_PER_SESSION_MAX, remoteSettings.maxConcurrentStreams ?? Infinity)
  }

  private lease(member: Member): Lease {
    member.calls += 1
    clearTimeout(member.timer)
    let isHeld = true
    const release = (): void => {
      if (!isHeld) return
      isHeld = false
      member.calls -= 1
      if (this.isSingleUse) this.retire(member)
      else if (member.calls === 0) this.expire(member)
      this.serve()
    }
    return { session: member.session, release }
  }

  private expire(member: Member): void {
    if (member.isRetired) return
    member.timer = setTimeout(() => this.retire(member), this.options.keepAliveMs ?? UNUSED_MS)
    member.timer.unref()
  }

  /** Lets its calls end and then closes it. */
  private retire(member: Member): void {
    member.isRetired = true
    clearTimeout(member.timer)
    if (!member.isConnected) member.session.destroy()
    else if (!member.session.closed) member.session.close()
  }

  private open(): void {
    const session = openSession(this.options)
    const member: Member = {
      session,
      calls: 0,
      isRetired: false,
      isConnected: false,
      timer: undefined,
    }
    this.members.add(member)
    member.timer = setTimeout(() => session.destroy(), this.options.connectTimeoutMs)
    session.once('connect', (_, socket) => {
      clearTimeout(member.timer)
      // Node leaves the socket of a session half closed that a TLS alert ended: one lost for each.
      session.once('close', () => socket.destroy())
      if (!this.isWanted(socket)) {
        session.destroy()
        return
      }
      member.isConnected = true
      session.setLocalWindowSize(SESSION_WINDOW_BYTES)
      this.expire(member)
      this.serve()
    })
    session.once('goaway', () => this.retire(member))
    session.on('remoteSettings', () => this.serve())
    session.on('error', ignore)
    session.once('close', () => this.leave(member))
  }

  /** A TLS peer that does not speak h2, or an address that is not one of this upstream (I14). */
  private isWanted(socket: {
    readonly remoteAddress?: string | undefined
    readonly alpnProtocol?: unknown
  }): boolean {
    if (this.scheme === 'https' && socket.alpnProtocol !== 'h2') return false
    return this.options.allowAddress?.(socket.remoteAddress ?? '') !== false
  }

  private leave(member: Member): void {
    this.members.delete(member)
    clearTimeout(member.timer)
    // Whoever waited for it is told at once; whoever comes next tries again.
    if (!member.isConnected && !this.hasOpen()) {
      for (const asking of [...this.waiting]) this.answer(asking, 'upstream_connect')
    } else this.serve()
  }

  private hasOpen(): boolean {
    return [...this.members].some(({ isRetired }) => !isRetired)
  }

  private answer(asking: Waiting, lease: Lease | Reason): void {
    this.forget(asking)
    asking.then(lease)
  }

  private forget(asking: Waiting): void {
    clearTimeout(asking.timer)
    this.waiting.delete(asking)
  }
}

function openSession(options: UpstreamOptions): ClientHttp2Session {
  const url = new URL(options.origin)
  return connect(options.origin, {
    createConnection: () => openSocket(options, url),
    maxSessionMemory: SESSION_MEMORY_MIB,
    maxReservedRemoteStreams: 0,
    peerMaxConcurrentStreams: CALLS_PER_SESSION_MAX,
    settings: {
      enablePush: false,
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxHeaderListSize: HEADER_LIST_BYTES_MAX,
    },
  })
}

function openSocket({ tls }: UpstreamOptions, url: URL): Duplex {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isTls = url.protocol === 'https:'
  const port = Number(url.port) || (isTls ? 443 : 80)
  if (!isTls) return connectTcp({ host, port, noDelay: true })
  return connectTls({
    host,
    port,
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.2',
    // RFC 6066 §3 allows no address in SNI; the certificate is checked against it all the same.
    servername: tls?.serverName ?? (isIP(host) === 0 ? host : ''),
    ...trust(tls),
  })
}

function trust(tls: UpstreamTls = {}): Pick<ConnectionOptions, 'ca' | 'cert' | 'key'> {
  const { ca, cert, key } = tls
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

function ignore(): void {
  // `close` follows.
}
