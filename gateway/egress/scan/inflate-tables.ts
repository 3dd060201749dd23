/** A Huffman code of DEFLATE (RFC 1951 §3.2) as a table over the next `bits` bits of the input. */
export interface HuffmanTable {
  readonly bits: number
  /** `symbol << 4 | length of its code`; 0 where no code is. */
  readonly entries: Int32Array
}

/** Makes the table of a code from the lengths of its words; `undefined` when they are none. */
export function huffmanTable(lengths: Uint8Array): HuffmanTable | undefined {
  const words = firstWords(lengths)
  if (words === undefined) return undefined
  const { next, bits } = words
  const entries = new Int32Array(1 << bits)
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] ?? 0
    if (length === 0) continue
    const word = next[length] ?? 0
    next[length] = word + 1
    for (let at = reversed(word, length); at < entries.length; at += 1 << length) {
      entries[at] = (symbol << 4) | length
    }
  }
  return { bits, entries }
}

/** The first word of each length (RFC 1951 §3.2.2), and the longest length that is used. */
function firstWords(lengths: Uint8Array): { next: Uint16Array; bits: number } | undefined {
  const counts = new Uint16Array(16)
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1
  counts[0] = 0
  const next = new Uint16Array(16)
  let [code, bits] = [0, 0]
  for (let length = 1; length <= 15; length++) {
    code = (code + (counts[length - 1] ?? 0)) << 1
    next[length] = code
    const count = counts[length] ?? 0
    if (code + count > 1 << length) return undefined
    if (count > 0) bits = length
  }
  return { next, bits }
}

function reversed(word: number, length: number): number {
  let out = 0
  for (let i = 0; i < length; i++) out |= ((word >> i) & 1) << (length - 1 - i)
  return out
}

const FIXED_LENGTHS = new Uint8Array(288).map((_, symbol) => {
  if (symbol < 144) return 8
  if (symbol < 256) return 9
  return symbol < 280 ? 7 : 8
})

/** The codes of blocks that bring none (RFC 1951 §3.2.6). */
export const FIXED = {
  literals: huffmanTable(FIXED_LENGTHS),
  distances: huffmanTable(new Uint8Array(30).fill(5)),
}

/** Order in which the lengths of the code of lengths come (RFC 1951 §3.2.7). */
export const LENGTH_ORDER: readonly number[] = [
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
]

/** Bases and extra bits of match lengths, from symbol 257 on. */
export const LENGTHS = pairs(29, (i) => (i < 8 ? 0 : i === 28 ? 0 : (i >> 2) - 1), 3)
/** Bases and extra bits of distances. */
export const DISTANCES = pairs(30, (i) => (i < 4 ? 0 : (i >> 1) - 1), 1)

function pairs(
  count: number,
  extraOf: (index: number) => number,
  first: number,
): { readonly base: Uint16Array; readonly extra: Uint8Array } {
  const base = new Uint16Array(count)
  const extra = new Uint8Array(count)
  let value = first
  for (let i = 0; i < count; i++) {
    base[i] = count === 29 && i === 28 ? 258 : value
    extra[i] = extraOf(i)
    value += 1 << extraOf(i)
  }
  return { base, extra }
}
