/**
 * The records of one turn of the event loop, as bytes ready to be written at once. Serialises,
 * numbers and links records in the order they come.
 */
import { createInstantText } from '../../domain/clock.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import { hash } from 'node:crypto'
import type { LogPosition } from '../line/chain.ts'
import type { ByteRange } from '../files/file-ops.ts'
import type { Protect } from '../personal/protect.ts'
import { GENESIS_HASH, LINE_BYTES_MAX, serializeRecord, type Stamp } from '../line/record.ts'

/** When a record was made. */
export interface Moment {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly monotonicMs: number
}

/** Collects lines until they are written. */
export interface Batch {
  /** The last record collected; `undefined` before the first of the log. */
  readonly last: LogPosition | undefined
  readonly count: number
  /** Whether it must be written before another record fits. */
  readonly isFull: boolean
  readonly bytes: Uint8Array
  readonly range: ByteRange
  /** How many there are of each type. */
  readonly types: ReadonlyMap<string, number>
  /** Leaf hashes of the lines, 32 bytes each. */
  readonly leaves: Buffer
  /** Adds a record. @throws ERR_INTERNAL when it breaks the format, and then adds nothing */
  add(record: LedgerRecord, at: Moment): void
  /** Forgets the lines: they were written, or never will be. */
  clear(): void
  /** Continues after another record than the last one collected. */
  continueAfter(position: LogPosition | undefined): void
}

const LEAF_BYTES = 32
/** Written at the latest when this many bytes wait. */
const BATCH_BYTES = 1024 * 1024
const NEWLINE = 0x0a
const LEAF_PREFIX = 0x00

/**
 * Builds an empty batch of the log `log`, written by the run `boot`. What `protect` gives for a
 * record is written in its place.
 */
export function createBatch(log: string, boot: string, protect?: Protect): Batch {
  // The byte before every line is the newline of the line before, or this first one.
  const bytes = Buffer.allocUnsafeSlow(1 + BATCH_BYTES + LINE_BYTES_MAX + 1)
  const stamp = { log, boot, seq: 0, prev: GENESIS_HASH, ts: '', monotonicMs: 0 }
  const textOf = createInstantText()
  const types = new Map<string, number>()
  let leaves = Buffer.allocUnsafeSlow(1024 * LEAF_BYTES)
  let end = 1
  let count = 0

  const add = (record: LedgerRecord, at: Moment): void => {
    stamp.ts = textOf(at.now)
    stamp.monotonicMs = at.monotonicMs
    const written = protect === undefined ? record : protect(record, { ...stamp, at: at.now })
    const line = serializeRecord(stamp satisfies Stamp, written)
    const length = bytes.write(line, end)
    if (leaves.length === count * LEAF_BYTES) leaves = Buffer.concat([leaves, leaves])
    const leaf = count * LEAF_BYTES
    leaves.write(hashInPlace(bytes, end, end + length), leaf, 'latin1')
    stamp.prev = leaves.toString('base64', leaf, leaf + LEAF_BYTES)
    stamp.seq += 1
    bytes[end + length] = NEWLINE
    end += length + 1
    count += 1
    types.set(record.type, (types.get(record.type) ?? 0) + 1)
  }
  return {
    bytes,
    types,
    add,
    get last() {
      return stamp.seq === 0 ? undefined : { seq: stamp.seq - 1, hash: stamp.prev }
    },
    get count() {
      return count
    },
    get isFull() {
      return end > BATCH_BYTES
    },
    get leaves() {
      return leaves
    },
    get range() {
      return { start: 1, end }
    },
    clear: () => {
      end = 1
      count = 0
      types.clear()
    },
    continueAfter: (position) => {
      stamp.seq = position === undefined ? 0 : position.seq + 1
      stamp.prev = position?.hash ?? GENESIS_HASH
    },
  }
}

/**
 * The leaf hash of a line, each byte one character, over the very bytes that will be written,
 * without copying them.
 */
function hashInPlace(bytes: Buffer, start: number, end: number): string {
  const before = bytes[start - 1] ?? NEWLINE
  bytes[start - 1] = LEAF_PREFIX
  const leaf = hash('sha256', bytes.subarray(start - 1, end), 'binary')
  bytes[start - 1] = before
  return leaf
}
