/**
 * Literals by what they are, in one flat open table: a look-up reads one line of memory, and the
 * characters only when the hash is right. A map of strings would cost several times that, in time
 * as in memory, once a matrix no longer fits the caches.
 *
 * Texts come from callers, the table does not: somebody who makes hashes collide makes his own
 * look-up compare once more for each length, and nothing else slower.
 */
import { BitFilter } from './bit-filter.ts'
import type { IntList } from './int-list.ts'

/** Finds literals in a text. Numbers are places in the list it was made from, if none are given. */
export interface LiteralFinder {
  /** Adds to `found` the number of each literal that is there, each once. */
  find(text: string, found: IntList): void
}

/** Hash, first character, length and number; no length means free, as no literal is empty. */
const SLOT_INTS = 4
/** What there is no literal for; no number is as low. */
const NOTHING = -0x8000_0000

const HASH_START = 0x811c9dc5 | 0
const HASH_FACTOR = 0x01000193

/** Finds the literal that is the whole text. They are distinct, not empty, and ASCII. */
export function createExactFinder(literals: ReadonlyMap<string, number>): LiteralFinder {
  const table = new LiteralTable(literals, false)
  return {
    find(text, found) {
      const { length } = text
      if (length > table.longest || !table.has(length)) return
      let hash = HASH_START
      for (let i = 0; i < length; i++) hash = step(hash, text.charCodeAt(i))
      const number = table.numberOf(hash, length, text)
      if (number !== NOTHING) found.push(number)
    },
  }
}

/**
 * Finds the literals a text begins with, or ends with when `fromEnd`: one pass with a running hash,
 * looking into the table only at lengths that occur. `literals` are distinct, not empty, and ASCII.
 */
export function createAffixFinder(literals: readonly string[], fromEnd: boolean): LiteralFinder {
  const table = new LiteralTable(new Map(literals.map((literal, i) => [literal, i])), fromEnd)
  return {
    find(text, found) {
      const last = Math.min(text.length, table.longest)
      let hash = HASH_START
      for (let length = 1; length <= last; length++) {
        hash = step(hash, text.charCodeAt(fromEnd ? text.length - length : length - 1))
        if (!table.has(length)) continue
        const number = table.numberOf(hash, length, text)
        if (number !== NOTHING) found.push(number)
      }
    },
  }
}

class LiteralTable {
  readonly longest: number
  readonly #fromEnd: boolean
  readonly #lengths: Uint8Array
  readonly #filter: BitFilter
  readonly #slots: Int32Array
  readonly #mask: number
  readonly #characters: Uint8Array

  constructor(literals: ReadonlyMap<string, number>, fromEnd: boolean) {
    let longest = 0
    let characters = 0
    for (const { length } of literals.keys()) {
      longest = Math.max(longest, length)
      characters += length
    }
    this.#fromEnd = fromEnd
    this.longest = longest
    this.#lengths = new Uint8Array(longest + 1)
    this.#filter = new BitFilter(literals.size)
    // At most half full, so that a miss ends soon.
    const count = 2 ** Math.ceil(Math.log2(literals.size * 2 + 2))
    this.#slots = new Int32Array(count * SLOT_INTS)
    this.#mask = count - 1
    this.#characters = new Uint8Array(characters)
    let start = 0
    for (const [literal, number] of literals) {
      this.#add(literal, number, start)
      start += literal.length
    }
  }

  /** Whether some literal is of that length, which is at most {@link longest}. */
  has(length: number): boolean {
    return this.#lengths[length] === 1
  }

  /** The number of the literal of `length` characters that `text` starts (or ends) with. */
  numberOf(hash: number, length: number, text: string): number {
    if (!this.#filter.mayHave(hash)) return NOTHING
    const slots = this.#slots
    for (let slot = slotOf(hash, this.#mask); ; slot = (slot + 1) & this.#mask) {
      const at = slot * SLOT_INTS
      const there = slots[at + 2] ?? 0
      if (there === 0) return NOTHING
      if (slots[at] !== hash || there !== length) continue
      if (this.#isThere(slots[at + 1] ?? 0, length, text)) return slots[at + 3] ?? NOTHING
    }
  }

  #isThere(start: number, length: number, text: string): boolean {
    const characters = this.#characters
    const offset = this.#fromEnd ? text.length - length : 0
    for (let i = 0; i < length; i++) {
      if (characters[start + i] !== text.charCodeAt(offset + i)) return false
    }
    return true
  }

  #add(literal: string, number: number, start: number): void {
    const { length } = literal
    let hash = HASH_START
    for (let i = 0; i < length; i++) {
      hash = step(hash, literal.charCodeAt(this.#fromEnd ? length - 1 - i : i))
      this.#characters[start + i] = literal.charCodeAt(i)
    }
    this.#lengths[length] = 1
    this.#filter.add(hash)
    let slot = slotOf(hash, this.#mask)
    while (this.#slots[slot * SLOT_INTS + 2] !== 0) slot = (slot + 1) & this.#mask
    const at = slot * SLOT_INTS
    this.#slots[at] = hash
    this.#slots[at + 1] = start
    this.#slots[at + 2] = length
    this.#slots[at + 3] = number
  }
}

/** FNV-1a over UTF-16 units. */
function step(hash: number, code: number): number {
  return Math.imul(hash ^ code, HASH_FACTOR)
}

/** Other bits than the filter goes by. */
function slotOf(hash: number, mask: number): number {
  return (hash ^ (hash >>> 15)) & mask
}
