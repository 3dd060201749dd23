/**
 * Reads the few form fields of a `multipart/form-data` body (RFC 7578) that decide a request. Every
 * leniency that multipart readers differ in is refused: preambles, epilogues, folded headers,
 * encoded or extended names, a boundary that occurs anywhere but at the start of a line.
 */
import { isUtf8 } from 'node:buffer'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import { foldFieldName } from '../names.ts'
import { NO_VALUES, tooFarBack, type BodyScanner } from './body-scanner.ts'
import { parseMediaType } from './media-type.ts'
import { readPartHead } from './part-head.ts'

/** RFC 2046 §5.1.1, without the space. */
const BOUNDARY = /^[A-Za-z0-9'()+_,./:=?-]{1,70}$/
const PARTS_MAX = 256
const PART_HEAD_BYTES_MAX = 4096
const VALUE_BYTES_MAX = 4096
const CR = 0x0d
const LF = 0x0a
const HEAD_END = Buffer.from('\r\n\r\n')
const NOTHING: Buffer = Buffer.alloc(0)

/**
 * The values of the wanted fields, by exact name. `body_encoding` when the content type is not
 * `multipart/form-data` with one good boundary; `body_unparsable` when the body is not exactly a
 * sequence of 1 to 256 well-formed parts; `model_conflict` when a wanted field is repeated, also
 * in another spelling, or is a file.
 *
 * @param body the whole body; untrusted
 * @param wanted exact names by folded name
 */
export function readFormFields(
  body: Buffer,
  contentType: string | undefined,
  wanted: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> | Refusal {
  const scanner = multipartScanner(contentType, wanted)
  if (isRefusal(scanner)) return scanner
  return scanner.push(body) ?? scanner.end() ?? scanner.form
}

/** As {@link readFormFields}, of a body that comes in pieces. */
export function multipartScanner(
  contentType: string | undefined,
  wanted: ReadonlyMap<string, string>,
): MultipartScanner | Refusal {
  const boundary = boundaryOf(contentType)
  return boundary === undefined
    ? refuse('body_encoding')
    : new MultipartScanner(Buffer.from(`--${boundary}`), wanted)
}

function boundaryOf(contentType: string | undefined): string | undefined {
  const media = contentType === undefined ? undefined : parseMediaType(contentType)
  if (media?.essence !== 'multipart/form-data') return undefined
  for (const [name, value] of media.parameters) {
    const isKnown = name === 'boundary' || (name === 'charset' && value.toLowerCase() === 'utf-8')
    if (!isKnown) return undefined
  }
  const boundary = media.parameters.get('boundary') ?? ''
  return BOUNDARY.test(boundary) ? boundary : undefined
}

type State = 'start' | 'delimiter' | 'head' | 'content' | 'tail'

const BAD = refuse('body_unparsable')

class MultipartScanner implements BodyScanner {
  readonly body = NO_VALUES
  readonly form = new Map<string, string>()
  private state: State = 'start'
  private bytes = NOTHING
  private at = 0
  private parts = 0
  private isLate = false
  /** The wanted field that is being read, and its value so far. */
  private field: string | undefined
  private value: Buffer[] = []
  private valueBytes = 0
  private readonly dashBoundary: Buffer
  private readonly wanted: ReadonlyMap<string, string>

  constructor(dashBoundary: Buffer, wanted: ReadonlyMap<string, string>) {
    this.dashBoundary = dashBoundary
    this.wanted = wanted
  }

  push(chunk: Buffer): Refusal | undefined {
    const refusal = this.join(chunk)
    if (refusal !== undefined) return refusal
    let goesOn: Refusal | boolean = true
    while (goesOn === true) goesOn = this.step()
    const { bytes, at } = this
    this.bytes = at === bytes.length ? NOTHING : Buffer.from(bytes.subarray(at))
    return goesOn === false ? undefined : goesOn
  }

  end(): Refusal | undefined {
    const tail = this.bytes.toString('latin1')
    const isWhole = this.state === 'tail' && (tail === '' || tail === '\r\n')
    return isWhole ? undefined : BAD
  }

  suspend(): boolean {
    this.isLate = true
    return true
  }

  isOpen(name: string): boolean {
    return !this.form.has(name)
  }

  /** What is left of the piece before is short; a long piece is not copied for its sake. */
  private join(chunk: Buffer): Refusal | undefined {
    const { bytes, dashBoundary } = this
    this.at = 0
    this.bytes = chunk
    if (bytes.length === 0) return undefined
    const seam = Buffer.concat([bytes, chunk.subarray(0, dashBoundary.length + 1)])
    // No boundary begins in what is left, nor so early in the piece that its line end is there.
    if (this.state === 'content' && !seam.includes(dashBoundary)) {
      if (chunk.length > dashBoundary.length) return this.take(bytes)
    }
    this.bytes = Buffer.concat([bytes, chunk])
    return undefined
  }

  /** True: there is more to do. False: what is here has been looked at. */
  private step(): Refusal | boolean {
    switch (this.state) {
      case 'start':
        return this.atStart()
      case 'delimiter':
        return this.afterBoundary()
      case 'head':
        return this.inHead()
      case 'content':
        return this.inContent()
      case 'tail':
        return this.bytes.length - this.at > 2 ? BAD : false
    }
  }

  private atStart(): Refusal | boolean {
    const { bytes, dashBoundary } = this
    const size = Math.min(bytes.length, dashBoundary.length)
    if (dashBoundary.compare(bytes, 0, size, 0, size) !== 0) return BAD
    if (size < dashBoundary.length) return false
    this.at = size
    this.state = 'delimiter'
    return true
  }

  private afterBoundary(): Refusal | boolean {
    const { bytes, at } = this
    if (bytes.length - at < 2) return false
    this.at = at + 2
    const [first, second] = [bytes[at], bytes[at + 1]]
    if (first === 0x2d && second === 0x2d && this.parts > 0) this.state = 'tail'
    else if (first === CR && second === LF && this.parts < PARTS_MAX) this.state = 'head'
    else return BAD
    this.parts++
    return true
  }

  private inHead(): Refusal | boolean {
    const { bytes, at } = this
    const end = bytes.subarray(at, at + PART_HEAD_BYTES_MAX).indexOf(HEAD_END)
    if (end === -1) return bytes.length - at >= PART_HEAD_BYTES_MAX ? BAD : false
    this.at = at + end + HEAD_END.length
    this.state = 'content'
    return this.begin(bytes.subarray(at, at + end)) ?? true
  }

  private begin(bytes: Buffer): Refusal | undefined {
    const head = bytes.includes(this.dashBoundary) ? undefined : readPartHead(bytes)
    if (head === undefined) return BAD
    const name = this.wanted.get(foldFieldName(head.name))
    if (name === undefined) return undefined
    if (name !== head.name || head.isFile || this.form.has(name)) return refuse('model_conflict')
    if (!head.isText) return BAD
    if (this.isLate) return tooFarBack(name)
    this.field = name
    return undefined
  }

  private inContent(): Refusal | boolean {
    const { bytes, at, dashBoundary } = this
    const next = bytes.indexOf(dashBoundary, at)
    if (next === -1) {
      // The line end and all but the last byte of a boundary may be here already.
      const from = Math.max(at, bytes.length - dashBoundary.length - 1)
      this.at = from
      return this.take(bytes.subarray(at, from)) ?? false
    }
    // A boundary inside a line is content to strict readers and a delimiter to lenient ones.
    if (next < at + 2 || bytes[next - 2] !== CR || bytes[next - 1] !== LF) return BAD
    this.at = next + dashBoundary.length
    this.state = 'delimiter'
    return this.take(bytes.subarray(at, next - 2)) ?? this.finish() ?? true
  }

  private take(piece: Buffer): Refusal | undefined {
    if (this.field === undefined || piece.length === 0) return undefined
    this.valueBytes += piece.length
    if (this.valueBytes > VALUE_BYTES_MAX) return BAD
    this.value.push(Buffer.from(piece))
    return undefined
  }

  private finish(): Refusal | undefined {
    const { field } = this
    if (field === undefined) return undefined
    const value = Buffer.concat(this.value)
    this.field = undefined
    this.value = []
    this.valueBytes = 0
    if (!isUtf8(value)) return BAD
    if (this.isLate) return tooFarBack(field)
    this.form.set(field, value.toString('utf8'))
    return undefined
  }
}
