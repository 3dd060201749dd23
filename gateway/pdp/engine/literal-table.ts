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

/** Finds literals in a text. Numbers are places in the list it was made from. */
export interface LiteralFinder {
  /** Adds to `found` the number of each literal that is there, each once. */
  find(text: string, found: IntList): void
}

/** Hash, first character, length, and one more than the number; 0 there means free. */
const SLOT_INTS = 4

const HASH_START = 0x811c9dc5 | 0
const HASH_FACTOR = 0x01000193

/** Finds the literal that is the whole text. `literals` are distinct and ASCII. */
export function createExactFinder(literals: readonly string[]): LiteralFinder {
  const table = new LiteralTable(literals, false)
  return {
    find(text, found) {
      const { length } = text
      if (length > table.longest || !table.has(length)) return
      let hash = HASH_START
      for (let i = 0; i < length; i++) hash = step(hash, text.charCodeAt(i))
      const number = table.numberOf(hash, length, text)
      if (number >= 0) found.push(number)
    },
  }
}

/**
 * Finds the literals a text begins with, or ends with when `fromEnd`: one pass with a running hash,
 * looking into the table only at lengths that occur. `literals` are distinct, not empty, and ASCII.
 */
export function createAffixFinder(literals: readonly string[], fromEnd: boolean): LiteralFinder {
  const table = new LiteralTable(literals, fromEnd)
  return {
    find(text, found) {
      const last = Math.min(text.length, table.longest)
      let hash = HASH_START
      for (let length = 1; length <= last; length++) {
        hash = step(hash, text.charCodeAt(fromEnd ? text.length - length : length - 1))
        if (!table.has(length)) continue
        const number = table.numberOf(hash, length, text)
        if (number >= 0) found.push(number)
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

  constructor(literals: readonly string[], fromEnd: boolean) {
    this.#fromEnd = fromEnd
    this.longest = literals.reduce((most, { length }) => Math.max(most, length), 0)
    this.#lengths = new Uint8Array(this.longest + 1)
    this.#filter = new BitFilter(literals.length)
    // At most half full, so that a miss ends soon.
    const count = 2 ** Math.ceil(Math.log2(literals.length * 2 + 2))
    this.#slots = new Int32Array(count * SLOT_INTS)
    this.#mask = count - 1
    this.#characters = new Uint8Array(literals.reduce((sum, { length }) => sum + length, 0))
    let start = 0
    for (const [number, literal] of literals.entries()) {
      this.#add(literal, number, start)
      start += literal.length
    }
  }

  /** Whether some literal is of that length, which is at most {@link longest}. */
  has(length: number): boolean {
    return this.#lengths[length] === 1
  }

  /** The literal of `length` characters at the start (or end) of `text`, or -1. */
  numberOf(hash: number, length: number, text: string): number {
    if (!this.#filter.mayHave(hash)) return -1
    const slots = this.#slots
    for (let slot = slotOf(hash, this.#mask); ; slot = (slot + 1) & this.#mask) {
      const at = slot * SLOT_INTS
      const number = (slots[at + 3] ?? 0) - 1
      if (number < 0) return -1
      if (slots[at] !== hash || slots[at + 2] !== length) continue
      if (this.#isThere(slots[at + 1] ?? 0, length, text)) return number
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
    while (this.#slots[slot * SLOT_INTS + 3] !== 0) slot = (slot + 1) & this.#mask
    this.#slots.set([hash, start, length, number + 1], slot * SLOT_INTS)
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
