import { invariant } from '../../domain/errors.ts'
import type { ScanFinding } from './finding.ts'

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
 * Compiles needles. Three neighbouring bytes are hashed at every n-th place, so close together that each
 * needle has one of them inside; the rest is compared only there. The places do not depend on the data,
 * so the processor looks at several at a time, which jumps by a table of shifts do not allow.
 *
 * @param windowBytes bytes of each needle that are hashed; no needle is shorter
 */
export function compileNeedles(needles: readonly Needle[], windowBytes: number): NeedleTable {
  const isMember = new Uint8Array(65_536)
  const buckets = new Map<number, { readonly needle: Needle; readonly offset: number }[]>()
  for (const needle of needles) {
    const { bytes, windowAt = 0 } = needle
    invariant(bytes.length >= windowAt + windowBytes, 'a needle shorter than its window')
    for (let offset = windowAt; offset + 2 < windowAt + windowBytes; offset++) {
      const hash = hashAt(bytes, offset)
      isMember[hash] = 1
      const bucket = buckets.get(hash) ?? []
      buckets.set(hash, [...bucket, { needle, offset }])
    }
  }
  const check = (data: Buffer, at: number, from: number): ScanFinding | undefined => {
    for (const { needle, offset } of buckets.get(hashAt(data, at)) ?? []) {
      const start = at - offset
      if (start < from || !isAt(data, needle.bytes, start)) continue
      if (needle.confirm === undefined || needle.confirm(data, start) === 'yes') {
        return needle.finding
      }
    }
    return undefined
  }
  const stride = windowBytes - 2
  return { search: (data, from, to) => sweep({ data, from, to, stride, isMember, check }) }
}

interface Sweep {
  readonly data: Buffer
  readonly from: number
  readonly to: number
  readonly stride: number
  readonly isMember: Uint8Array
  readonly check: (data: Buffer, at: number, from: number) => ScanFinding | undefined
}

function sweep({ data, from, to, stride, isMember, check }: Sweep): ScanFinding | undefined {
  const end = Math.min(to, data.length) - 2
  const pairsEnd = end - stride
  let at = from
  while (at < end) {
    // Two places at a time: nearly always neither is of interest.
    while (at < pairsEnd) {
      const either = isMember[hashAt(data, at)] === 1 || isMember[hashAt(data, at + stride)] === 1
      if (either) break
      at += 2 * stride
    }
    if (at >= end) break
    if (isMember[hashAt(data, at)] === 1) {
      const finding = check(data, at, from)
      if (finding !== undefined) return finding
    }
    at += stride
  }
  return undefined
}

function hashAt(data: Buffer, at: number): number {
  return ((data[at] ?? 0) ^ ((data[at + 1] ?? 0) << 4) ^ ((data[at + 2] ?? 0) << 8)) & 0xffff
}

/** Whether the bytes are there, whole. */
export function isAt(data: Buffer, bytes: Buffer, at: number): boolean {
  if (at + bytes.length > data.length) return false
  for (let i = 0; i < bytes.length; i++) if (data[at + i] !== bytes[i]) return false
  return true
}
