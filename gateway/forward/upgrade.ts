import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type {
  ForwardOutcome,
  OutboundRequest,
  UpgradeClient,
  UpgradeForwarder,
} from '../domain/ports.ts'
import { REASONS, type Reason } from '../domain/reasons.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import { failureReason, type ExchangePhase } from './failures.ts'
import { ClientGate } from './tunnel.ts'
import {
  declinedHead,
  handshakeHeaders,
  isAccepted,
  switchingHead,
  type HandshakeHeaders,
} from './upgrade-handshake.ts'
import { createWsProxy, type WsProxy, type WsUpstreamOptions } from './ws-proxy.ts'

/** What the upgrade forwarder needs. */
export interface UpgradeForwarderDeps {
  readonly upstreams: readonly WsUpstreamOptions[]
}

/**
 * Carries permitted WebSocket upgrades. The tunnel opens only when the upstream answered 101 with
 * the right `Sec-WebSocket-Accept`; a declined handshake is relayed as its bare status. Each tunnel
 * has its own upstream connection (I15). When one side goes, so does the other.
 */
export function createUpgradeForwarder(deps: UpgradeForwarderDeps): UpgradeForwarder {
  const proxies = new Map(deps.upstreams.map((options) => [options.name, createWsProxy(options)]))
  return {
    upgrade(request, client) {
      const proxy = proxies.get(request.upstream)
      if (proxy === undefined) return Promise.resolve(refuse('upstream_unknown'))
      const headers = handshakeHeaders(request.headers, proxy.host)
      if (headers === undefined) return Promise.resolve(refuse('upgrade_invalid'))
      return new Promise((resolve) => {
        new Upgrade({ proxy, request, client, headers, resolve }).begin()
      })
    },
  }
}

interface UpgradeParts {
  readonly proxy: WsProxy
  readonly request: OutboundRequest
  readonly client: UpgradeClient
  readonly headers: HandshakeHeaders
  readonly resolve: (result: ForwardOutcome | Refusal) => void
}

/** A side told to close has this long to do so. */
const CLOSE_GRACE_MS = 1_000

class Upgrade {
  private readonly gate: ClientGate
  private proxyRequest: ClientRequest | undefined
  private upstream: Duplex | undefined
  private timer: NodeJS.Timeout | undefined
  private phase: ExchangePhase = 'connecting'
  private status = 0
  private requestBytes = 0
  private responseBytes = 0
  private ending: { readonly by: ForwardOutcome['endedBy']; readonly reason: Reason } | undefined
  private isSettled = false
  private readonly parts: UpgradeParts

  constructor(parts: UpgradeParts) {
    this.parts = parts
    this.gate = new ClientGate(parts.client, {
      onBytes: this.onBytes,
      onActivity: () => this.timer?.refresh(),
      onViolation: (from) => {
        this.endTunnel(1002, from === 'client' ? 'client' : 'upstream', 'upgrade_invalid')
      },
      onRefused: (code, refusal) => {
        this.endTunnel(code, 'gateway', refusal.reason, closeText(refusal))
      },
    })
  }

  begin(): void {
    const { client, headers, proxy, request } = this.parts
    client.socket.on('error', ignore).once('close', this.onClientClose)
    client.onCuttable?.(this.cut)
    // Whoever was handed the means to end it may have done so at once.
    if (this.isSettled) return
    this.timer = setTimeout(() => this.fail('upstream_timeout'), proxy.handshakeTimeoutMs)
    proxy.connect(
      { path: request.path, headers, gate: this.gate },
      {
        onRequest: (proxyRequest) => (this.proxyRequest = proxyRequest),
        onConnected: () => (this.phase = 'waiting'),
        onUpgrade: this.onUpgrade,
        onDeclined: this.onDeclined,
        onError: (error) => this.fail(failureReason(error, this.phase)),
      },
    )
  }

  private readonly onUpgrade = (answer: IncomingMessage, upstream: Duplex): void => {
    this.upstream = upstream
    upstream.on('error', ignore).once('close', this.onUpstreamClose)
    const { client, headers } = this.parts
    const judged = isAccepted(answer, headers) ? switchingHead(answer, client.answers) : undefined
    if (judged === undefined || this.isSettled) {
      this.fail('upstream_invalid')
      return
    }
    if (typeof judged !== 'string') {
      this.refuseWith(judged)
      return
    }
    this.status = 101
    clearTimeout(this.timer)
    const { idleTimeoutMs } = this.parts.proxy
    this.timer =
      idleTimeoutMs === 0
        ? undefined
        : setTimeout(() => this.endTunnel(1001, 'gateway', 'upstream_timeout'), idleTimeoutMs)
    this.gate.open(judged)
  }

  private readonly onDeclined = (answer: IncomingMessage): void => {
    answer.on('error', ignore)
    const { socket } = this.parts.client
    const status = answer.statusCode ?? 0
    if (this.isSettled || status < 200 || status > 599) {
      this.fail('upstream_invalid')
      return
    }
    this.status = status
    this.letGo()
    socket.end(declinedHead(answer), 'latin1', () => socket.destroy())
    this.settle(this.outcome('upstream'))
  }

  private readonly cut = (refusal: Refusal): void => {
    const code = refusal.reason === 'draining' ? 1001 : 1008
    if (this.status === 101) this.endTunnel(code, 'gateway', refusal.reason, closeText(refusal))
    else this.refuseWith(refusal)
  }

  private readonly onBytes = (direction: 'to-upstream' | 'to-client', count: number): void => {
    if (direction === 'to-client') this.responseBytes += count
    else this.requestBytes += count
    this.parts.client.onBytes?.(direction, count)
  }

  /** Closes an open tunnel with a WebSocket status and a text for the client, then for good. */
  private endTunnel(
    code: number,
    by: ForwardOutcome['endedBy'],
    reason: Reason,
    text?: string,
  ): void {
    if (this.isSettled || this.ending !== undefined) return
    this.ending = { by, reason }
    clearTimeout(this.timer)
    const isTold = this.gate.close(code, this.upstream, text)
    if (isTold) this.timer = setTimeout(this.destroyBoth, CLOSE_GRACE_MS)
    else this.destroyBoth()
  }

  private readonly destroyBoth = (): void => {
    this.letGo()
    this.parts.client.socket.destroy()
  }

  /** Before the tunnel: a refusal for the caller to answer with. After: both sides are closed. */
  private fail(reason: Reason): void {
    if (this.status === 101) this.destroyBoth()
    else this.refuseWith(refuse(reason))
  }

  private refuseWith(refusal: Refusal): void {
    this.parts.client.socket.off('close', this.onClientClose)
    this.settle(refusal)
    this.letGo()
  }

  private readonly onClientClose = (): void => {
    const { ending } = this
    if (ending === undefined) this.settle(this.outcome('client', this.goneReason()))
    else this.settle(this.outcome(ending.by, ending.reason))
    this.letGo()
  }

  private readonly onUpstreamClose = (): void => {
    if (this.isSettled || this.status !== 101) return
    const { socket } = this.parts.client
    if (this.ending === undefined) {
      this.settle(this.outcome(socket.readableEnded ? 'client' : 'upstream'))
    }
    // What the upstream sent last still goes out; then the client's side ends too.
    if (socket.writableFinished || this.ending !== undefined) return
    this.timer = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS)
    socket.once('close', () => clearTimeout(this.timer))
    socket.end(() => socket.destroy())
  }

  /** A client that closes an open tunnel ends it; one that leaves before has given up. */
  private goneReason(): Reason | undefined {
    return this.status === 101 ? undefined : 'client_gone'
  }

  private letGo(): void {
    this.proxyRequest?.destroy()
    this.upstream?.destroy()
    this.gate.destroy()
  }

  private settle(result: ForwardOutcome | Refusal): void {
    if (this.isSettled) return
    this.isSettled = true
    clearTimeout(this.timer)
    this.parts.resolve(result)
  }

  private outcome(endedBy: ForwardOutcome['endedBy'], reason?: Reason): ForwardOutcome {
    const { status, requestBytes, responseBytes } = this
    const outcome = { status, requestBytes, responseBytes, endedBy }
    return reason === undefined ? outcome : { ...outcome, reason }
  }
}

/** What a client is told of a refusal: the code first, as little else may fit. */
function closeText({ reason, detail }: Refusal): string {
  return `${reason}: ${detail ?? REASONS[reason].title}`
}

function ignore(): void {
  // `close` follows and is listened to.
}
