/**
 * Reads the few fields of an `application/x-www-form-urlencoded` body (WHATWG URL §5.1) that decide
 * a request, and refuses what readers take differently: `;` as a separator, names that are not
 * UTF-8, control characters, names that are long or that hold a NUL.
 */
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { foldFieldName } from '../names.ts'
import { NO_VALUES, tooFarBack, type BodyScanner } from './body-scanner.ts'
import { parseMediaType } from './media-type.ts'
import { Utf8Check } from './utf8-check.ts'

const PAIRS_MAX = 1024
/** As written: a byte takes up to three. */
const NAME_BYTES_MAX = 3 * 512
const VALUE_BYTES_MAX = 3 * 4096

const BAD = refuse('body_unparsable')
const AMPERSAND = 0x26
const EQUALS = 0x3d
const PERCENT = 0x25
const SEMICOLON = 0x3b

/** Whether the content type says so, in UTF-8. */
export function isUrlencoded(contentType: string | undefined): boolean {
  const media = contentType === undefined ? undefined : parseMediaType(contentType)
  if (media?.essence !== 'application/x-www-form-urlencoded') return false
  const charset = media.parameters.get('charset') ?? 'utf-8'
  return charset.toLowerCase() === 'utf-8'
}

/** Reads such a form in pieces. `model_conflict`: a wanted field is repeated, or spelt otherwise. */
export class UrlencodedScanner implements BodyScanner {
  readonly body = NO_VALUES
  readonly form = new Map<string, string>()
  private pairs = 0
  private isLate = false
  private inValue = false
  /** Hexadecimal digits to come. */
  private digits = 0
  private name: string | undefined
  /** What is being kept: a name, or the value of a wanted field. */
  private kept: Buffer[] = []
  private keptBytes = 0
  private readonly utf8 = new Utf8Check()
  private readonly wanted: ReadonlyMap<string, string>

  /** @param wanted exact names by folded name */
  constructor(wanted: ReadonlyMap<string, string>) {
    this.wanted = wanted
  }

  push(chunk: Buffer): Refusal | undefined {
    if (!this.utf8.push(chunk)) return BAD
    let from = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (!this.isGood(byte)) return BAD
      const isName = byte === EQUALS && !this.inValue
      if (!isName && byte !== AMPERSAND) continue
      const refusal =
        this.keep(chunk.subarray(from, at)) ?? (isName ? this.endName() : this.endPair())
      if (refusal !== undefined) return refusal
      from = at + 1
    }
    return this.keep(chunk.subarray(from))
  }

  end(): Refusal | undefined {
    return this.utf8.end() ? this.endPair() : BAD
  }

  suspend(): boolean {
    this.isLate = true
    return true
  }

  isOpen(name: string): boolean {
    return !this.form.has(name)
  }

  /** No control characters, no `;`, and two hexadecimal digits behind every `%`. */
  private isGood(byte: number): boolean {
    if (this.digits > 0) {
      this.digits--
      const lower = byte | 0x20
      return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66)
    }
    if (byte === PERCENT) this.digits = 2
    return byte >= 0x20 && byte !== 0x7f && byte !== SEMICOLON
  }

  private keep(piece: Buffer): Refusal | undefined {
    if (piece.length === 0 || (this.inValue && this.name === undefined)) return undefined
    this.keptBytes += piece.length
    if (this.keptBytes > (this.inValue ? VALUE_BYTES_MAX : NAME_BYTES_MAX)) return BAD
    this.kept.push(Buffer.from(piece))
    return undefined
  }

  private taken(): string | undefined {
    const text = Buffer.concat(this.kept).toString('utf8').replaceAll('+', ' ')
    this.kept = []
    this.keptBytes = 0
    try {
      return decodeURIComponent(text)
    } catch {
      return undefined
    }
  }

  private endName(): Refusal | undefined {
    this.inValue = true
    const name = this.taken()
    // `_charset_` (HTML §4.10.21.8) would change how the other fields are read.
    if (name === undefined || name.includes('\0') || name === '_charset_') return BAD
    if (++this.pairs > PAIRS_MAX) return BAD
    const wanted = this.wanted.get(foldFieldName(name))
    if (wanted === undefined) return undefined
    if (wanted !== name || this.form.has(name)) return refuse('model_conflict')
    if (this.isLate) return tooFarBack(name)
    this.name = name
    return undefined
  }

  private endPair(): Refusal | undefined {
    if (this.digits > 0) return BAD
    // `a=1&&b=2`: there is nothing between them to any reader.
    if (!this.inValue && this.keptBytes === 0) return undefined
    const refusal = this.inValue ? undefined : this.endName()
    this.inValue = false
    const { name } = this
    this.name = undefined
    if (refusal !== undefined || name === undefined) return refusal
    const value = this.taken()
    if (value === undefined) return BAD
    if (this.isLate) return tooFarBack(name)
    this.form.set(name, value)
    return undefined
  }
}
