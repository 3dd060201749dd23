import type { ResponseGuard } from '../domain/ports.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import { createResponseGuard, type ResponseGuardOptions } from './response-guard.ts'

const PREFIX_BYTES = 5

/** The head under which every message is judged: by its bytes alone. */
const MESSAGE_HEAD = { status: 200, headers: [] }

/**
 * Guards the answer of a gRPC call of a caller that may not export: every message is judged as an
 * answer of its own, by its first bytes. Nothing is held: a message that is not complete is none to
 * a client, and what could leave before a format is told is shorter than any weights.
 *
 * Refused: what the head of an answer is refused for, messages that are compressed (`response_blocked`,
 * since they were asked for plain), and messages that begin as weights do (`weights_detected`).
 */
export function createMessageGuard(options: ResponseGuardOptions): ResponseGuard {
  return options.mayExport ? createResponseGuard(options) : new MessageGuard(options)
}

class MessageGuard implements ResponseGuard {
  private readonly outer: ResponseGuard
  private inner: ResponseGuard | undefined
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
    this.inner = this.startMessage()
  }

  private startMessage(): ResponseGuard {
    const { onIncident } = this.options
    const inner = createResponseGuard({
      ...this.options,
      onIncident: (refusal, { found, bytesBefore }) =>
        onIncident?.(refusal, { found, bytesBefore: this.bytesBefore + bytesBefore }),
    })
    inner.head(MESSAGE_HEAD)
    return inner
  }

  private judge(bytes: Buffer): void {
    const verdict = this.inner?.chunk(bytes)
    if (typeof verdict === 'object' && 'outcome' in verdict) this.refusal = verdict
  }

  private block(found: string): Refusal {
    this.refusal ??= refuse('response_blocked')
    this.options.onIncident?.(this.refusal, { found, bytesBefore: this.bytesBefore })
    return this.refusal
  }
}
