import { Duplex } from 'node:stream'
import type { TunnelMeter, MessageJudge, UpgradeClient } from '../domain/ports.ts'
import type { Refusal } from '../domain/refusal.ts'
import { ClientMessages } from './client-messages.ts'
import { ServerMessages, type ServerEnd } from './server-messages.ts'
import { closeFrame, FrameTracker, type FrameViolation } from './websocket-frames.ts'

/** RFC 6455 §7.4.1. */
const POLICY_VIOLATION = 1008

/** What happens on a tunnel. */
export interface TunnelEvents {
  readonly onBytes: NonNullable<UpgradeClient['onBytes']>
  /** One side sent what RFC 6455 forbids. */
  readonly onViolation: (from: 'client' | 'server', violation: FrameViolation) => void
  /** What one side says may not pass; `code` is the status to close with. */
  readonly onRefused: (code: number, refusal: Refusal) => void
  /** Anything moved in either direction. */
  readonly onActivity: () => void
}

/**
 * The client's connection as http-proxy sees it. http-proxy writes what an upstream answers to its
 * socket before anyone can judge it; here nothing passes, in either direction, until
 * {@link ClientGate.open}. What is read here goes upstream, what is written here comes from there.
 */
export class ClientGate extends Duplex {
  private isOpen = false
  /** http-proxy's own rendering of the 101, which is replaced by a checked one. */
  private isHeadDue = true
  /** Whether the client has ended its side; passed on behind all that it said before. */
  private hasClientEnded = false
  private isEndPassed = false
  private early: Buffer | undefined
  private readonly fromClient = new FrameTracker('client')
  private readonly fromServer = new FrameTracker('server')
  /** Assembles and judges what the client says, where that decides. */
  private readonly messages: ClientMessages | undefined
  /** Has what the upstream says judged, where its caller may not export. */
  private readonly answers: ServerMessages | undefined
  private readonly meters: readonly TunnelMeter[]
  /** What has left ends with a frame; where answers are judged, only whole frames leave. */
  private isClientWhole = true
  private readonly socket: Duplex
  private readonly events: TunnelEvents

  constructor(client: GateClient, events: TunnelEvents) {
    super()
    const { socket, head, messages, answers, meters = [] } = client
    this.socket = socket
    this.early = head.length === 0 ? undefined : head
    this.events = events
    this.messages = messages && this.judging(messages)
    this.answers = answers && new ServerMessages(answers)
    this.meters = meters
    this.on('error', ignore)
  }

  /** Lets bytes through from now on, `head` first. */
  open(head: string): void {
    this.isOpen = true
    this.socket.write(head, 'latin1')
    this.socket.on('data', this.onClientData).on('end', this.onClientEnd)
    const { early } = this
    this.early = undefined
    if (early !== undefined) this.onClientData(early)
  }

  /**
   * Passes nothing more, and says goodbye with a close frame (RFC 6455 §7.4.1) to the sides that
   * are between two frames; within a frame, the frame would swallow it. `text` tells the client
   * why. Returns whether the client was told, and so may be given a moment to answer.
   */
  close(code: number, upstream: Duplex | undefined, text?: string): boolean {
    if (!this.isOpen) return false
    this.isOpen = false
    this.messages?.stop()
    const { socket } = this
    socket.off('data', this.onClientData).off('end', this.onClientEnd)
    // Messages that were judged may be waiting in here still, whole: the goodbye comes after them.
    if (this.messages !== undefined) this.sayLast(closeFrame(code, 'client'))
    else if (this.fromClient.isAtBoundary && upstream?.writable === true) {
      upstream.write(closeFrame(code, 'client'))
    }
    if (!this.isClientWhole || !socket.writable) return false
    socket.end(closeFrame(code, 'server', text))
    // Read on, to see the client's own end.
    socket.resume()
    return true
  }

  // What http-proxy asks of a socket.
  setTimeout(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }

  override _read(): void {
    if (!this.isOpen) return
    if (this.messages === undefined) this.socket.resume()
    else this.messages.makeRoom()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.messages?.stop()
    done(error)
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.isHeadDue || !this.isOpen) {
      this.isHeadDue = false
      done()
      return
    }
    this.events.onActivity()
    this.passToClient(this.judged(chunk), 0, (hasRoom) => {
      const { ended } = this.answers ?? {}
      if (ended !== undefined && this.isOpen) this.endForServer(ended)
      if (hasRoom) this.whenReady(done)
      else this.socket.once('drain', () => this.whenReady(done))
    })
  }

  /** What of a piece of the upstream may leave. */
  private judged(chunk: Buffer): readonly Buffer[] {
    if (this.answers !== undefined) return this.answers.take(chunk)
    const violation = this.fromServer.take(chunk)
    if (violation === undefined) return [chunk]
    this.events.onViolation('server', violation)
    return []
  }

  /**
   * Passes frames on once every meter has let them, those from `from` on; tells whether there is room
   * for more, or the socket must first be read: back-pressure up to the upstream.
   */
  private passToClient(
    frames: readonly Buffer[],
    from: number,
    next: (hasRoom: boolean) => void,
  ): void {
    if (frames.length === 0 || !this.isOpen) {
      next(true)
      return
    }
    const bytes = frames.reduce((sum, { length }) => sum + length, 0)
    for (let at = from; at < this.meters.length; at++) {
      const meter = this.meters[at]
      const verdict = meter?.take(bytes, frames)
      if (verdict === undefined) continue
      if (verdict === 'wait') {
        const ready = meter?.ready?.() ?? Promise.resolve()
        void ready.then(() => this.passToClient(frames, at, next))
        return
      }
      this.events.onRefused(POLICY_VIOLATION, verdict)
      next(true)
      return
    }
    this.events.onBytes('to-client', bytes)
    this.isClientWhole = this.answers !== undefined || this.fromServer.isAtBoundary
    this.socket.cork()
    let hasRoom = true
    for (const frame of frames) hasRoom = this.socket.write(frame)
    this.socket.uncork()
    next(hasRoom)
  }

  private endForServer({ violation, refusal }: ServerEnd): void {
    if (violation === undefined) this.events.onRefused(POLICY_VIOLATION, refusal)
    else this.events.onViolation('server', violation)
  }

  /** Takes the next piece once every meter can say what becomes of it. */
  private whenReady(done: () => void): void {
    const waits = this.meters.map((meter) => meter.ready?.()).filter((one) => one !== undefined)
    if (waits.length === 0) done()
    else void Promise.all(waits).then(() => done())
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.isOpen) this.socket.end()
    done()
  }

  private readonly onClientData = (chunk: Buffer): void => {
    this.events.onActivity()
    if (this.messages !== undefined) {
      this.messages.take(chunk)
      if (this.messages.isWaiting) this.socket.pause()
      return
    }
    const violation = this.fromClient.take(chunk)
    if (violation !== undefined) {
      this.events.onViolation('client', violation)
      return
    }
    this.events.onBytes('to-upstream', chunk.length)
    if (!this.push(chunk)) this.socket.pause()
  }

  private readonly onClientEnd = (): void => {
    this.hasClientEnded = true
    // A message that is being judged, and those behind it, were said before.
    if (this.messages?.isWaiting !== true) this.passEnd()
  }

  private passEnd(): void {
    this.isEndPassed = true
    this.push(null)
  }

  private sayLast(frame: Buffer): void {
    if (!this.isEndPassed) this.push(frame)
  }

  private judging(judge: MessageJudge): ClientMessages {
    const { events } = this
    return new ClientMessages(judge, {
      pass: (frames) => {
        events.onBytes('to-upstream', frames.length)
        return this.push(frames)
      },
      onReady: () => {
        if (this.hasClientEnded) this.passEnd()
        else this.socket.resume()
      },
      onViolation: (violation) => events.onViolation('client', violation),
      onRefused: events.onRefused,
    })
  }
}

/** What a gate needs of the client; `head`: bytes it sent behind its handshake. */
type GateClient = Pick<UpgradeClient, 'socket' | 'head' | 'messages' | 'answers' | 'meters'>

function ignore(): void {
  // The sockets on both sides report their own failures.
}
