import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import { REASONS, type Reason } from '../domain/reasons.ts'
import { isRefusal, refuse, type Refusal } from '../domain/refusal.ts'
import type {
  ForwardClient,
  ForwardOutcome,
  OutboundRequest,
  ResponseHead,
} from '../domain/ports.ts'
import { failureReason, isClosedEarly } from './failures.ts'
import { inboundResponseHeaders, type InboundHeaderOptions } from './headers.ts'
import { RequestBody } from './request-body.ts'
import type { Lane } from './upstream-pools.ts'

/** Bounds of one exchange. */
export interface ExchangeOptions extends InboundHeaderOptions {
  /** How long a client may leave us with bytes it does not read. */
  readonly drainTimeoutMs: number
}

/** So little is taken by the kernel at once; the delivery of more is watched. */
const TAIL_BYTES = 16 * 1024

type Controller = Dispatcher.DispatchController

/** A guard may hold back this much while it judges; more is a guard gone wrong. */
const HELD_BYTES_MAX = 4096

/** Informational answers (RFC 9110 §15.2) are swallowed, but not without end. */
const INFORMATIONAL_MAX = 16

/**
 * One request and its answer, between one client and one upstream connection. The methods starting
 * with `on` are undici's; each may run after the exchange is over and then does nothing. Every path
 * ends in exactly one {@link Exchange.settle}.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private controller: Controller | undefined
  private readonly body: RequestBody | Buffer | null
  private readonly response: ServerResponse
  private head: ResponseHead | undefined
  private held: Buffer[] | undefined
  private heldBytes = 0
  private informational = 0
  private attempts = 0
  private responseBytes = 0
  private timer: NodeJS.Timeout | undefined
  private isHeadSent = false
  /** Nothing of the upstream counts any more. */
  private isOver = false
  private isSettled = false
  private isReaderSlow = false
  /** Why the response was ended before its time, when it could still be ended in good order. */
  private cutReason: Reason | undefined

  private readonly lane: Lane
  private readonly request: OutboundRequest
  private readonly client: ForwardClient
  private readonly options: ExchangeOptions
  private readonly resolve: (result: ForwardOutcome | Refusal) => void

  constructor(
    lane: Lane,
    request: OutboundRequest,
    client: ForwardClient,
    more: {
      readonly options: ExchangeOptions
      readonly resolve: (result: ForwardOutcome | Refusal) => void
    },
  ) {
    this.lane = lane
    this.request = request
    this.client = client
    this.options = more.options
    this.resolve = more.resolve
    this.response = client.response
    const { body } = request
    this.body = body === null || Buffer.isBuffer(body) ? body : new RequestBody(body)
  }

  begin(): void {
    this.response.once('close', this.onClientClose).on('error', ignore)
    this.client.onCuttable?.(this.cut)
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
    const received = validHead(status, headers, this.options)
    if (received === undefined) {
      this.fail('upstream_invalid')
      return
    }
    this.client.onHead?.(status)
    const head = this.client.guard.head(received)
    if (isRefusal(head)) {
      this.cut(head)
      return
    }
    this.head = head
    if (isBodyless(this.request.method, status)) this.finish()
    else if (isEventStream(headers)) this.openEventStream()
  }

  onResponseData(_: Controller, chunk: Buffer): void {
    if (this.isOver) return
    const verdict = this.client.guard.chunk(chunk)
    if (verdict === undefined) {
      this.releaseHeld()
      this.write(chunk)
    } else if (verdict !== 'hold') this.cut(verdict)
    else if ((this.heldBytes += chunk.length) > HELD_BYTES_MAX) this.cut(refuse('internal'))
    else (this.held ??= []).push(chunk)
  }

  onResponseEnd(): void {
    this.lane.active--
    if (!this.isOver) this.finish()
  }

  onResponseError(_: Controller | undefined, error: Error): void {
    this.lane.active--
    if (this.isOver) return
    if (this.isRetriable(error)) {
      this.attempts++
      this.controller = undefined
      queueMicrotask(this.dispatch)
    } else this.fail(failureReason(error, this.controller !== undefined))
  }

  private readonly dispatch = (): void => {
    if (this.isOver) return
    const { lane, request } = this
    if (lane.active >= lane.activeMax) {
      this.settle(refuse('upstream_busy'))
      return
    }
    lane.active++
    if (lane.active > lane.connections) this.arm(lane.queueTimeoutMs, this.onQueueTimeout)
    lane.pool.dispatch(
      {
        method: request.method,
        path: request.path,
        headers: withLength(request),
        body: this.body,
        ...(lane.singleUse ? { reset: true } : {}),
      },
      this,
    )
  }

  /** Ends the exchange from outside, or by the guard's refusal. */
  readonly cut = (refusal: Refusal): void => {
    if (this.isSettled || this.cutReason !== undefined) return
    const streaming = !this.isOver
    this.abandon()
    if (!this.isHeadSent) {
      this.settle(refusal)
      return
    }
    this.cutReason = refusal.reason
    if (streaming && this.isEventStreamOpen()) {
      // An event stream can say why; an event left unfinished is ended first.
      this.response.end(`\n\nevent: error\ndata: ${errorEvent(refusal.reason)}\n\n`)
      this.arm(1_000, this.breakOff)
      return
    }
    this.breakOff()
    this.settle(this.outcome('gateway', refusal.reason))
  }

  /** The whole answer is here; what is left is the client's reading of it. */
  private finish(): void {
    const refusal = this.client.guard.end()
    if (refusal !== undefined) {
      this.cut(refusal)
      return
    }
    this.isOver = true
    this.releaseHeld()
    if (!this.isHeadSent) this.sendHead()
    if (this.body instanceof RequestBody && !this.body.ended) this.body.discard()
    this.response.end()
    if (this.isReaderSlow || this.response.writableLength > TAIL_BYTES)
      this.arm(this.options.drainTimeoutMs, this.onDrainTimeout)
  }

  /** The upstream, or the client's body, failed. Never a clean end of what was begun (I18). */
  private fail(reason: Reason): void {
    this.abandon()
    if (!this.isHeadSent) {
      this.settle(refuse(reason))
      return
    }
    this.breakOff()
    const endedBy = reason === 'request_body_aborted' ? 'client' : 'upstream'
    this.settle(this.outcome(endedBy, reason))
  }

  private readonly onClientClose = (): void => {
    this.disarm()
    if (this.isSettled) return
    const isDelivered = this.isOver && this.response.writableFinished
    this.abandon()
    if (this.cutReason !== undefined) this.settle(this.outcome('gateway', this.cutReason))
    else if (isDelivered) this.settle(this.outcome('upstream'))
    else this.settle(this.outcome('client', 'client_gone'))
  }

  /** Lets go of the upstream at once; its connection is never used again (I15). */
  private abandon(): void {
    if (this.isOver) return
    this.isOver = true
    this.held = undefined
    this.controller?.abort(new Error('the exchange was given up'))
    if (this.body instanceof RequestBody) this.body.destroy()
  }

  /** Closes the client's connection so that what it got cannot pass for a whole answer. */
  private readonly breakOff = (): void => {
    const { response } = this
    // Without a length and without chunks, only a reset tells a broken answer from a whole one.
    if (!response.chunkedEncoding && !this.hasLength()) reset(response.socket)
    response.destroy()
  }

  private settle(result: ForwardOutcome | Refusal): void {
    if (this.isSettled) return
    this.isSettled = true
    this.isOver = true
    this.disarm()
    if (isRefusal(result)) this.response.off('close', this.onClientClose)
    this.response.off('drain', this.onDrain)
    this.resolve(result)
  }

  private sendHead(): void {
    const { head, response } = this
    if (head === undefined) return
    this.isHeadSent = true
    // A client still sending cannot be told where its next request would begin.
    if (this.body instanceof RequestBody && !this.body.ended) response.shouldKeepAlive = false
    response.writeHead(head.status, withoutLength(head) as string[])
  }

  private openEventStream(): void {
    this.sendHead()
    this.response.socket?.setNoDelay(true)
    this.response.flushHeaders()
  }

  private releaseHeld(): void {
    const { held } = this
    this.held = undefined
    this.heldBytes = 0
    for (const chunk of held ?? []) this.write(chunk)
  }

  private write(chunk: Buffer): void {
    if (!this.isHeadSent) this.sendHead()
    this.responseBytes += chunk.length
    if (this.response.write(chunk) || this.controller?.paused !== false) return
    this.controller.pause()
    this.isReaderSlow = true
    this.response.once('drain', this.onDrain)
    this.arm(this.options.drainTimeoutMs, this.onDrainTimeout)
  }

  private readonly onDrain = (): void => {
    if (this.isOver) return
    this.disarm()
    this.controller?.resume()
  }

  private readonly onDrainTimeout = (): void => {
    this.abandon()
    this.breakOff()
    this.settle(this.outcome('gateway', 'client_gone'))
  }

  private readonly onQueueTimeout = (): void => {
    this.abandon()
    this.settle(refuse('upstream_busy'))
  }

  private isEventStreamOpen(): boolean {
    const type = fieldOf(this.head, 'content-type')
    return type?.toLowerCase().startsWith('text/event-stream') === true && !this.hasLength()
  }

  private hasLength(): boolean {
    return fieldOf(this.head, 'content-length') !== undefined
  }

  /** RFC 9110 §9.2.2: only what is safe to send twice, and only while nothing was answered. */
  private isRetriable(error: Error): boolean {
    const { method, body } = this.request
    return (
      (method === 'GET' || method === 'HEAD') &&
      body === null &&
      this.attempts === 0 &&
      this.head === undefined &&
      !this.lane.singleUse &&
      this.controller !== undefined &&
      isClosedEarly(error)
    )
  }

  private outcome(endedBy: ForwardOutcome['endedBy'], reason?: Reason): ForwardOutcome {
    const { body, head, responseBytes } = this
    const requestBytes = body === null ? 0 : Buffer.isBuffer(body) ? body.length : body.byteCount
    const status = this.isHeadSent ? (head?.status ?? 0) : 0
    const base = { status, requestBytes, responseBytes, endedBy }
    return reason === undefined ? base : { ...base, reason }
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

/** What of an upstream's head can be relied on; `undefined` when it is not valid as a whole. */
function validHead(
  status: number,
  headers: IncomingHttpHeaders,
  options: InboundHeaderOptions,
): ResponseHead | undefined {
  // undici reads an unknown coding up to the end of the connection as if there were none.
  const coding = headers['transfer-encoding']
  if (status > 599 || (coding !== undefined && String(coding).toLowerCase() !== 'chunked')) {
    return undefined
  }
  const pairs = inboundResponseHeaders(headers, options)
  return pairs === undefined ? undefined : { status, headers: pairs }
}

function fieldOf(head: ResponseHead | undefined, name: string): string | undefined {
  const headers = head?.headers ?? []
  for (let i = 0; i + 1 < headers.length; i += 2) if (headers[i] === name) return headers[i + 1]
  return undefined
}

function reset(socket: Socket | null): void {
  try {
    socket?.resetAndDestroy()
  } catch {
    // TLS has no reset of its own; it tells a truncation by the missing close_notify.
    socket?.destroy()
  }
}

function isBodyless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304
}

function isEventStream(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.toLowerCase().startsWith('text/event-stream') === true
}

/** RFC 9110 §8.6: no Content-Length in a 204. */
function withoutLength(head: ResponseHead): readonly string[] {
  if (head.status !== 204) return head.headers
  return head.headers.filter((_, i, all) => all[i - (i % 2)] !== 'content-length')
}

/** Framing is regenerated: one Content-Length as we count it, or chunks (CVE-2026-1525). */
function withLength(request: OutboundRequest): string[] {
  const { body, contentLength, headers } = request
  if (body === null || Buffer.isBuffer(body) || contentLength === undefined) return headers
  return [...headers, 'content-length', String(contentLength)]
}

function errorEvent(reason: Reason): string {
  const { title } = REASONS[reason]
  return JSON.stringify({ error: { message: title, code: reason } })
}

function ignore(): void {
  // `close` follows and is listened to.
}
