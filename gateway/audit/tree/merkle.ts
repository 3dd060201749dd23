/**
 * The Merkle tree of RFC 6962 §2.1 (RFC 9162 §2.1): hashes, roots and proofs. Pure. Sizes and
 * positions are safe integers, beyond 32 bits: no bit operators here.
 */
import { hash } from 'node:crypto'

/** Bytes of a hash. */
export const HASH_BYTES = 32

/** The root of a tree without leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Buffer = hash('sha256', '', 'buffer')

/**
 * The hash of the complete subtree of 2^`level` leaves that is the `index`-th of its level, from 0.
 * Throws what its source throws when that hash cannot be had.
 */
export type HashAt = (level: number, index: number) => Buffer

const LEAF_PREFIX = Buffer.of(0)
const pair = Buffer.alloc(1 + 2 * HASH_BYTES, 1)

/** The hash of a leaf: SHA-256 of 0x00 and its bytes. */
export function leafHashOf(bytes: Uint8Array): Buffer {
  return digestOf(Buffer.concat([LEAF_PREFIX, bytes]))
}

/** The hash of an inner node: SHA-256 of 0x01 and the two hashes below it. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  pair.set(left, 1)
  pair.set(right, 1 + HASH_BYTES)
  return digestOf(pair)
}

/** SHA-256. By way of a string: Node takes three times as long to make a buffer of its own. */
function digestOf(bytes: Uint8Array): Buffer {
  const digest = Buffer.allocUnsafe(HASH_BYTES)
  digest.write(hash('sha256', bytes, 'binary'), 'latin1')
  return digest
}

/** The root of the first `size` leaves. */
export function rootAt(size: number, hashAt: HashAt): Buffer {
  return size === 0 ? EMPTY_ROOT : rangeRoot(0, size, hashAt)
}

/** Proof that leaf `index` is in the tree of `size` leaves, 0 ≤ `index` < `size` (RFC 9162 §2.1.3.1). */
export function inclusionProof(index: number, size: number, hashAt: HashAt): readonly Buffer[] {
  const proof: Buffer[] = []
  let [low, high] = [0, size]
  while (high - low > 1) {
    const middle = low + splitOf(high - low)
    if (index < middle) {
      proof.push(rangeRoot(middle, high, hashAt))
      high = middle
    } else {
      proof.push(rangeRoot(low, middle, hashAt))
      low = middle
    }
  }
  return proof.reverse()
}

/**
 * Proof that the tree of `to` leaves begins with that of `from`, 0 ≤ `from` ≤ `to` (RFC 9162
 * §2.1.4.1). Empty from 0 and for equal sizes.
 */
export function consistencyProof(from: number, to: number, hashAt: HashAt): readonly Buffer[] {
  if (from === 0 || from === to) return []
  const proof: Buffer[] = []
  let [low, high, isOwn] = [0, to, true]
  while (from !== high) {
    const middle = low + splitOf(high - low)
    if (from <= middle) {
      proof.push(rangeRoot(middle, high, hashAt))
      high = middle
    } else {
      proof.push(rangeRoot(low, middle, hashAt))
      low = middle
      isOwn = false
    }
  }
  if (!isOwn) proof.push(rangeRoot(low, high, hashAt))
  return proof.reverse()
}

/** What {@link verifyInclusion} judges. */
export interface Inclusion {
  readonly index: number
  readonly size: number
  readonly leaf: Uint8Array
  readonly proof: readonly Uint8Array[]
  readonly root: Uint8Array
}

/** Whether the proof leads from the leaf to the root, exactly (RFC 9162 §2.1.3.2). */
export function verifyInclusion({ index, size, leaf, proof, root }: Inclusion): boolean {
  if (!isPosition(index) || !isPosition(size) || index >= size) return false
  const step = new Ascent(index, size - 1)
  let current = leaf
  for (const sibling of proof) {
    if (step.isAtTop || sibling.length !== HASH_BYTES) return false
    current = step.isRight ? nodeHash(sibling, current) : nodeHash(current, sibling)
    step.up()
  }
  return step.isAtTop && isSame(current, root)
}

/** What {@link verifyConsistency} judges. */
export interface Consistency {
  readonly from: number
  readonly to: number
  readonly fromRoot: Uint8Array
  readonly toRoot: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** Whether the proof shows that the larger tree only appends to the smaller (RFC 9162 §2.1.4.2). */
export function verifyConsistency(claim: Consistency): boolean {
  const { from, to, fromRoot, toRoot, proof } = claim
  if (!isOrdered(from, to) || proof.some(({ length }) => length !== HASH_BYTES)) return false
  if (from === to) return proof.length === 0 && isSame(fromRoot, toRoot)
  if (from === 0) return proof.length === 0 && isSame(fromRoot, EMPTY_ROOT)
  const [first, ...rest] = isPowerOfTwo(from) ? [fromRoot, ...proof] : proof
  if (first === undefined) return false
  const top = ascend(claim, first, rest)
  return top !== undefined && isSame(top.old, fromRoot) && isSame(top.current, toRoot)
}

/** The two roots a proof leads to from the last node that both trees have. */
function ascend(
  { from, to }: Consistency,
  first: Uint8Array,
  rest: readonly Uint8Array[],
): { readonly old: Uint8Array; readonly current: Uint8Array } | undefined {
  const step = new Ascent(from - 1, to - 1)
  step.skipRights()
  let [old, current] = [first, first]
  for (const sibling of rest) {
    if (step.isAtTop) return undefined
    if (step.isRight) {
      old = nodeHash(sibling, old)
      current = nodeHash(sibling, current)
    } else current = nodeHash(current, sibling)
    step.up()
  }
  return step.isAtTop ? { old, current } : undefined
}

/** The way from a node to the root, and where the rightmost node of each level is. */
class Ascent {
  private node: number
  private last: number

  constructor(node: number, last: number) {
    this.node = node
    this.last = last
  }

  get isAtTop(): boolean {
    return this.last === 0
  }

  /** Whether its sibling is at its left; the last of a level may have one only there. */
  get isRight(): boolean {
    return this.node % 2 === 1 || this.node === this.last
  }

  up(): void {
    // The last of a level without a sibling there goes up unpaired.
    while (this.isRight && this.node % 2 === 0 && this.node !== 0) this.half()
    this.half()
  }

  skipRights(): void {
    while (this.node % 2 === 1) this.half()
  }

  private half(): void {
    this.node = Math.floor(this.node / 2)
    this.last = Math.floor(this.last / 2)
  }
}

function isOrdered(from: number, to: number): boolean {
  return isPosition(from) && isPosition(to) && from <= to
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value))
}

/** The largest power of two less than `count`, for `count` > 1. */
function splitOf(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}

function rangeRoot(low: number, high: number, hashAt: HashAt): Buffer {
  const count = high - low
  const level = Math.log2(count)
  if (Number.isInteger(level)) return hashAt(level, low / count)
  const middle = low + splitOf(count)
  return nodeHash(rangeRoot(low, middle, hashAt), rangeRoot(middle, high, hashAt))
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
