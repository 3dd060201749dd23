import type { ResponseGuard } from '../../domain/ports.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { refusalFor } from './frame-guard.ts'
import { MessageScan } from './message-scan.ts'
import { createResponseGuard, type ResponseGuardOptions } from './response-guard.ts'
import type { ScanFinding } from '../scan/body-scanner.ts'

const PREFIX_BYTES = 5

/** How messages are read: text of people may lie in them as it is. */
const MESSAGES = 'application/grpc'

/**
 * Guards the answer of a gRPC call of a caller that may not export: the bytes of every message are
 * looked at as they come, wherever in it a file may begin, and so are all messages as one stream, since
 * a file may lie across them. Nothing is held.
 *
 * Refused: what the head of an answer is refused for, messages that are compressed (`response_blocked`,
 * since they were asked for plain), and messages that hold weights (`weights_detected`).
 */
export function createMessageGuard(options: ResponseGuardOptions): ResponseGuard {
  return options.mayExport ? createResponseGuard(options) : new MessageGuard(options)
}

class MessageGuard implements ResponseGuard {
  private readonly outer: ResponseGuard
  private readonly scan = new MessageScan({ type: MESSAGES, mayHold: false })
  private prefix = 0
  private length = 0
  private left = 0
  private bytesBefore = 0
  private refusal: Refusal | undefined
  private readonly options: ResponseGuardOptions

  constructor(options: ResponseGuardOptions) {
    this.options = options
    this.outer = createResponseGuard(options)
  }

  head(head: Parameters<ResponseGuard['head']>[0]): ReturnType<ResponseGuard['head']> {
    const { headers } = head
    const at = headers.findIndex((name, i) => i % 2 === 0 && name === 'grpc-encoding')
    const isPlain = at < 0 || headers[at + 1] === 'identity'
    return isPlain ? this.outer.head(head) : this.block('message-encoding')
  }

  chunk(chunk: Buffer): Refusal | undefined {
    let at = 0
    while (at < chunk.length && this.refusal === undefined) {
      if (this.left === 0) this.readPrefix(chunk[at++] ?? 0)
      else {
        const to = Math.min(chunk.length, at + this.left)
        this.judge(chunk.subarray(at, to))
        this.left -= to - at
        at = to
        if (this.left === 0) this.note(this.scan.end())
      }
    }
    this.bytesBefore += chunk.length
    return this.refusal
  }

  end(): Refusal | undefined {
    return this.refusal
  }

  private readPrefix(byte: number): void {
    if (this.prefix === 0 && byte !== 0) this.block('message-encoding')
    this.length = this.prefix === 0 ? 0 : this.length * 256 + byte
    this.prefix += 1
    if (this.prefix < PREFIX_BYTES) return
    this.prefix = 0
    this.left = this.length
    this.scan.begin()
  }

  private judge(bytes: Buffer): void {
    const verdict = this.scan.push(bytes)
    if (verdict !== 'hold') this.note(verdict)
  }

  private note(finding: ScanFinding | undefined): void {
    if (finding === undefined || this.refusal !== undefined) return
    this.refusal = refusalFor(finding)
    const { found } = finding
    this.options.onIncident?.(this.refusal, { found, bytesBefore: this.bytesBefore })
  }

  private block(found: string): Refusal {
    this.refusal ??= refuse('response_blocked')
    this.options.onIncident?.(this.refusal, { found, bytesBefore: this.bytesBefore })
    return this.refusal
  }
}
