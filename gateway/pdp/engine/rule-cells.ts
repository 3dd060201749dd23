/**
 * The rules of each bucket, by action, effect and subject, in three flat arrays: a matrix of 100,000
 * rules is a few megabytes, and a decision reads one short run of them.
 */
import { invariant } from '../../domain/errors.ts'
import { ACTIONS, type Action } from '../../domain/vocabulary.ts'
import type { IntList } from './int-list.ts'
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
}

/** Subject and place of a rule lie side by side: both are read, and they are one line of memory. */
const ENTRY_INTS = 2

/** What the rules of a bucket are asked for. */
export interface CellQuery {
  readonly action: Action
  readonly effect: RuleEffect
  /** Numbers of the subjects held, ascending, each once. */
  readonly held: Int32Array
}

/** Looks up rules. Immutable. */
export interface RuleCells {
  /** Adds to `places` the rules of `buckets` for the query, in no order. */
  collect(buckets: IntList, query: CellQuery, places: IntList): void
}

const RUNS_PER_BUCKET = ACTIONS.length * 2
const ACTION_NUMBERS: ReadonlyMap<string, number> = new Map(
  ACTIONS.map((action, i) => [action, i * 2]),
)

/** Builds the arrays from `entries`, which ascend by place. */
export function createRuleCells(
  entries: readonly RuleEntry[],
  sizes: { readonly buckets: number; readonly subjects: number },
): RuleCells {
  const inOrder = Int32Array.from(entries, (_, i) => i)
  const runs = Int32Array.from(entries, (entry) => entry.bucket * RUNS_PER_BUCKET + runOf(entry))
  const named = Int32Array.from(entries, ({ subject }) => subject)
  const { order: bySubject } = sorted(inOrder, named, sizes.subjects)
  const { order, starts } = sorted(bySubject, runs, sizes.buckets * RUNS_PER_BUCKET)
  const cells = new Int32Array(order.length * ENTRY_INTS)
  for (const [i, entry] of order.entries()) {
    cells.set([named[entry] ?? 0, entries[entry]?.place ?? 0], i * ENTRY_INTS)
  }
  return {
    collect(buckets, query, places) {
      const run = runOf(query)
      for (let i = 0; i < buckets.size; i++) {
        const cell = buckets.at(i) * RUNS_PER_BUCKET + run
        const start = starts[cell] ?? 0
        const end = starts[cell + 1] ?? 0
        if (start === end) continue
        // The shorter side is walked, the longer one searched: callers bring groups as they like.
        if (end - start <= query.held.length) walkRules(start, end, query.held, places)
        else walkHeld(start, end, query.held, places)
      }
    },
  }

  function walkRules(start: number, end: number, held: Int32Array, places: IntList): void {
    for (let at = start * ENTRY_INTS; at < end * ENTRY_INTS; at += ENTRY_INTS) {
      if (isHeld(held, cells[at] ?? -1)) places.push(cells[at + 1] ?? 0)
    }
  }

  function walkHeld(start: number, end: number, held: Int32Array, places: IntList): void {
    let from = start
    for (let h = 0; h < held.length && from < end; h++) {
      const subject = held[h] ?? 0
      from = firstOf(subject, from, end)
      for (; from < end && cells[from * ENTRY_INTS] === subject; from++) {
        places.push(cells[from * ENTRY_INTS + 1] ?? 0)
      }
    }
  }

  /** The first entry from `start` to `end` whose subject is not below `subject`. */
  function firstOf(subject: number, start: number, end: number): number {
    let low = start
    let high = end
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((cells[middle * ENTRY_INTS] ?? 0) < subject) low = middle + 1
      else high = middle
    }
    return low
  }
}

function runOf({ action, effect }: Pick<RuleEntry, 'action' | 'effect'>): number {
  const number = ACTION_NUMBERS.get(action)
  invariant(number !== undefined, 'not an action')
  return number + (effect === 'deny' ? 0 : 1)
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
