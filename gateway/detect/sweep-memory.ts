/**
 * Remembers the outlines of the last few requests of a subject, to tell whether the next one is a
 * step of a sweep: one of them again with one word or number changed, or with other digits in its
 * text. Who changes more than that, or does more than eight sweeps at a time, is counted among the
 * different prompts only.
 */
import { LANES, type Outline, type RequestFeatures } from './features.ts'

const REMEMBERED = 8

/** Shorter requests differ in one word whatever they ask. */
const VALUES_MIN = 3

/** A text with more runs of digits is a table: its rows are no sweep. */
const DIGIT_RUNS_MAX = 8

/** Per request: lanes, words, collapsed hash, both hashes. */
const STRIDE = LANES + 4
const [WORDS, COLLAPSED, HASH_A, HASH_B] = [LANES, LANES + 1, LANES + 2, LANES + 3]

/** See {@link createSweepMemory}. */
export interface SweepMemory {
  /** Whether this is a step of a sweep; it is remembered. The very same request again is none. */
  isStep(features: RequestFeatures): boolean
}

/** Remembers eight outlines in 1.2 KiB. */
export function createSweepMemory(): SweepMemory {
  return new Outlines()
}

class Outlines implements SweepMemory {
  private readonly kept = new Int32Array(REMEMBERED * STRIDE)
  private count = 0

  isStep({ hashA, hashB, outline }: RequestFeatures): boolean {
    if (outline === undefined || outline.values < VALUES_MIN) return false
    let isLike = false
    for (let i = 0; i < Math.min(this.count, REMEMBERED); i++) {
      const at = i * STRIDE
      if (this.kept[at + HASH_A] === hashA && this.kept[at + HASH_B] === hashB) return false
      isLike ||= this.isLike(at, outline)
    }
    this.remember({ hashA, hashB, outline })
    return isLike
  }

  private isLike(at: number, { lanes, words, collapsed, digitRuns }: Outline): boolean {
    const { kept } = this
    if (kept[at + COLLAPSED] === collapsed && digitRuns > 0 && digitRuns <= DIGIT_RUNS_MAX)
      return true
    if (kept[at + WORDS] !== words) return false
    let different = 0
    for (let lane = 0; lane < LANES && different < 2; lane++) {
      if (kept[at + lane] !== lanes[lane]) different++
    }
    return different === 1
  }

  private remember(request: {
    readonly hashA: number
    readonly hashB: number
    readonly outline: Outline
  }): void {
    const { hashA, hashB, outline } = request
    const at = (this.count % REMEMBERED) * STRIDE
    this.kept.set(outline.lanes, at)
    this.kept[at + WORDS] = outline.words
    this.kept[at + COLLAPSED] = outline.collapsed
    this.kept[at + HASH_A] = hashA
    this.kept[at + HASH_B] = hashB
    this.count++
  }
}
