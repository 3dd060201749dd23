/** Takes words and numbers in, one by one, and keeps keyed sums of them: no word can be had back. */
import { LANES, type Outline } from './features.ts'

/**
 * Spreads every bit of `hash` over all of it (the finaliser of MurmurHash3). Signed, as everything
 * here: such integers cost nothing to keep.
 */
export function spread(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** One step of a hash over bytes. */
export function step(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193)
}

/** What a word is. */
export const WORD = 0
/** A number of JSON or of a table. */
export const NUMBER = 1
/** A run of digits in a text. */
export const DIGITS = 2

/** Sums of one request; made once and reset for each, since arrays cost more than what is in them. */
export class WordHash {
  hashA = 0
  hashB = 0
  /** Words that are keys. */
  keys = 0
  private readonly lanes = new Int32Array(LANES)
  private collapsed = 0
  private words = 0
  private digitRuns = 0
  private readonly seed: number

  constructor(seed: number) {
    this.seed = seed
  }

  reset(): this {
    const { seed } = this
    this.hashA = spread(seed ^ 0x51ed270b)
    this.hashB = spread(seed ^ 0x2545f491)
    this.collapsed = this.hashA
    this.lanes.fill(0)
    this.keys = 0
    this.words = 0
    this.digitRuns = 0
    return this
  }

  /** `hash`: of its bytes, by {@link step}, from the seed. */
  add(kind: number, hash: number): void {
    const place = this.words++
    const spreaded = spread(hash ^ this.seed ^ Math.imul(place + 1, 0x9e3779b1))
    const lane = place & (LANES - 1)
    this.lanes[lane] = ((this.lanes[lane] ?? 0) + spreaded) | 0
    this.hashA = spread(this.hashA ^ spreaded)
    this.hashB = spread(Math.imul(this.hashB, 0x01000193) ^ Math.imul(spreaded, 0x85ebca6b))
    if (kind === DIGITS) this.digitRuns++
    this.collapsed = spread(this.collapsed ^ (kind === DIGITS ? place : spreaded))
  }

  /** Its lanes are good until the next {@link reset}. */
  outline(): Outline {
    const { lanes, words, keys, collapsed, digitRuns } = this
    return { lanes, words, values: words - keys, collapsed, digitRuns }
  }
}
