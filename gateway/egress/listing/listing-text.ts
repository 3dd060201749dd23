import { ByteCollector } from '../../domain/byte-collector.ts'
import type { ListingShape } from '../../domain/watch.ts'
import { isSpace, JsonSteps } from './json-steps.ts'
import { ListingPlaces } from './listing-places.ts'

/** Longest element, and longest text before the array is found, bytes. */
export const ELEMENT_BYTES_MAX = 1024 * 1024

/** Most elements of one answer: each is decided on. */
export const ELEMENTS_MAX = 10_000

/** Whether an element that was read may leave. Asked once for each, in order. */
export type IsVisible = (shape: ListingShape, element: unknown) => boolean

const COMMA = 0x2c
const CLOSE_ARRAY = 0x5d

/**
 * Takes elements out of the arrays of one JSON text as it passes. Everything else stays byte for
 * byte, so that a text of which nothing is taken is the same text. Nothing leaves before an array has
 * been found, and an element not before it has been judged. `undefined` from either method: the text
 * cannot be read, or is not what the shapes say, and nothing more of it may pass.
 */
export class ListingText {
  private readonly places: ListingPlaces
  private readonly json: JsonSteps
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true })
  private readonly isVisible: IsVisible
  /** Everything, until an array has been found. */
  private held: ByteCollector | undefined = new ByteCollector()
  private region: 'outside' | 'between' | 'element' = 'outside'
  private shape: ListingShape | undefined
  private listDepth = 0
  /** White space before an element, and the element. */
  private lead = new ByteCollector()
  private readonly element = new ByteCollector()
  /** Whether the white space being read follows an element, and that element was kept. */
  private trail: 'none' | 'kept' | 'dropped' = 'none'
  private kept = 0
  private elements = 0
  /** Where in the piece at hand begins what has not been dealt with. */
  private from = 0
  private out: Buffer[] = []

  constructor(shapes: readonly ListingShape[], isVisible: IsVisible) {
    this.places = new ListingPlaces(shapes)
    this.json = new JsonSteps(this.places)
    this.isVisible = isVisible
  }

  /** What may leave of the text so far. */
  push(bytes: Buffer): Buffer | undefined {
    if (!this.isText(bytes)) return undefined
    this.from = 0
    for (let at = 0; at < bytes.length; at++) {
      if (!this.step(bytes, at)) return undefined
    }
    return this.cut(bytes, bytes.length) ? this.takeOut() : undefined
  }

  /** What may leave at the end. */
  end(): Buffer | undefined {
    const end = this.json.end()
    if (end === false || !this.isText(undefined)) return undefined
    // The object of an empty page, or of an error; anything more may be a list that is not known.
    if (end === 'whole' && this.places.count === 0 && !this.places.isPlain) return undefined
    return this.held?.take() ?? Buffer.alloc(0)
  }

  private isText(bytes: Buffer | undefined): boolean {
    try {
      this.utf8.decode(bytes, { stream: bytes !== undefined })
      return true
    } catch {
      return false
    }
  }

  /** One byte: what it ends, what it begins, and what it is part of. */
  private step(bytes: Buffer, at: number): boolean {
    const byte = bytes[at] ?? 0
    if (this.endsAtom(byte) && !this.endElement(bytes, at)) return false
    if (this.beginsElement(byte) && !this.beginElement(bytes, at)) return false
    if (!this.json.step(byte)) return false
    if (this.region === 'between') return this.inList(bytes, at)
    if (this.region === 'outside') {
      return this.places.entered === undefined || this.enterList(bytes, at + 1)
    }
    const isWhole = this.json.isAfterValue && this.json.depth === this.listDepth
    return !isWhole || this.endElement(bytes, at + 1)
  }

  private beginsElement(byte: number): boolean {
    return this.region === 'between' && !isSpace(byte) && byte !== COMMA && byte !== CLOSE_ARRAY
  }

  private beginElement(bytes: Buffer, at: number): boolean {
    if (!this.cut(bytes, at)) return false
    this.region = 'element'
    this.places.isAmbiguous = false
    return true
  }

  /** A number or a word ends where something else begins. */
  private endsAtom(byte: number): boolean {
    if (this.region !== 'element' || !this.json.isInAtom) return false
    if (this.json.depth !== this.listDepth) return false
    return isSpace(byte) || byte === COMMA || byte === CLOSE_ARRAY
  }

  private enterList(bytes: Buffer, at: number): boolean {
    if (!this.cut(bytes, at)) return false
    this.shape = this.places.entered
    this.places.entered = undefined
    this.listDepth = this.json.depth
    this.region = 'between'
    this.trail = 'none'
    this.kept = 0
    this.release()
    return true
  }

  private inList(bytes: Buffer, at: number): boolean {
    const byte = bytes[at]
    if (byte !== COMMA && byte !== CLOSE_ARRAY) return true
    if (!this.cut(bytes, at)) return false
    if (byte === COMMA) this.from = at + 1
    else {
      // White space in an array without elements.
      this.emit(this.lead.take())
      this.region = 'outside'
    }
    this.trail = 'none'
    return true
  }

  private endElement(bytes: Buffer, at: number): boolean {
    if (!this.cut(bytes, at)) return false
    this.region = 'between'
    this.elements += 1
    if (this.elements > ELEMENTS_MAX) return false
    const element = this.element.take()
    const lead = this.lead.take()
    const verdict = this.judge(element)
    if (verdict === undefined) return false
    this.trail = verdict ? 'kept' : 'dropped'
    if (!verdict) return true
    if (this.kept > 0) this.emit(Buffer.of(COMMA))
    this.kept += 1
    this.emit(lead)
    this.emit(element)
    return true
  }

  private judge(element: Buffer): boolean | undefined {
    const { shape } = this
    if (shape === undefined) return undefined
    try {
      const value: unknown = JSON.parse(element.toString())
      return this.isVisible(shape, this.places.isAmbiguous ? undefined : value)
    } catch {
      return undefined
    }
  }

  /** Puts what has been read up to `at` where it belongs. */
  private cut(bytes: Buffer, at: number): boolean {
    const piece = bytes.subarray(this.from, at)
    this.from = at
    if (this.region === 'outside' || (this.region === 'between' && this.trail === 'kept')) {
      this.emit(piece)
    } else if (this.region === 'element') this.element.add(piece)
    else if (this.trail === 'none') this.lead.add(piece)
    const kept = this.element.length + this.lead.length + (this.held?.length ?? 0)
    return kept <= ELEMENT_BYTES_MAX
  }

  private emit(piece: Buffer): void {
    if (piece.length === 0) return
    if (this.held === undefined) this.out.push(piece)
    else this.held.add(piece)
  }

  private release(): void {
    const { held } = this
    this.held = undefined
    if (held !== undefined) this.emit(held.take())
  }

  private takeOut(): Buffer {
    const { out } = this
    this.out = []
    return Buffer.concat(out)
  }
}
