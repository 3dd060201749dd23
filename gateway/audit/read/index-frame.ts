/**
 * One frame of an index: what can be known of 1,024 consecutive records without reading them. Numbers
 * are in the byte order of the machine; the head of the file says which (see index-file.ts).
 *
 *     0     check    8 bytes of SHA-256 of the rest
 *     8     number   u32, of the frame in its file, from 0
 *     16    offset   f64, where the first record starts in the segment
 *     24    bytes    f64, of all its records, newlines included
 *     32    earliest f64, time of its records, milliseconds since the epoch; -Infinity: unknown
 *     40    latest   f64; Infinity: unknown
 *     48    last     32 bytes, leaf hash of its last record, which stands for all before it
 *     80    lengths  1,024 × u16, bytes of each line without its newline
 *           ids      1,024 × u32
 *           columns  1,024 × u16 for each of the other columns
 */
import { hash } from 'node:crypto'
import { COLUMNS, valuesOf, withoutVersion, type Column } from './terms.ts'
import type { StoredRecord } from './query.ts'

/** Records in a frame. */
export const FRAME_ROWS = 1024

const HEAD_BYTES = 80
const CHECK_BYTES = 8
const NARROW = COLUMNS.filter((column) => column !== 'id')

/** Size of every frame. */
export const FRAME_BYTES = HEAD_BYTES + FRAME_ROWS * (2 + 4 + 2 * NARROW.length)

/** Longest line a frame can hold the length of. */
export const ROW_BYTES_MAX = 0xffff

// A number stands for a text. These two stand for none and for "look at the record itself".
const NONE = 0
const LOOK = 0xffff
const LOOK_ID = 0xffffffff

/** A frame, read or written in place. */
export interface Frame {
  readonly bytes: Buffer
  readonly head: DataView
  readonly lengths: Uint16Array
  readonly ids: Uint32Array
  readonly columns: ReadonlyMap<Column, Uint16Array>
}

/** A frame over its own memory, zeroed. */
export function newFrame(): Frame {
  return frameIn(new ArrayBuffer(FRAME_BYTES), 0)
}

/** The frame at `at` in `memory`; `at` is a multiple of four. */
export function frameIn(memory: ArrayBuffer, at: number): Frame {
  const rowsAt = at + HEAD_BYTES
  const narrowAt = rowsAt + FRAME_ROWS * (2 + 4)
  const column = (index: number) =>
    new Uint16Array(memory, narrowAt + index * FRAME_ROWS * 2, FRAME_ROWS)
  return {
    bytes: Buffer.from(memory, at, FRAME_BYTES),
    head: new DataView(memory, at, HEAD_BYTES),
    lengths: new Uint16Array(memory, rowsAt, FRAME_ROWS),
    ids: new Uint32Array(memory, rowsAt + FRAME_ROWS * 2, FRAME_ROWS),
    columns: new Map(NARROW.map((name, index) => [name, column(index)])),
  }
}

/** What the head of a frame says. */
export interface FrameHead {
  readonly number: number
  readonly offset: number
  readonly bytes: number
  readonly earliest: number
  readonly latest: number
  /** Leaf hash of the last record, base64. */
  readonly last: string
}

/** Writes the head and the check: the frame is complete. */
export function sealFrame({ bytes, head }: Frame, facts: FrameHead): void {
  head.setUint32(8, facts.number, LITTLE)
  head.setFloat64(16, facts.offset, LITTLE)
  head.setFloat64(24, facts.bytes, LITTLE)
  head.setFloat64(32, facts.earliest, LITTLE)
  head.setFloat64(40, facts.latest, LITTLE)
  bytes.set(Buffer.from(facts.last, 'base64'), 48)
  bytes.set(checkOf(bytes), 0)
}

/** The head of a whole frame; `undefined` when it is damaged or was only half written. */
export function openFrame({ bytes, head }: Frame, number: number): FrameHead | undefined {
  if (head.getUint32(8, LITTLE) !== number) return undefined
  if (!checkOf(bytes).equals(bytes.subarray(0, CHECK_BYTES))) return undefined
  return {
    number,
    offset: head.getFloat64(16, LITTLE),
    bytes: head.getFloat64(24, LITTLE),
    earliest: head.getFloat64(32, LITTLE),
    latest: head.getFloat64(40, LITTLE),
    last: bytes.toString('base64', 48, HEAD_BYTES),
  }
}

const LITTLE = true

function checkOf(bytes: Buffer): Buffer {
  return hash('sha256', bytes.subarray(CHECK_BYTES), 'buffer').subarray(0, CHECK_BYTES)
}

/** Fills one row. `undefined` is a line that is no record: it is always looked at. */
export function fillRow(frame: Frame, row: number, record: StoredRecord | undefined): void {
  frame.ids[row] = record === undefined ? LOOK_ID : wide(record)
  for (const [name, cells] of frame.columns) {
    cells[row] = record === undefined ? LOOK : narrow(record, name)
  }
}

function wide(record: StoredRecord): number {
  const { texts, odd } = valuesOf(record, 'id')
  const [text] = texts
  return odd ? LOOK_ID : text === undefined ? NONE : idNumber(text)
}

/** A record with several values, as of a request for several models, is always looked at. */
function narrow(record: StoredRecord, column: Column): number {
  const { texts, odd } = valuesOf(record, column)
  const numbers = new Set(texts.map((text) => textNumber(text, column)))
  if (odd || numbers.size > 1) return LOOK
  const [number] = numbers
  return number ?? NONE
}

/** The number of a text in a column other than `id`: 1 to 65,534. */
function textNumber(text: string, column: Column): number {
  const mixed = mix(column === 'resource' ? withoutVersion(text) : text)
  return 1 + (((mixed >>> 16) ^ (mixed & 0xffff)) % (LOOK - 1))
}

function idNumber(text: string): number {
  return 1 + (mix(text) % (LOOK_ID - 1))
}

/** FNV-1a over UTF-16 units. Whoever makes texts collide makes a reader look once more, no more. */
function mix(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** The rows of a frame that may be wanted; every other row is not. `undefined`: all may be. */
export type RowSelector = (frame: Frame) => readonly number[] | undefined

/** Selects rows with one of these values in each column named. */
export function rowSelector(
  wanted: Readonly<Partial<Record<Column, readonly string[]>>>,
): RowSelector {
  const tests = NARROW.flatMap((column) => {
    const texts = wanted[column]
    return texts === undefined ? [] : [narrowTest(column, texts)]
  })
  if (wanted.id !== undefined) tests.unshift(idTest(wanted.id))
  return (frame) => {
    let rows: readonly number[] | undefined
    for (const test of tests) {
      if (rows?.length === 0) break
      rows = test(frame, rows)
    }
    return rows
  }
}

/** Of `rows`, or of all, those that pass. */
type RowTest = (frame: Frame, rows: readonly number[] | undefined) => readonly number[]

function narrowTest(column: Column, texts: readonly string[]): RowTest {
  const isWanted = new Uint8Array(LOOK + 1)
  for (const text of texts) isWanted[textNumber(text, column)] = 1
  isWanted[LOOK] = 1
  return ({ columns }, rows) => {
    const cells = columns.get(column) ?? NO_CELLS
    if (rows !== undefined) return rows.filter((row) => isWanted[cells[row] ?? LOOK] === 1)
    const found: number[] = []
    for (let row = 0; row < cells.length; row++) {
      if (isWanted[cells[row] ?? LOOK] === 1) found.push(row)
    }
    return found
  }
}

function idTest(texts: readonly string[]): RowTest {
  const wanted = new Set([LOOK_ID, ...texts.map(idNumber)])
  return ({ ids }, rows) => (rows ?? ALL_ROWS).filter((row) => wanted.has(ids[row] ?? LOOK_ID))
}

const NO_CELLS = new Uint16Array(0)

/** Every row of a frame. */
export const ALL_ROWS: readonly number[] = Array.from({ length: FRAME_ROWS }, (_, row) => row)
