/** Bytes of a word: places are so far apart, or a multiple of it. */
export const WORD_BYTES = 4

/** Below so many bytes a view of words costs more than it saves. */
const WORDS_MIN_BYTES = 2048

/** Whether the first byte of a word is its lowest, as on nearly every machine. */
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/** Three neighbouring bytes as one number, the first the lowest. */
export function threeBytes(data: Uint8Array, at: number): number {
  return (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16)
}

/**
 * A set of three bytes. Where to look says how neighbours differ, which bit the middle one: letters of a
 * text are spread well, at two shifts a word. Each member may stand for 31 others, and none is ever missed.
 */
export class TripleSet {
  private readonly bits = new Uint8Array(65_536)

  /** Adds what {@link threeBytes} gave. */
  add(triple: number): void {
    const upper = triple >>> 8
    const index = (triple ^ upper) & 0xffff
    this.bits[index] = (this.bits[index] ?? 0) | (1 << (upper & 7))
  }

  /** Whether three bytes may be here; what is above them is ignored. */
  mayHave(triple: number): boolean {
    return (bitOf(this.bits, triple) & 1) === 1
  }

  /** The same of the bytes at two places, `stride` apart. */
  mayHaveEither(data: Uint8Array, at: number, stride: number): boolean {
    return ((bitAt(this.bits, data, at) | bitAt(this.bits, data, at + stride)) & 1) === 1
  }

  /** The same of the lower three bytes of four words, `step` apart: without a branch between them. */
  mayHaveAny(words: Uint32Array, at: number, step: number): boolean {
    const { bits } = this
    const first = bitOf(bits, words[at] ?? 0) | bitOf(bits, words[at + step] ?? 0)
    const second = bitOf(bits, words[at + 2 * step] ?? 0) | bitOf(bits, words[at + 3 * step] ?? 0)
    return ((first | second) & 1) === 1
  }
}

/** A number whose lowest bit says it. */
function bitOf(bits: Uint8Array, word: number): number {
  const upper = word >>> 8
  return (bits[(word ^ upper) & 0xffff] ?? 0) >> (upper & 7)
}

/** The same of single bytes. */
function bitAt(bits: Uint8Array, data: Uint8Array, at: number): number {
  const middle = data[at + 1] ?? 0
  const index = ((data[at] ?? 0) ^ middle) | ((middle ^ (data[at + 2] ?? 0)) << 8)
  return (bits[index] ?? 0) >> (middle & 7)
}

/** Whole words of a piece, read where they are aligned in memory; nothing is copied. */
export interface Words {
  readonly words: Uint32Array
  /** Where in the piece the first one begins: less than a word behind where they were asked from. */
  readonly first: number
}

/** The words from `from` to `to`, or undefined where single bytes serve better. */
export function wordsOf(data: Buffer, from: number, to: number): Words | undefined {
  if (!IS_LITTLE_ENDIAN || to - from < WORDS_MIN_BYTES) return undefined
  const first = from + (-(data.byteOffset + from) & (WORD_BYTES - 1))
  const count = Math.floor((to - first) / WORD_BYTES)
  return { words: new Uint32Array(data.buffer, data.byteOffset + first, count), first }
}
