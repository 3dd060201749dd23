import type { ResponseGuard } from '../../domain/ports.ts'
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
}

/**
 * The guard, with the answer read besides: nothing of it changes. Whoever sees its end can rely on
 * what was made of it. `inner` judges first; what it cuts is not read.
 */
export function readAnswer(inner: ResponseGuard, { onAnswer }: AnswerReading): ResponseGuard {
  let parts: Buffer[] | undefined
  let size = 0
  let isGood = false
  let work: Promise<void> | undefined
  let isSettled = false
  let refusal: Refusal | undefined
  let last: Buffer | undefined
  const begin = (): void => {
    work = onAnswer(parts === undefined ? undefined : Buffer.concat(parts)).then((against) => {
      refusal = against
      isSettled = true
    })
  }
  const isWorking = (): boolean => work !== undefined && !isSettled
  return {
    head(head) {
      isGood = head.status >= 200 && head.status < 300
      const coding = head.headers.findIndex(
        (name, at) => at % 2 === 0 && name === 'content-encoding',
      )
      parts = coding < 0 ? [] : undefined
      return inner.head(head)
    },
    chunk(chunk) {
      const verdict = inner.chunk(chunk)
      size += chunk.length
      if (size > ANSWER_BYTES_MAX) parts = undefined
      // Whoever gave the chunk may use its memory again.
      else if (!isRefusal(verdict) && chunk.length > 0) parts?.push(Buffer.from(chunk))
      return verdict
    },
    end() {
      if (refusal !== undefined) return refusal
      if (isSettled) return last
      const ended = inner.end()
      if (isRefusal(ended) || !isGood) return ended
      if (inner.keeps?.() === true) return ended
      last = ended
      begin()
      return NOTHING
    },
    ready: () => inner.ready?.() ?? (isWorking() ? work : undefined),
    keeps: () => inner.keeps?.() === true || isWorking(),
  }
}
