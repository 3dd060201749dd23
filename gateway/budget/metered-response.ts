/** The outermost guard of an answer with budgets: bytes are counted before they leave. */
import type { OpenBudget } from '../domain/budget.ts'
import type { ResponseGuard, ResponseHead } from '../domain/ports.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { AnswerUse } from './answer-use.ts'

/** What of an answer is counted. */
export interface MeteredOptions {
  readonly budget: OpenBudget
  /** Reads what the upstream sends; absent where nothing of it is charged. */
  readonly use?: AnswerUse
  /** Whether the answer has no body whatever its head says (HEAD). */
  readonly bodyless: boolean
  /** Called once with what ends the answer. */
  readonly onRefused?: (refusal: Refusal, bytesBefore: number) => void
}

const NOTHING = Buffer.alloc(0)

/**
 * Counts what leaves. Bytes for which there is room only when the store has answered are kept, which
 * is one piece of the upstream and what editors made of it, until `ready` settles: they leave with
 * the next verdict.
 */
export function meterResponse(inner: ResponseGuard, options: MeteredOptions): ResponseGuard {
  return new MeteredResponse(inner, options)
}

class MeteredResponse implements ResponseGuard {
  private refusal: Refusal | undefined
  /** Bytes that the forwarder holds for the guard within. */
  private held = 0
  private kept: Buffer = NOTHING
  private bytes = 0
  private last: Buffer | undefined
  private isEnded = false
  private readonly inner: ResponseGuard
  private readonly options: MeteredOptions

  constructor(inner: ResponseGuard, options: MeteredOptions) {
    this.inner = inner
    this.options = options
  }

  head(head: ResponseHead): ResponseHead | Refusal {
    const { use, budget, bodyless } = this.options
    use?.head(head)
    const judged = this.inner.head(head)
    if (isRefusal(judged) || bodyless || judged.status === 304 || !budget.countsBytes) return judged
    const over = budget.declared(declaredBytes(judged.headers))
    return over === undefined ? judged : this.cut(over)
  }

  chunk(chunk: Buffer): Refusal | 'hold' | Buffer | undefined {
    if (this.refusal !== undefined) return this.refusal
    const { use, budget } = this.options
    if (chunk.length > 0) use?.chunk(chunk)
    if (chunk.length === 0 && this.kept.length > 0) return this.leave(NOTHING)
    const verdict = this.inner.chunk(chunk)
    return isRefusal(verdict) || !budget.countsBytes ? verdict : this.meter(verdict, chunk)
  }

  private meter(
    verdict: 'hold' | Buffer | undefined,
    chunk: Buffer,
  ): Refusal | 'hold' | Buffer | undefined {
    if (verdict === 'hold') {
      if (this.kept.length > 0) return this.leave(chunk)
      this.held += chunk.length
      return verdict
    }
    const out = verdict ?? chunk
    if (out.length === 0) return out
    if (this.kept.length > 0) return this.leave(out)
    const taken = this.options.budget.take(this.held + out.length)
    if (isRefusal(taken)) return this.cut(taken)
    if (taken === 'wait') {
      this.kept = out
      return NOTHING
    }
    this.bytes += this.held + out.length
    this.held = 0
    return verdict
  }

  end(): Refusal | Buffer | undefined {
    if (this.refusal !== undefined) return this.refusal
    if (!this.isEnded) {
      const last = this.inner.end()
      if (isRefusal(last)) return last
      this.isEnded = true
      this.last = last
      this.options.use?.end()
    }
    if (!this.options.budget.countsBytes) return this.last
    if (this.held + this.kept.length + (this.last?.length ?? 0) === 0) return undefined
    const last = this.last ?? NOTHING
    this.last = undefined
    return this.leave(last)
  }

  ready(): Promise<void> | undefined {
    const { budget } = this.options
    return (this.kept.length > 0 ? budget.ready() : undefined) ?? this.inner.ready?.()
  }

  keeps(): boolean {
    return this.kept.length > 0
  }

  /** What was kept, what the forwarder holds, and `more`: all of it or nothing yet. */
  private leave(more: Buffer): Refusal | Buffer {
    const out = this.kept.length === 0 ? more : Buffer.concat([this.kept, more])
    const taken = this.options.budget.take(this.held + out.length)
    if (isRefusal(taken)) return this.cut(taken)
    if (taken === 'wait') {
      this.kept = out
      return NOTHING
    }
    this.bytes += this.held + out.length
    this.held = 0
    this.kept = NOTHING
    return out
  }

  private cut(refusal: Refusal): Refusal {
    this.refusal = refusal
    this.kept = NOTHING
    this.options.onRefused?.(refusal, this.bytes)
    return refusal
  }
}

function declaredBytes(headers: readonly string[]): number {
  const at = headers.findIndex((name, i) => i % 2 === 0 && name === 'content-length')
  return at < 0 ? 0 : Number(headers[at + 1])
}
