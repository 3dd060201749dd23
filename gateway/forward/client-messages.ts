import { isUtf8 } from 'node:buffer'
import type { MessageJudge } from '../domain/ports.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import type { FrameViolation } from './websocket-frames.ts'
import { MessageReader, type ClientMessage } from './websocket-messages.ts'

/** What becomes of the messages of a client. */
export interface MessageEvents {
  /** Takes frames that may go on; `false` when there is no room for more until `makeRoom`. */
  readonly pass: (frames: Buffer) => boolean
  /** All that was taken has been dealt with, after it had to wait. */
  readonly onReady: () => void
  readonly onViolation: (violation: FrameViolation) => void
  /** `code`: the WebSocket status to close with (RFC 6455 §7.4.1). */
  readonly onRefused: (code: number, refusal: Refusal) => void
}

const POLICY_VIOLATION = 1008
const INVALID_PAYLOAD = 1007
const TOO_BIG = 1009

/**
 * Lets the messages of a client pass one by one, each once it has been judged, in the frames it came
 * in. While one is judged, and while there is no room behind, nothing else is looked at:
 * `isWaiting`, and whoever feeds it stops. Control frames (ping, pong, close) pass unjudged.
 */
export class ClientMessages {
  private readonly reader: MessageReader
  private isJudging = false
  private isFull = false
  private isStopped = false
  private readonly judge: MessageJudge
  private readonly events: MessageEvents

  constructor(judge: MessageJudge, events: MessageEvents) {
    this.reader = new MessageReader(judge.bytesMax)
    this.judge = judge
    this.events = events
  }

  /** Whether more bytes must wait. */
  get isWaiting(): boolean {
    return this.isJudging || this.isFull
  }

  /** Takes the next bytes of the client. */
  take(bytes: Buffer): void {
    if (this.isStopped) return
    this.reader.push(bytes)
    this.work()
  }

  /** There is room behind. */
  makeRoom(): void {
    this.isFull = false
    this.goOn()
  }

  /** Passes nothing from now on, whatever a judge still says. */
  stop(): void {
    this.isStopped = true
  }

  private goOn(): void {
    this.work()
    if (!this.isWaiting && !this.isStopped) this.events.onReady()
  }

  private work(): void {
    while (!this.isWaiting && !this.isStopped) {
      const message = this.reader.next()
      if (message === undefined) return
      this.dealWith(message)
    }
  }

  private dealWith(message: ClientMessage): void {
    if (message.kind === 'control') this.pass(message.frames)
    else if (message.kind === 'violation') {
      this.stop()
      this.events.onViolation(message.violation)
    } else if (message.kind === 'too-large') this.refuse(TOO_BIG, refuse('body_over_peek'))
    else if (message.kind === 'text' && !isUtf8(message.payload)) {
      this.refuse(INVALID_PAYLOAD, refuse('body_unparsable'))
    } else this.judgeMessage(message.kind, message)
  }

  private judgeMessage(
    kind: 'text' | 'binary',
    { frames, payload }: { readonly frames: Buffer; readonly payload: Buffer },
  ): void {
    const verdict = this.judge.judge(kind, payload)
    if (!(verdict instanceof Promise)) {
      this.settle(verdict, frames)
      return
    }
    this.isJudging = true
    void verdict.then(
      (refusal) => this.settleLate(refusal, frames),
      () => this.settleLate(refuse('indeterminate'), frames),
    )
  }

  private settleLate(refusal: Refusal | undefined, frames: Buffer): void {
    this.isJudging = false
    if (this.isStopped) return
    this.settle(refusal, frames)
    this.goOn()
  }

  private settle(refusal: Refusal | undefined, frames: Buffer): void {
    if (refusal === undefined) this.pass(frames)
    else this.refuse(POLICY_VIOLATION, refusal)
  }

  private pass(frames: Buffer): void {
    if (!this.events.pass(frames)) this.isFull = true
  }

  private refuse(code: number, refusal: Refusal): void {
    this.stop()
    this.events.onRefused(code, refusal)
  }
}
