import {
  constants,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { CallClient, ForwardOutcome, OutboundRequest } from '../domain/ports.ts'
import type { Reason } from '../domain/reasons.ts'
import { isRefusal, refuse, type Refusal } from '../domain/refusal.ts'
import { CallAnswer } from './grpc-answer.ts'
import { callMetadata, valueIn } from './grpc-headers.ts'
import { CallOpening } from './grpc-opening.ts'
import type { CallLane, Lease } from './grpc-sessions.ts'
import type { InboundHeaderOptions } from './headers.ts'
import { ReadPace } from './read-pace.ts'
import { RequestBody } from './request-body.ts'

/** Bounds of one call. */
export interface CallOptions extends InboundHeaderOptions {
  /** How long a client may leave us with bytes it does not read. */
  readonly drainTimeoutMs: number
}

/** What a call is between. */
export interface CallParts {
  readonly lane: CallLane
  readonly request: OutboundRequest
  readonly client: CallClient
  readonly options: CallOptions
  /** Called exactly once. */
  readonly resolve: (result: ForwardOutcome | Refusal) => void
}

const NOTHING = Buffer.alloc(0)

/** A client cut off has this long to take the trailers. */
const CUT_GRACE_MS = 1_000

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM } = constants

/** What an upstream's reset means; every other is one that broke off. */
const BY_RESET: ReadonlyMap<number, Reason> = new Map<number, Reason>([
  [constants.NGHTTP2_REFUSED_STREAM, 'upstream_busy'],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, 'upstream_busy'],
  [constants.NGHTTP2_PROTOCOL_ERROR, 'upstream_invalid'],
  [constants.NGHTTP2_COMPRESSION_ERROR, 'upstream_invalid'],
  [constants.NGHTTP2_FRAME_SIZE_ERROR, 'upstream_invalid'],
  [constants.NGHTTP2_FLOW_CONTROL_ERROR, 'upstream_invalid'],
])

/** One call and its answer. Every path ends in one {@link Call.settle}. */
export class Call {
  private upstream: ClientHttp2Stream | undefined
  private lease: Lease | undefined
  private timer: NodeJS.Timeout | undefined
  private timerMs = 0
  private hasHead = false
  private trailers: readonly string[] | undefined
  /** Nothing of the upstream counts any more. */
  private isOver = false
  private isSettled = false
  private ending: { readonly by: ForwardOutcome['endedBy']; readonly reason?: Reason } | undefined
  private readonly body: RequestBody | Buffer | null
  private readonly answer: CallAnswer
  private readonly opening: CallOpening
  private readonly stream: ServerHttp2Stream
  private readonly pace: ReadPace
  private readonly parts: CallParts

  constructor(parts: CallParts) {
    this.parts = parts
    this.stream = parts.client.stream
    this.answer = new CallAnswer(this.stream)
    const { body } = parts.request
    this.body = body === null || Buffer.isBuffer(body) ? body : new RequestBody(body)
    this.pace = new ReadPace(parts.client.guard, {
      isOver: () => this.isOver,
      pause: () => this.upstream?.pause(),
      resume: () => this.upstream?.resume(),
      end: () => this.onEnd(),
    })
    this.opening = new CallOpening(parts.lane, parts.request, {
      onOpen: (upstream, lease) => this.attach(upstream, lease),
      onFail: (reason) => this.fail(reason),
    })
  }

  begin(): void {
    this.stream.once('close', this.onClientClose).on('error', ignore)
    this.parts.client.onCuttable?.(this.cut)
    if (!this.isOver) this.opening.begin()
  }

  private attach(upstream: ClientHttp2Stream, lease: Lease): void {
    this.upstream = upstream
    this.lease = lease
    upstream
      .on('response', (headers, flags) => this.onHead(headers, flags))
      .on('trailers', (headers: IncomingHttpHeaders) => this.onTrailers(headers))
      .on('data', (chunk: Buffer) => this.onData(chunk))
      .on('drain', () => this.resumeBody())
      .once('end', () => this.onEnd())
      .once('close', () => this.onUpstreamClose())
      .on('error', ignore)
    this.sendBody(upstream)
    this.watch()
  }

  private sendBody(upstream: ClientHttp2Stream): void {
    const { body } = this
    if (body === null) return
    if (Buffer.isBuffer(body)) {
      upstream.end(body)
      return
    }
    body
      .on('data', (chunk: Buffer) => {
        this.watch()
        if (!this.isOver && !upstream.write(chunk)) body.pause()
      })
      .once('end', () => {
        if (!this.isOver) upstream.end()
        this.watch()
      })
      .on('error', () => this.fail('request_body_aborted'))
  }

  private resumeBody(): void {
    if (this.body instanceof RequestBody) this.body.resume()
  }

  private onHead(headers: IncomingHttpHeaders, flags: number): void {
    if (this.isOver) return
    this.hasHead = true
    this.watch()
    const { client, options } = this.parts
    const metadata = callMetadata(headers, options)
    const type = metadata === undefined ? undefined : valueIn(metadata, 'content-type')
    if (Number(headers[':status']) !== 200 || metadata === undefined || !isGrpc(type)) {
      this.fail('upstream_invalid')
      return
    }
    client.onHead?.(200)
    const head = client.guard.head({ status: 200, headers: metadata })
    if (isRefusal(head)) this.cut(head)
    else if ((flags & NGHTTP2_FLAG_END_STREAM) === 0) this.answer.begin(head)
    else this.endAtOnce(head.headers)
  }

  /** The head is all there is. */
  private endAtOnce(metadata: readonly string[]): void {
    const trailers = this.parts.client.trailers(metadata)
    if (isRefusal(trailers)) this.cut(trailers)
    else if (valueIn(trailers, 'grpc-status') === undefined) this.fail('upstream_invalid')
    else {
      this.isOver = true
      this.ending = { by: 'upstream' }
      this.answer.beginAndEnd({ status: 200, headers: trailers })
      this.finish()
    }
  }

  private onTrailers(headers: IncomingHttpHeaders): void {
    if (this.isOver) return
    const { client, options } = this.parts
    const received = callMetadata(headers, options)
    const trailers = received === undefined ? undefined : client.trailers(received)
    if (isRefusal(trailers)) this.cut(trailers)
    else if (trailers === undefined) this.fail('upstream_invalid')
    else this.trailers = trailers
  }

  private onData(chunk: Buffer): void {
    if (this.isOver) return
    this.watch()
    this.pass(chunk)
    this.pace.waitForGuard(() => {
      if (this.parts.client.guard.keeps?.() === true) this.pass(NOTHING)
    })
  }

  private pass(chunk: Buffer): void {
    const verdict = this.parts.client.guard.chunk(chunk)
    if (verdict === undefined) this.write(chunk)
    else if (verdict === 'hold') {
      if (!this.answer.hold(chunk)) this.cut(refuse('internal'))
    } else if (isRefusal(verdict)) this.cut(verdict)
    else if (verdict.length > 0) this.write(verdict)
  }

  private write(chunk: Buffer): void {
    const { upstream } = this
    if (chunk.length === 0 || this.answer.write(chunk) || upstream === undefined) return
    if (this.pace.isReaderSlow) return
    this.pace.isReaderSlow = true
    upstream.pause()
    this.arm(this.parts.options.drainTimeoutMs, () => this.giveUpReader())
    this.stream.once('drain', () => {
      this.pace.isReaderSlow = false
      if (this.isOver) return
      this.watch()
      this.pace.goOn()
    })
  }

  private onEnd(): void {
    if (this.isOver || !this.hasHead) return
    if (this.pace.isGuardBusy) {
      this.pace.isEndDue = true
      return
    }
    const { guard } = this.parts.client
    const last = guard.end()
    if (isRefusal(last)) {
      this.cut(last)
      return
    }
    if (guard.keeps?.() === true && this.pace.waitForGuard(() => this.onEnd())) return
    // An answer without a status is one that broke off.
    if (!hasStatus(this.trailers)) {
      this.fail(this.upstream?.rstCode === 0 ? 'upstream_invalid' : 'upstream_reset')
      return
    }
    this.write(last ?? NOTHING)
    this.isOver = true
    this.ending = { by: 'upstream' }
    this.answer.end(this.trailers)
    this.finish()
  }

  private onUpstreamClose(): void {
    this.lease?.release()
    if (this.isOver || this.pace.isEndDue) return
    const code = this.upstream?.rstCode ?? 0
    this.fail(BY_RESET.get(code) ?? 'upstream_reset')
  }

  /** The answer is complete; what is left is the client's reading of it. */
  private finish(): void {
    if (this.body instanceof RequestBody) this.body.discard()
    if (this.upstream?.writableEnded === false) this.upstream.close(NGHTTP2_CANCEL)
    this.arm(this.parts.options.drainTimeoutMs, () => this.giveUpReader())
  }

  /** Ends the call from outside, or by the guard's refusal. */
  private readonly cut = (refusal: Refusal): void => {
    this.endFor(refusal, 'gateway')
  }

  private fail(reason: Reason): void {
    this.endFor(refuse(reason), reason === 'request_body_aborted' ? 'client' : 'upstream')
  }

  private endFor(refusal: Refusal, by: ForwardOutcome['endedBy']): void {
    if (this.isOver) return
    this.abandon()
    if (!this.answer.isBegun) {
      this.settle(refusal)
      return
    }
    this.ending = { by, reason: refusal.reason }
    this.answer.cut(this.parts.client.refusalTrailers(refusal))
    this.arm(CUT_GRACE_MS, () => this.answer.breakOff())
  }

  /** Lets go of the upstream at once. */
  private abandon(): void {
    this.isOver = true
    this.opening.stop()
    this.disarm()
    const { upstream } = this
    if (upstream !== undefined && !upstream.closed) upstream.close(NGHTTP2_CANCEL)
    if (this.body instanceof RequestBody) this.body.destroy()
  }

  private giveUpReader(): void {
    this.abandon()
    this.ending = { by: 'gateway', reason: 'client_gone' }
    this.answer.breakOff()
  }

  private readonly onClientClose = (): void => {
    const { ending } = this
    this.abandon()
    if (ending === undefined) this.settle(this.outcome('client', 'client_gone'))
    else if (ending.reason !== undefined) this.settle(this.outcome(ending.by, ending.reason))
    else if (this.stream.aborted) this.settle(this.outcome('client', 'client_gone'))
    else this.settle(this.outcome(ending.by))
  }

  private settle(result: ForwardOutcome | Refusal): void {
    if (this.isSettled) return
    this.isSettled = true
    this.disarm()
    if (isRefusal(result)) this.stream.off('close', this.onClientClose)
    this.parts.resolve(result)
  }

  private outcome(endedBy: ForwardOutcome['endedBy'], reason?: Reason): ForwardOutcome {
    const { body, answer } = this
    const requestBytes = body instanceof RequestBody ? body.byteCount : (body?.length ?? 0)
    const { grpcStatus, byteCount: responseBytes } = answer
    return {
      status: answer.isBegun ? 200 : 0,
      requestBytes,
      responseBytes,
      endedBy,
      ...(reason === undefined ? {} : { reason }),
      ...(grpcStatus === undefined ? {} : { grpcStatus }),
    }
  }

  /** Something moved: the upstream has its time anew. */
  private watch(): void {
    if (this.isOver) return
    const { lane } = this.parts
    const isAsked = !(this.body instanceof RequestBody) || this.body.ended
    const ms = !this.hasHead && isAsked ? lane.headersTimeoutMs : lane.idleTimeoutMs
    if (ms === 0) this.disarm()
    else if (ms === this.timerMs && this.timer !== undefined) this.timer.refresh()
    else this.arm(ms, () => this.fail('upstream_timeout'))
  }

  private arm(afterMs: number, action: () => void): void {
    this.disarm()
    this.timerMs = afterMs
    this.timer = setTimeout(action, afterMs)
  }

  private disarm(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }
}

function hasStatus(trailers: readonly string[] | undefined): trailers is readonly string[] {
  return trailers !== undefined && valueIn(trailers, 'grpc-status') !== undefined
}

function isGrpc(type: string | undefined): boolean {
  return type === 'application/grpc' || type?.startsWith('application/grpc+') === true
}

function ignore(): void {
  // `close` follows and is listened to.
}
