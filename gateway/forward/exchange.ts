import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import type { ForwardOutcome } from '../domain/ports.ts'
import type { Reason } from '../domain/reasons.ts'
import { isRefusal, refuse, type Refusal } from '../domain/refusal.ts'
import { Delivery } from './delivery.ts'
import { failureReason, isClosedEarly, type ExchangePhase } from './failures.ts'
import type { ExchangeParts } from './exchange-parts.ts'
import { dispatchOptions, isRepeatable } from './outbound.ts'
import { ReadOn } from './read-on.ts'
import { ReadPace } from './read-pace.ts'
import { RequestBody } from './request-body.ts'
import { isBodyless, validHead } from './response-head.ts'

type Controller = Dispatcher.DispatchController

/** Informational answers (RFC 9110 §15.2) are swallowed, but not without end. */
const INFORMATIONAL_MAX = 16

/** Asks a guard for what it kept until it was {@link ResponseGuard.ready}. */
const NOTHING = Buffer.alloc(0)

/** A client cut off in good order has this long to take the last event. */
const CUT_GRACE_MS = 1_000

/**
 * One request and its answer, between one client and one upstream connection. The methods starting
 * with `on` are undici's; each may run after the exchange is over and then does nothing. Every path
 * ends in one {@link Exchange.settle}.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private controller: Controller | undefined
  private informational = 0
  private attempts = 0
  private timer: NodeJS.Timeout | undefined
  /** Nothing of the upstream counts any more. */
  private isOver = false
  private isSettled = false
  /** Why the response was ended before its time, when it could be ended in good order. */
  private cutReason: Reason | undefined
  private readonly body: RequestBody | Buffer | null
  private readonly delivery: Delivery
  private readonly response: ServerResponse
  private readonly pace: ReadPace
  private readonly readOn: ReadOn
  private readonly parts: ExchangeParts

  constructor(parts: ExchangeParts) {
    this.parts = parts
    this.response = parts.client.response
    this.delivery = new Delivery(this.response)
    const { body } = parts.request
    this.body = body === null || Buffer.isBuffer(body) ? body : new RequestBody(body)
    this.readOn = new ReadOn(parts.client.readsOn)
    this.pace = new ReadPace(parts.client.guard, {
      isOver: () => this.isOver,
      pause: () => this.controller?.pause(),
      resume: () => this.controller?.resume(),
      end: () => this.finish(),
    })
  }

  begin(): void {
    this.response.once('close', this.onClientClose).on('error', ignore)
    this.parts.client.onCuttable?.(this.cut)
    this.dispatch()
  }

  onRequestStart(controller: Controller): void {
    // It was given up while it waited for a connection. Throwing takes it out of undici's queue and
    // leaves the connection whole; aborting would close it.
    if (this.isOver) throw new Error('given up while waiting')
    this.controller = controller
    this.disarm()
  }

  onResponseStart(_: Controller, status: number, headers: IncomingHttpHeaders): void {
    if (this.isOver) return
    if (status < 200) {
      if (status === 101 || ++this.informational > INFORMATIONAL_MAX) this.fail('upstream_invalid')
      return
    }
    const received = validHead(status, headers, this.parts.options)
    if (received === undefined) {
      this.fail('upstream_invalid')
      return
    }
    const { client, request } = this.parts
    client.onHead?.(status)
    const head = client.guard.head(received)
    if (isRefusal(head)) {
      this.cut(head)
      return
    }
    // A client still sending cannot know where its next request would begin.
    this.delivery.begin(head, this.body instanceof RequestBody && !this.body.ended)
    if (isBodyless(request.method, status)) this.finish()
  }

  onResponseData(_: Controller, chunk: Buffer): void {
    if (this.isOver) return
    if (!this.readOn.takes(chunk.length)) {
      this.giveUp()
      return
    }
    this.pass(chunk)
    this.pace.waitForGuard(() => this.passKept())
  }

  private passKept(): void {
    if (this.parts.client.guard.keeps?.() === true) this.pass(NOTHING)
  }

  private pass(chunk: Buffer): void {
    const verdict = this.parts.client.guard.chunk(chunk)
    if (verdict === undefined) this.write(chunk)
    else if (verdict === 'hold') {
      if (!this.delivery.hold(chunk)) this.cut(refuse('internal'))
    } else if (isRefusal(verdict)) this.cut(verdict)
    else if (verdict.length > 0) this.write(verdict)
  }

  onResponseEnd(): void {
    this.parts.lane.active--
    if (this.isOver) return
    if (this.pace.isGuardBusy) this.pace.isEndDue = true
    else this.finish()
  }

  onResponseError(_: Controller | undefined, error: Error): void {
    this.parts.lane.active--
    if (this.isOver) return
    if (this.isRetriable(error)) {
      this.attempts++
      this.controller = undefined
      queueMicrotask(() => this.dispatch())
    } else this.fail(failureReason(error, this.phase))
  }

  private dispatch(): void {
    if (this.isOver) return
    const { lane, request } = this.parts
    if (lane.active >= lane.activeMax) {
      this.fail('upstream_busy')
      return
    }
    lane.active++
    if (lane.active > lane.connections)
      this.arm(lane.queueTimeoutMs, () => this.fail('upstream_busy'))
    lane.pool.dispatch(dispatchOptions(request, this.body, lane), this)
  }

  /** Ends the exchange from outside, or by the guard's refusal. */
  private readonly cut = (refusal: Refusal): void => {
    if (this.isSettled || this.cutReason !== undefined) return
    const isStreaming = !this.isOver
    this.abandon()
    if (!this.delivery.isBegun) {
      this.settle(refusal)
    } else if (isStreaming && this.delivery.isEventStream) {
      this.cutReason = refusal.reason
      this.delivery.endWithReason(refusal.reason)
      this.arm(CUT_GRACE_MS, () => this.delivery.breakOff())
    } else {
      this.delivery.breakOff()
      this.settle(this.outcome('gateway', refusal.reason))
    }
  }

  /** The whole answer is here; what is left is the client's reading of it. */
  private finish(): void {
    const last = this.parts.client.guard.end()
    if (isRefusal(last)) {
      this.cut(last)
      return
    }
    if (last !== undefined && last.length > 0) this.delivery.write(last)
    const { guard } = this.parts.client
    if (guard.keeps?.() === true && this.pace.waitForGuard(() => this.finish())) return
    this.isOver = true
    if (this.body instanceof RequestBody && !this.body.ended) this.body.discard()
    if (this.readOn.isOn) {
      this.settle(this.outcome('client', 'client_gone'))
      return
    }
    this.delivery.end()
    if (this.delivery.isPending) this.watchReader()
  }

  /** The upstream, or the client's body, failed. Never a clean end of what was begun. */
  private fail(reason: Reason): void {
    this.abandon()
    if (!this.delivery.isBegun) {
      this.settle(refuse(reason))
      return
    }
    this.delivery.breakOff()
    const endedBy = reason === 'request_body_aborted' ? 'client' : 'upstream'
    this.settle(this.outcome(endedBy, reason))
  }

  private readonly onClientClose = (): void => {
    this.disarm()
    if (this.isSettled) return
    // What waits for a connection has not been sent: nothing comes of it.
    if (!this.isOver && this.controller !== undefined && this.readOn.begin(() => this.giveUp())) {
      this.pace.isReaderSlow = false
      this.pace.goOn()
      return
    }
    const isDelivered = this.isOver && this.response.writableFinished
    this.abandon()
    if (this.cutReason !== undefined) this.settle(this.outcome('gateway', this.cutReason))
    else if (isDelivered) this.settle(this.outcome('upstream'))
    else this.settle(this.outcome('client', 'client_gone'))
  }

  private giveUp(): void {
    this.abandon()
    this.settle(this.outcome('client', 'client_gone'))
  }

  /** Lets go of the upstream at once; its connection is never used again (I15). */
  private abandon(): void {
    if (this.isOver) return
    this.isOver = true
    this.controller?.abort(new Error('the exchange was given up'))
    if (this.body instanceof RequestBody) this.body.destroy()
  }

  private settle(result: ForwardOutcome | Refusal): void {
    if (this.isSettled) return
    this.isSettled = true
    this.disarm()
    this.readOn.end()
    if (isRefusal(result)) this.response.off('close', this.onClientClose)
    this.parts.resolve(result)
  }

  private write(chunk: Buffer): void {
    if (chunk.length === 0 || this.readOn.isOn || this.delivery.write(chunk)) return
    if (this.pace.isReaderSlow || this.controller === undefined) return
    this.pace.isReaderSlow = true
    this.controller.pause()
    this.response.once('drain', () => this.onDrain())
    this.watchReader()
  }

  private onDrain(): void {
    this.pace.isReaderSlow = false
    if (this.isOver) return
    this.disarm()
    this.pace.goOn()
  }

  /** A client that stops reading must not hold an upstream's connection for ever. */
  private watchReader(): void {
    this.arm(this.parts.options.drainTimeoutMs, () => {
      this.abandon()
      this.delivery.breakOff()
      this.settle(this.outcome('gateway', 'client_gone'))
    })
  }

  /** Only while nothing was answered, and only once. */
  private isRetriable(error: Error): boolean {
    const { lane, request } = this.parts
    const isFirst = this.attempts === 0 && this.phase === 'waiting' && this.informational === 0
    return isFirst && isRepeatable(request, lane) && isClosedEarly(error)
  }

  private get phase(): ExchangePhase {
    if (this.controller === undefined) return 'connecting'
    return this.delivery.hasHead ? 'answering' : 'waiting'
  }

  private outcome(endedBy: ForwardOutcome['endedBy'], reason?: Reason): ForwardOutcome {
    const { body, delivery } = this
    const sent = body instanceof RequestBody ? body.byteCount : (body?.length ?? 0)
    const { status, byteCount: responseBytes } = delivery
    const isUnsent =
      this.controller === undefined && this.attempts === 0 ? ({ isUnsent: true } as const) : {}
    const outcome = { status, requestBytes: sent, responseBytes, endedBy, ...isUnsent }
    return reason === undefined ? outcome : { ...outcome, reason }
  }

  private arm(afterMs: number, action: () => void): void {
    this.disarm()
    this.timer = setTimeout(action, afterMs)
  }

  private disarm(): void {
    if (this.timer === undefined) return
    clearTimeout(this.timer)
    this.timer = undefined
  }
}

function ignore(): void {
  // `close` follows and is listened to.
}
