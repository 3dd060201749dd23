/**
 * The rules of each bucket, by action, effect and subject, in one flat array: a matrix of 100,000
 * rules is a few megabytes, and all that a decision reads of a bucket lies side by side.
 */
import { invariant } from '../../domain/errors.ts'
import { ACTIONS, type Action } from '../../domain/vocabulary.ts'
import { IntList } from './int-list.ts'
import type { RuleEffect } from '../policy/resource-pattern.ts'

/** One rule under one action in one bucket. */
export interface RuleEntry {
  readonly bucket: number
  readonly action: Action
  readonly effect: RuleEffect
  /** The number of its subject. */
  readonly subject: number
  /** Its place in the file. */
  readonly place: number
  /** The number of its `when`. */
  readonly when: number
}

/** Rules that were found: places and numbers of `when` by turns, each list in no order. */
export class FoundRules {
  readonly denies = new IntList()
  readonly allows = new IntList()

  clear(): void {
    this.denies.clear()
    this.allows.clear()
  }
}

/** Looks up rules. Immutable. */
export interface RuleCells {
  /** Where the rules of a bucket lie. Those of the first bucket lie at 0. */
  addressOf(bucket: number): number
  /**
   * Adds the rules at `addresses` for the action and the subjects `held`, whose numbers ascend, each
   * there once.
   */
  collect(
    addresses: IntList,
    query: { readonly action: Action; readonly held: Int32Array },
    found: FoundRules,
  ): void
}

/** At an address: how many rules, then for each its key, its place and the number of its `when`. */
const RULE_INTS = 3
/** Addresses are multiples of it, so that a bucket of one rule is never on two lines of memory. */
const ALIGNMENT = 4

const RUNS = ACTIONS.length * 2
const ACTION_NUMBERS: ReadonlyMap<string, number> = new Map(ACTIONS.map((action, i) => [action, i]))

/** Collects entries, then builds. */
export class RuleCellsBuilder {
  readonly #buckets = new IntList()
  readonly #runs = new IntList()
  readonly #subjects = new IntList()
  readonly #places = new IntList()
  readonly #whens = new IntList()

  /** Entries are added in the order of their places. */
  add({ bucket, action, effect, subject, place, when }: RuleEntry): void {
    this.#buckets.push(bucket)
    this.#runs.push(numberOf(action) * 2 + (effect === 'deny' ? 0 : 1))
    this.#subjects.push(subject)
    this.#places.push(place)
    this.#whens.push(when)
  }

  build(sizes: { readonly buckets: number; readonly subjects: number }): RuleCells {
    const { size } = this.#buckets
    const keys = new Int32Array(size)
    for (let i = 0; i < size; i++) {
      keys[i] = this.#runs.at(i) * sizes.subjects + this.#subjects.at(i)
    }
    const inOrder = Int32Array.from(keys, (_, i) => i)
    const { order: byKey } = sorted(inOrder, keys, RUNS * sizes.subjects)
    const { order, starts } = sorted(byKey, this.#buckets.copy(), sizes.buckets)
    const addresses = addressesOf(starts)
    const cells = new Int32Array(addresses.at(-1) ?? 0)
    for (let bucket = 0; bucket < sizes.buckets; bucket++) {
      const start = starts[bucket] ?? 0
      const end = starts[bucket + 1] ?? 0
      let at = addresses[bucket] ?? 0
      cells[at++] = end - start
      for (let i = start; i < end; i++) {
        const entry = order[i] ?? 0
        cells[at++] = keys[entry] ?? 0
        cells[at++] = this.#places.at(entry)
        cells[at++] = this.#whens.at(entry)
      }
    }
    return createRuleCells(cells, addresses, sizes.subjects)
  }
}

/** One more than there are buckets: the last one is the end. */
function addressesOf(starts: Int32Array): Int32Array {
  const addresses = new Int32Array(starts.length)
  for (let bucket = 0; bucket + 1 < starts.length; bucket++) {
    const ints = 1 + ((starts[bucket + 1] ?? 0) - (starts[bucket] ?? 0)) * RULE_INTS
    addresses[bucket + 1] = (addresses[bucket] ?? 0) + Math.ceil(ints / ALIGNMENT) * ALIGNMENT
  }
  return addresses
}

function createRuleCells(
  cells: Int32Array,
  addresses: Int32Array,
  subjectCount: number,
): RuleCells {
  return {
    addressOf: (bucket) => addresses[bucket] ?? 0,
    collect(found, { action, held }, { denies, allows }) {
      // Denies of an action, then its allows: one stretch of keys.
      const firstDeny = numberOf(action) * 2 * subjectCount
      for (let i = 0; i < found.size; i++) {
        const address = found.at(i)
        const first = address + 1
        const end = first + (cells[address] ?? 0) * RULE_INTS
        const denyFrom = firstOf(firstDeny, first, end)
        if (denyFrom === end) continue
        const allowFrom = firstOf(firstDeny + subjectCount, denyFrom, end)
        const allowEnd = firstOf(firstDeny + 2 * subjectCount, allowFrom, end)
        if (denyFrom < allowFrom) walk(denyFrom, allowFrom, { base: firstDeny, held }, denies)
        if (allowFrom < allowEnd) {
          walk(allowFrom, allowEnd, { base: firstDeny + subjectCount, held }, allows)
        }
      }
    },
  }

  /** The shorter side is walked, the longer one searched: callers bring groups as they like. */
  function walk(start: number, end: number, asked: Asked, found: IntList): void {
    if (end - start <= asked.held.length * RULE_INTS) walkRules(start, end, asked, found)
    else walkHeld(start, end, asked, found)
  }

  function walkRules(start: number, end: number, { base, held }: Asked, found: IntList): void {
    for (let at = start; at < end; at += RULE_INTS) {
      if (!isHeld(held, (cells[at] ?? 0) - base)) continue
      found.push(cells[at + 1] ?? 0)
      found.push(cells[at + 2] ?? 0)
    }
  }

  function walkHeld(start: number, end: number, { base, held }: Asked, found: IntList): void {
    let from = start
    for (let h = 0; h < held.length && from < end; h++) {
      const key = base + (held[h] ?? 0)
      from = firstOf(key, from, end)
      for (; from < end && cells[from] === key; from += RULE_INTS) {
        found.push(cells[from + 1] ?? 0)
        found.push(cells[from + 2] ?? 0)
      }
    }
  }

  /** The first rule from `start` to `end` whose key is not below `key`. */
  function firstOf(key: number, start: number, end: number): number {
    let low = 0
    let high = (end - start) / RULE_INTS
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((cells[start + middle * RULE_INTS] ?? 0) < key) low = middle + 1
      else high = middle
    }
    return start + low * RULE_INTS
  }
}

/** Keys of one effect start at `base`; from there they are numbers of subjects. */
interface Asked {
  readonly base: number
  readonly held: Int32Array
}

function numberOf(action: Action): number {
  const number = ACTION_NUMBERS.get(action)
  invariant(number !== undefined, 'not an action')
  return number
}

/** Sorts by counting: stable, and linear in the rules. */
function sorted(order: Int32Array, keys: Int32Array, keyCount: number) {
  const starts = new Int32Array(keyCount + 1)
  for (const key of keys) starts[key + 1] = (starts[key + 1] ?? 0) + 1
  for (let key = 0; key < keyCount; key++) {
    starts[key + 1] = (starts[key + 1] ?? 0) + (starts[key] ?? 0)
  }
  const next = starts.slice()
  const result = new Int32Array(order.length)
  for (const i of order) {
    const key = keys[i] ?? 0
    const at = next[key] ?? 0
    result[at] = i
    next[key] = at + 1
  }
  return { order: result, starts }
}

function isHeld(held: Int32Array, subject: number): boolean {
  let low = 0
  let high = held.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((held[middle] ?? 0) < subject) low = middle + 1
    else high = middle
  }
  return held[low] === subject
}
