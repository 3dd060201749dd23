/**
 * Finds wanted fields in a protobuf message by their numbers, as its bytes come: no descriptors, no
 * copies, and no more state than the place it has come to. Stricter than the readers behind the
 * gateway, so that there is one reading: what some of them would repair, skip or read otherwise is
 * refused. Every occurrence of a field counts, because the last one wins in some places and nested
 * messages that occur twice are merged.
 */
import { isUtf8 } from 'node:buffer'
import { invariant } from '../../domain/errors.ts'
import type { FieldValue } from '../body/body-fields.ts'
import type { ProtoField, ProtoTree } from './proto-tree.ts'

const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5

/** Strings past this many bytes are no names. */
const TEXT_BYTES_MAX = 4096
/** Different values of one field; more are nobody's request. */
const VALUES_MAX = 64
/** A tag is a 32-bit number: five bytes of seven bits. */
const TAG_BYTES_MAX = 5
const VALUE_BYTES_MAX = 10
const FIELD_NUMBER_MAX = 536_870_911

type Step =
  | 'tag'
  | 'length'
  /** A number; its field is in `field` when it is wanted. */
  | 'number'
  /** So many bytes, which say nothing. */
  | 'skip'
  /** A wanted string. */
  | 'text'

interface Level {
  readonly tree: ProtoTree
  readonly field: ProtoField | undefined
  /** Bytes of this message still to come. */
  left: number
  /** Whether a number that is wanted of it was there. */
  hasNumber: boolean
}

/** Scans one message. */
export class ProtoScan {
  /** The values found, in the order of their first occurrence, each once. */
  private readonly found = new Map<string, Set<string>>()
  private readonly present = new Set<string>()
  private readonly levels: Level[]
  private step: Step = 'tag'
  private field: ProtoField | undefined
  /** The varint being read: 64 bits as two halves, and how many bytes of it are here. */
  private low = 0
  private high = 0
  private varintBytes = 0
  private lastByte = 0
  private pending = 0
  private pieces: Buffer[] = []
  private isBroken = false
  /** Whether a field behind all wanted ones was seen. */
  private isBeyond = false

  /** `length` is that of the message. */
  constructor(tree: ProtoTree, length: number) {
    this.levels = [{ tree, field: undefined, left: length, hasNumber: false }]
  }

  /** Whether a writer that keeps to the order of numbers has nothing more to say. */
  get isPastWanted(): boolean {
    return this.isBeyond
  }

  /** Takes the next bytes; `false` when the message is malformed or ambiguous. */
  push(chunk: Buffer, from: number, to: number): boolean {
    let at = from
    while (at < to && !this.isBroken) {
      at =
        this.step === 'skip' || this.step === 'text'
          ? this.takeBytes(chunk, at, to)
          : this.takeByte(chunk[at] ?? 0, at)
    }
    return !this.isBroken
  }

  /** Whether the message ended where it may. To be asked when all of it was pushed. */
  end(): boolean {
    return !this.isBroken && this.levels.length === 1 && this.step === 'tag' && !this.varintBytes
  }

  /**
   * What was found so far, by path. One value is `string` or `number`; several different ones are a
   * `list`, which names one model only where each of them is authorised. A string that is empty is
   * left out: nothing tells it from one that is not there.
   */
  fields(): ReadonlyMap<string, FieldValue> {
    const fields = new Map<string, FieldValue>()
    for (const path of this.present) fields.set(path, { kind: 'other' })
    for (const [path, texts] of this.found) {
      const kind = path.includes(':') ? 'number' : 'string'
      const items = [...texts].map((text): FieldValue => ({ kind, text }))
      const [only] = items
      if (only === undefined || (items.length === 1 && texts.has(''))) continue
      fields.set(path, items.length === 1 ? only : { kind: 'list', items })
    }
    return fields
  }

  private get level(): Level {
    const level = this.levels.at(-1)
    invariant(level !== undefined, 'a message is scanned within itself')
    return level
  }

  private takeByte(byte: number, at: number): number {
    const { level } = this
    if (level.left === 0) return this.fail(at)
    this.consume(1)
    if (!this.addToVarint(byte)) return this.fail(at)
    if (byte < 0x80) this.finishVarint()
    return at + 1
  }

  private addToVarint(byte: number): boolean {
    const bits = byte & 0x7f
    const count = this.varintBytes
    if (count === 0) {
      this.low = 0
      this.high = 0
    }
    if (count < 4) this.low += bits * 2 ** (7 * count)
    else if (count === 4) {
      this.low += (bits & 0x0f) * 2 ** 28
      this.high = bits >> 4
    } else this.high += bits * 2 ** (7 * count - 32)
    this.varintBytes = count + 1
    this.lastByte = byte
    const bytesMax = this.step === 'number' ? VALUE_BYTES_MAX : TAG_BYTES_MAX
    if (this.varintBytes > bytesMax) return false
    // The tenth byte has room for one bit.
    return this.varintBytes < VALUE_BYTES_MAX || byte <= 1
  }

  private finishVarint(): void {
    const { low, high, step, varintBytes } = this
    // A needless byte: some readers take it, others stop, and the name behind it differs.
    const isOverlong = varintBytes > 1 && this.lastByte === 0
    this.varintBytes = 0
    if (step === 'number') this.finishNumber(low, high)
    else if (isOverlong || high !== 0) this.isBroken = true
    else if (step === 'tag') this.readTag(low)
    else this.readLength(low)
    this.closeLevels()
  }

  private readTag(tag: number): void {
    const number = Math.floor(tag / 8)
    if (number === 0 || number > FIELD_NUMBER_MAX) {
      this.isBroken = true
      return
    }
    const { tree } = this.level
    this.field = tree.fields.get(number)
    if (this.levels.length === 1 && number > tree.last) this.isBeyond = true
    const wire = tag % 8
    // A reader would take a wanted field of another type for one that it does not know.
    if (this.field !== undefined && !fits(this.field, wire)) this.isBroken = true
    else if (this.field?.presence !== undefined) this.present.add(this.field.presence)
    this.takeType(wire)
  }

  private takeType(wire: number): void {
    if (wire === VARINT) this.step = 'number'
    else if (wire === LENGTH) this.step = 'length'
    else if (wire === FIXED64) this.skip(8)
    else if (wire === FIXED32) this.skip(4)
    // Groups are what proto2 had before messages; nothing here uses them.
    else this.isBroken = true
  }

  private readLength(length: number): void {
    const { field } = this
    if (length > this.level.left || length > 0x7fffffff) {
      this.isBroken = true
      return
    }
    if (field?.below !== undefined) {
      // What is in it counts against the message around it at once.
      this.consume(length)
      this.levels.push({ tree: field.below, field, left: length, hasNumber: false })
      this.step = 'tag'
      return
    }
    if (field?.kind === 'text') {
      if (length > TEXT_BYTES_MAX) this.isBroken = true
      this.step = 'text'
      this.pending = length
      this.pieces = []
      if (length === 0) this.finishText()
      return
    }
    // An empty field may count for one that is not there, and a reader may think otherwise.
    if (field?.presence !== undefined && length === 0) this.isBroken = true
    this.skip(length)
  }

  private finishNumber(low: number, high: number): void {
    const { field } = this
    this.step = 'tag'
    if (field === undefined) return
    if (field.kind === undefined) {
      if (low === 0 && high === 0) this.isBroken = true
      return
    }
    const value = BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low))
    this.add(this.level.field?.kind === 'int-message' ? this.level.field.path : field.path, value)
    this.level.hasNumber = true
  }

  private skip(length: number): void {
    if (length > this.level.left) this.isBroken = true
    this.pending = length
    this.step = length === 0 ? 'tag' : 'skip'
  }

  private takeBytes(chunk: Buffer, at: number, to: number): number {
    const end = Math.min(to, at + this.pending)
    if (this.step === 'text') this.pieces.push(chunk.subarray(at, end))
    this.pending -= end - at
    this.consume(end - at)
    if (this.pending > 0) return end
    if (this.step === 'text') this.finishText()
    this.step = 'tag'
    this.closeLevels()
    return end
  }

  private finishText(): void {
    const { pieces, field } = this
    const bytes = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
    this.pieces = []
    this.step = 'tag'
    if (bytes === undefined || field === undefined || !isUtf8(bytes)) this.isBroken = true
    else this.add(field.path, bytes.toString('utf8'))
  }

  private add(path: string, value: string | bigint): void {
    const texts = this.found.get(path) ?? new Set<string>()
    texts.add(`${value}`)
    this.found.set(path, texts)
    if (texts.size > VALUES_MAX) this.isBroken = true
  }

  private consume(bytes: number): void {
    this.level.left -= bytes
  }

  /** Leaves the messages that are complete. */
  private closeLevels(): void {
    while (this.levels.length > 1 && this.level.left === 0) {
      if (this.step !== 'tag' || this.varintBytes > 0) {
        this.isBroken = true
        return
      }
      const { field, hasNumber } = this.level
      if (field?.kind === 'int-message' && !hasNumber) this.add(field.path, 0n)
      this.levels.pop()
    }
  }

  private fail(at: number): number {
    this.isBroken = true
    return at
  }
}

function fits(field: ProtoField, wire: number): boolean {
  if (field.below !== undefined || field.kind === 'text') return wire === LENGTH
  return field.kind === undefined || wire === VARINT
}
