import type { ClientHttp2Stream } from 'node:http2'
import type { OutboundRequest } from '../domain/ports.ts'
import type { Reason } from '../domain/reasons.ts'
import { headersObject } from './grpc-headers.ts'
import type { CallLane, Lease } from './grpc-sessions.ts'

/** A pooled connection may be gone by the time it is used: so often another one is asked for. */
const ATTEMPTS_MAX = 3

/** What a call is told of its way to the upstream: one of the two, once, unless it was stopped. */
export interface OpeningEvents {
  /** The stream is open and its head sent; the lease is the call's to release. */
  onOpen(upstream: ClientHttp2Stream, lease: Lease): void
  onFail(reason: Reason): void
}

/** Opens one stream to the upstream over a connection of the pool. */
export class CallOpening {
  private attempts = 0
  private isStopped = false
  private stopAsking: (() => void) | undefined
  private readonly lane: CallLane
  private readonly request: OutboundRequest
  private readonly events: OpeningEvents

  constructor(lane: CallLane, request: OutboundRequest, events: OpeningEvents) {
    this.lane = lane
    this.request = request
    this.events = events
  }

  begin(): void {
    if (this.isStopped) return
    this.attempts += 1
    this.stopAsking = this.lane.acquire((lease) => this.onLease(lease))
  }

  /** Nothing is told any more. */
  stop(): void {
    this.isStopped = true
    this.stopAsking?.()
  }

  private onLease(lease: Lease | Reason): void {
    this.stopAsking = undefined
    if (typeof lease === 'string') {
      this.events.onFail(lease)
      return
    }
    const upstream = this.isStopped ? undefined : this.open(lease)
    if (upstream !== undefined) {
      this.events.onOpen(upstream, lease)
      return
    }
    lease.release()
    if (this.isStopped) return
    if (this.attempts < ATTEMPTS_MAX) queueMicrotask(() => this.begin())
    else this.events.onFail('upstream_connect')
  }

  private open({ session }: Lease): ClientHttp2Stream | undefined {
    const { request, lane } = this
    const head = {
      ':method': request.method,
      ':scheme': lane.scheme,
      ':authority': lane.authority,
      ':path': request.path,
      ...headersObject(request.headers),
    }
    try {
      return session.request(head, { endStream: request.body === null })
    } catch {
      // It was closed under us: nothing was sent.
      return undefined
    }
  }
}
