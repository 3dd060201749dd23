/** What an answer turned out to have used, charged when it is over. */
import type { OpenBudget } from '../domain/budget.ts'
import type { ResponseHead, TunnelMeter } from '../domain/ports.ts'
import { UsageScan } from './usage-scan.ts'
import { VectorScan } from './vector-scan.ts'

/** An answer that reports no tokens counts one for so many bytes. */
export const BYTES_PER_TOKEN = 4

/** An answer whose embeddings cannot be read counts one for so many bytes. */
export const BYTES_PER_VECTOR = 1_024

/**
 * Reads one answer for the tokens and vectors it holds. Tokens: the larger of what is reported and,
 * unless the answer came to its end with a report, an estimate from its length. Vectors: those that
 * are found; an estimate where the answer is no text that can be read. Answers that are not 2xx
 * count what they report.
 */
export class AnswerUse {
  private usage: UsageScan | undefined
  private vectors: VectorScan | undefined
  private headers: readonly string[] = []
  private isSuccess = false
  private isReadable = false
  private isWhole = false
  private isCharged = false
  private bytes = 0
  private readonly budget: OpenBudget

  constructor(budget: OpenBudget) {
    this.budget = budget
  }

  head({ status, headers }: ResponseHead): void {
    this.isSuccess = status >= 200 && status < 300
    this.isReadable = isReadable(headers)
    this.headers = headers
  }

  chunk(chunk: Buffer): void {
    this.bytes += chunk.length
    if (!this.isReadable) return
    const { reads } = this.budget
    if (reads.tokens) (this.usage ??= new UsageScan()).push(chunk)
    if (reads.vectors) (this.vectors ??= new VectorScan()).push(chunk)
  }

  end(): void {
    this.isWhole = true
  }

  /** Charges; once. */
  charge(): void {
    if (this.isCharged) return
    this.isCharged = true
    const { reads } = this.budget
    if (reads.tokens) this.budget.charge('tokens', this.tokensUsed())
    if (reads.vectors) this.budget.charge('vectors', this.vectorsUsed())
  }

  private tokensUsed(): number {
    const usage = (this.usage ??= new UsageScan())
    usage.head(this.headers)
    const { tokens } = usage
    if (!this.isSuccess || (tokens > 0 && this.isWhole)) return tokens
    return Math.max(tokens, Math.ceil(this.bytes / BYTES_PER_TOKEN))
  }

  private vectorsUsed(): number {
    if (!this.isSuccess || this.isReadable) return this.vectors?.vectors ?? 0
    return Math.ceil(this.bytes / BYTES_PER_VECTOR)
  }
}

const READABLE =
  /^(?:application\/(?:[a-z0-9.+-]{1,64}\+)?(?:x-)?(?:nd)?json(?:l|lines)?|text\/[a-z-]{1,32}|application\/vnd\.amazon\.eventstream)\s{0,8}(?:;|$)/

/** Whether the answer is text, as it is: what is coded cannot be read. */
function isReadable(headers: readonly string[]): boolean {
  const of = (name: string): string | undefined => {
    const at = headers.findIndex((one, i) => i % 2 === 0 && one === name)
    return at < 0 ? undefined : headers[at + 1]
  }
  const coding = of('content-encoding')
  if (coding !== undefined && coding !== 'identity') return false
  const type = of('content-type')
  return type === undefined || READABLE.test(type.toLowerCase())
}

/**
 * Counts what passes a tunnel towards the client, and charges tokens as they are reported: one that
 * is open for a day must not owe for a day. Reports of two answers in one piece count as the larger.
 */
export function meterTunnel(budget: OpenBudget): TunnelMeter {
  const usage = new UsageScan()
  const vectors = new VectorScan()
  let [reported, bytes] = [0, 0]
  const read = (piece: Buffer): void => {
    if (budget.reads.tokens) {
      usage.push(piece)
      const { tokens } = usage
      reported += tokens
      budget.charge('tokens', tokens)
      usage.reset()
    }
    if (budget.reads.vectors) {
      vectors.push(piece)
      budget.charge('vectors', vectors.vectors)
      vectors.vectors = 0
    }
  }
  return {
    ready: () => budget.ready(),
    take(count, pieces) {
      const verdict = budget.take(count)
      if (verdict !== undefined) return verdict
      bytes += count
      for (const piece of pieces) read(piece)
      return undefined
    },
    close() {
      if (reported === 0) budget.charge('tokens', Math.ceil(bytes / BYTES_PER_TOKEN))
      bytes = 0
    },
  }
}
