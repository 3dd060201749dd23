import { invariant } from '../../domain/errors.ts'
import type { ScanFinding } from './finding.ts'
import { threeBytes, TripleSet, WORD_BYTES, wordsOf, type Words } from './needle-sweep.ts'

/** Whether what surrounds a needle makes it a finding; `more` when too little of it is there. */
export type Match = 'yes' | 'no' | 'more'

/** Bytes before a needle that a confirmation may look at. */
export const LOOK_BEHIND = 640
/** Bytes from the start of a needle on that a confirmation may ask for. */
export const LOOK_AHEAD = 320

/** Bytes that give a format away wherever they are. */
export interface Needle {
  readonly finding: ScanFinding
  readonly bytes: Buffer
  /** Which bytes of it are hashed, where the first ones are common (zeros). */
  readonly windowAt?: number
  readonly confirm?: (data: Buffer, at: number) => Match
}

/** Many needles, searched in one pass. */
export interface NeedleTable {
  /** The first finding whose needle begins at `from` or later; needles may end behind `to`. */
  search(data: Buffer, from: number, to: number): ScanFinding | undefined
}

/**
 * Compiles needles. Three neighbouring bytes are looked up at every n-th place, so close together that each
 * needle has one of them inside; the rest is compared only there. The places do not depend on the data,
 * so the processor looks at several at a time, which jumps by a table of shifts do not allow; and they are
 * whole words apart, so that one load reads the bytes of each.
 *
 * @param windowBytes bytes of each needle in which such a place is; no needle is shorter
 */
export function compileNeedles(needles: readonly Needle[], windowBytes: number): NeedleTable {
  const stride = windowBytes - 2
  invariant(stride % WORD_BYTES === 0, 'places that are no whole words apart')
  const triples = new TripleSet()
  const buckets = Array.from({ length: BUCKETS }, (): Place[] => [])
  for (const needle of needles) {
    const { bytes, windowAt = 0 } = needle
    invariant(bytes.length >= windowAt + windowBytes, 'a needle shorter than its window')
    for (let offset = windowAt; offset < windowAt + stride; offset++) {
      const triple = threeBytes(bytes, offset)
      triples.add(triple)
      buckets[bucketOf(triple)]?.push({ triple, needle, offset })
    }
  }
  return {
    search(data, from, to) {
      return sweep({ data, from, end: Math.min(to, data.length) - 2, stride, triples, buckets })
    },
  }
}

/** Three bytes of a needle, and where in it they are. */
interface Place {
  readonly triple: number
  readonly needle: Needle
  readonly offset: number
}

/** An array where a map would do: texts have some of the three bytes every other line. */
const BUCKETS = 4096

function bucketOf(triple: number): number {
  return (triple ^ (triple >>> 8)) & (BUCKETS - 1)
}

interface Sweep {
  readonly data: Buffer
  readonly from: number
  /** No place from here on. */
  readonly end: number
  readonly stride: number
  readonly triples: TripleSet
  readonly buckets: readonly (readonly Place[])[]
}

function sweep(one: Sweep): ScanFinding | undefined {
  const { data, from, end } = one
  const run = wordsOf(data, from, end)
  return run === undefined ? sweepBytes(one, from) : sweepWords(one, run)
}

function sweepWords(one: Sweep, { words, first }: Words): ScanFinding | undefined {
  const { stride, triples } = one
  const step = stride / WORD_BYTES
  const foursEnd = words.length - 3 * step
  let at = 0
  for (; at < foursEnd; at += 4 * step) {
    // Nearly always none of the four is of interest.
    if (!triples.mayHaveAny(words, at, step)) continue
    for (let i = at; i < at + 4 * step; i += step) {
      if (!triples.mayHave(words[i] ?? 0)) continue
      const finding = findingAt(one, first + i * WORD_BYTES)
      if (finding !== undefined) return finding
    }
  }
  return sweepBytes(one, first + at * WORD_BYTES)
}

function sweepBytes(one: Sweep, first: number): ScanFinding | undefined {
  const { data, end, stride, triples } = one
  const pairsEnd = end - stride
  for (let at = first; at < end; at += stride) {
    while (at < pairsEnd && !triples.mayHaveEither(data, at, stride)) at += 2 * stride
    if (at >= end) break
    if (!triples.mayHave(threeBytes(data, at))) continue
    const finding = findingAt(one, at)
    if (finding !== undefined) return finding
  }
  return undefined
}

/** What is found by the three bytes at a place. */
function findingAt({ data, from, buckets }: Sweep, at: number): ScanFinding | undefined {
  const triple = threeBytes(data, at)
  for (const place of buckets[bucketOf(triple)] ?? []) {
    const { needle } = place
    const start = at - place.offset
    if (place.triple !== triple || start < from || !isAt(data, needle.bytes, start)) continue
    if (needle.confirm === undefined || needle.confirm(data, start) === 'yes') return needle.finding
  }
  return undefined
}

/** Whether the bytes are there, whole. */
export function isAt(data: Buffer, bytes: Buffer, at: number): boolean {
  if (at + bytes.length > data.length) return false
  for (let i = 0; i < bytes.length; i++) if (data[at + i] !== bytes[i]) return false
  return true
}
