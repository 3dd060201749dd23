import type { ResponseGuard, ResponseHead } from '../../domain/ports.ts'
import { isRefusal, type Refusal } from '../../domain/refusal.ts'

/** Most of an answer that is kept to be read; the answers to registrations are a few hundred bytes. */
export const ANSWER_BYTES_MAX = 65_536

const NOTHING = Buffer.alloc(0)

/** What becomes of an answer that was read. */
export interface AnswerReading {
  /**
   * Called once with the whole of a good answer (2xx), as the upstream sent it, or with nothing when
   * it is longer than {@link ANSWER_BYTES_MAX} or coded. The end of the answer leaves when it has
   * settled, and not on a refusal. Must not reject.
   */
  readonly onAnswer: (answer: Buffer | undefined) => Promise<Refusal | undefined>
  /** Whether all of the answer waits for that, and not its end alone. */
  readonly isHeld?: boolean
  /** What comes of an answer that is too long to be held; it passes when absent. */
  readonly tooLong?: Refusal | undefined
}

/**
 * The guard, with the answer read besides: nothing of it changes. Whoever sees its end (of one that
 * is held, any of it) can rely on what was made of it. `inner` judges first; what it cuts is not read.
 */
export function readAnswer(inner: ResponseGuard, reading: AnswerReading): ResponseGuard {
  return new AnswerReader(inner, reading)
}

class AnswerReader implements ResponseGuard {
  private parts: Buffer[] | undefined
  private size = 0
  private isGood = false
  /** What leaves once the answer was read; absent when it leaves as it comes. */
  private held: Buffer[] | undefined
  private work: Promise<void> | undefined
  private isSettled = false
  private refusal: Refusal | undefined
  private last: Buffer | undefined
  private readonly inner: ResponseGuard
  private readonly reading: AnswerReading

  constructor(inner: ResponseGuard, reading: AnswerReading) {
    this.inner = inner
    this.reading = reading
  }

  head(head: ResponseHead): ResponseHead | Refusal {
    this.isGood = head.status >= 200 && head.status < 300
    const isCoded = head.headers.some((name, at) => at % 2 === 0 && name === 'content-encoding')
    this.parts = isCoded ? undefined : []
    this.held = this.isGood && this.reading.isHeld === true ? [] : undefined
    return this.inner.head(head)
  }

  chunk(chunk: Buffer): Refusal | 'hold' | Buffer | undefined {
    const verdict = this.inner.chunk(chunk)
    if (isRefusal(verdict)) return verdict
    this.size += chunk.length
    // Whoever gave the chunk may use its memory again.
    const copy = chunk.length === 0 ? chunk : Buffer.from(chunk)
    if (this.size > ANSWER_BYTES_MAX) this.parts = undefined
    else this.parts?.push(copy)
    if (this.held === undefined) return verdict
    this.held.push(verdict instanceof Buffer ? verdict : copy)
    if (this.size <= ANSWER_BYTES_MAX || verdict === 'hold') return NOTHING
    if (this.reading.tooLong !== undefined) return this.reading.tooLong
    const passed = Buffer.concat(this.held)
    this.held = undefined
    return passed
  }

  end(): Refusal | Buffer | undefined {
    if (this.refusal !== undefined) return this.refusal
    if (this.isSettled) return this.last
    const ended = this.inner.end()
    if (isRefusal(ended) || !this.isGood) return ended
    if (this.held !== undefined && ended !== undefined) this.held.push(ended)
    const mine = this.held === undefined ? ended : NOTHING
    if (this.inner.keeps?.() === true) return mine
    this.last = this.held === undefined ? ended : Buffer.concat(this.held)
    this.begin()
    return NOTHING
  }

  ready(): Promise<void> | undefined {
    return this.inner.ready?.() ?? (this.isWorking() ? this.work : undefined)
  }

  keeps(): boolean {
    return this.inner.keeps?.() === true || this.isWorking()
  }

  private begin(): void {
    const { parts } = this
    const answer = parts === undefined ? undefined : Buffer.concat(parts)
    this.work = this.reading.onAnswer(answer).then((against) => {
      this.refusal = against
      this.isSettled = true
    })
  }

  private isWorking(): boolean {
    return this.work !== undefined && !this.isSettled
  }
}
