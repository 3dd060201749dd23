/** What is kept of a request to watch for extraction: numbers that its text cannot be had from. */

/** Lanes into which the words of a request are added, each by its place. */
export const LANES = 32

/** See {@link createFeatureReader} in `body-features.ts`. */
export interface RequestFeatures {
  /** Two independent keyed hashes of what was asked. */
  readonly hashA: number
  readonly hashB: number
  /** The outline of what was asked; absent of what could not be read as words and numbers. */
  readonly outline?: Outline
  /** Whether it asks for log-probabilities, logits or hidden states, or changes them. */
  readonly asksLogits: boolean
  /** Inputs that embeddings are asked for; 0 on other routes. */
  readonly vectors: number
}

/** Enough to tell whether two requests differ in one word or number, or in the digits of a text. */
export interface Outline {
  /** Sums of keyed hashes of the words whose place is the same modulo {@link LANES}. */
  readonly lanes: Int32Array
  /** Words and numbers. */
  readonly words: number
  /** Those that are values, not keys. */
  readonly values: number
  /** Hash of it all without the digits in its texts. */
  readonly collapsed: number
  /** Runs of digits in its texts. */
  readonly digitRuns: number
}
