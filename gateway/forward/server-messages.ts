import type { AnswerJudge, AnswerKind } from '../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../domain/refusal.ts'
import {
  serverFrameHeader,
  readFrameHead,
  type FrameHead,
  type FrameViolation,
} from './websocket-frames.ts'

/** A judge may hold back this much of a message; more is a judge gone wrong. */
const HELD_BYTES_MAX = 4096

const CONTINUATION = 0
const TEXT = 1

/** Why nothing more of the upstream may pass. */
export type ServerEnd =
  | { readonly violation: FrameViolation; readonly refusal?: undefined }
  | { readonly refusal: Refusal; readonly violation?: undefined }

/** A message that has been begun, and what of it waits for the judge. */
interface Message {
  readonly kind: AnswerKind
  /** For its next fragment: that of the message, then that of a continuation. */
  opcode: number
  held: Buffer[]
  heldBytes: number
}

/**
 * Gives the messages of a server to a judge as their bytes come (RFC 6455 §5.4), and passes them on as
 * they are judged: nothing waits for the end of a frame or of a message. What leaves is always whole
 * frames, so that a close frame can follow at any moment: the part of a long frame that has come so far
 * leaves as a fragment of its own, as an intermediary may do where no extension is in use. A frame that
 * came at once leaves as it came. Holds at most one header, one control frame and 4 KiB.
 */
export class ServerMessages {
  /** Why nothing more may pass; what {@link take} gave before may still leave. */
  ended: ServerEnd | undefined
  private header: number[] = []
  private frame: FrameHead | undefined
  private payloadSeen = 0
  private message: Message | undefined
  private control: Message | undefined
  private out: Buffer[] = []
  private readonly judge: AnswerJudge

  constructor(judge: AnswerJudge) {
    this.judge = judge
  }

  /** Takes the next bytes of the server; gives frames that may leave. */
  take(bytes: Buffer): readonly Buffer[] {
    this.out = []
    let at = 0
    while (at < bytes.length && this.ended === undefined) {
      if (this.frame === undefined) this.takeHeader(bytes[at++] ?? 0)
      else {
        const to = Math.min(bytes.length, at + this.frame.length - this.payloadSeen)
        this.takePayload(this.frame, bytes.subarray(at, to))
        at = to
      }
    }
    return this.out
  }

  private takeHeader(byte: number): void {
    this.header.push(byte)
    const head = readFrameHead(this.header, false)
    if (head === undefined) return
    this.header = []
    if (typeof head === 'string') this.ended = { violation: head }
    else if (this.startFrame(head)) {
      this.frame = head
      this.payloadSeen = 0
      if (head.length === 0) this.endFrame(head)
    }
  }

  private startFrame({ opcode }: FrameHead): boolean {
    if (opcode >= 8) this.control = this.startMessage('control', opcode)
    else if ((opcode === CONTINUATION) !== (this.message !== undefined)) {
      this.ended = { violation: 'opcode' }
      return false
    } else if (opcode !== CONTINUATION) {
      this.message = this.startMessage(opcode === TEXT ? 'text' : 'binary', opcode)
    }
    return true
  }

  private startMessage(kind: AnswerKind, opcode: number): Message {
    this.judge.begin(kind)
    return { kind, opcode, held: [], heldBytes: 0 }
  }

  private takePayload(frame: FrameHead, piece: Buffer): void {
    this.payloadSeen += piece.length
    const message = frame.opcode >= 8 ? this.control : this.message
    if (message === undefined) return
    const verdict = this.judge.piece(message.kind, piece)
    if (isRefusal(verdict)) {
      this.ended = { refusal: verdict }
      return
    }
    message.held.push(piece)
    message.heldBytes += piece.length
    if (this.payloadSeen === frame.length) this.endFrame(frame, verdict)
    // A control frame cannot be cut (RFC 6455 §5.5).
    else if (verdict !== 'hold' && message.kind !== 'control') this.release(message, false)
    else this.checkHeld(message)
  }

  private endFrame(frame: FrameHead, verdict?: 'hold'): void {
    this.frame = undefined
    const isControl = frame.opcode >= 8
    const message = isControl ? this.control : this.message
    if (message === undefined) return
    if (!frame.isFinal) {
      if (verdict === 'hold' || message.held.length === 0) this.checkHeld(message)
      else this.release(message, false)
      return
    }
    const refusal = this.judge.end(message.kind)
    if (refusal !== undefined) {
      this.ended = { refusal }
      return
    }
    this.release(message, true)
    if (isControl) this.control = undefined
    else this.message = undefined
  }

  private checkHeld({ kind, heldBytes }: Message): void {
    if (kind !== 'control' && heldBytes > HELD_BYTES_MAX)
      this.ended = { refusal: refuse('internal') }
  }

  /** Lets what is held of a message leave, in one frame. */
  private release(message: Message, isFinal: boolean): void {
    const { held, heldBytes, opcode } = message
    this.out.push(serverFrameHeader(opcode, isFinal, heldBytes), ...held)
    message.held = []
    message.heldBytes = 0
    message.opcode = CONTINUATION
  }
}
