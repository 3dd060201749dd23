/**
 * Reads the few form fields of a `multipart/form-data` body (RFC 7578) that decide a request. Every
 * leniency that multipart readers differ in is refused: preambles, epilogues, folded headers,
 * encoded or extended names, a boundary that occurs anywhere but at the start of a line.
 */
import { isUtf8 } from 'node:buffer'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { parseMediaType, parseParameter } from './media-type.ts'
import { foldFieldName } from '../names.ts'

const BOUNDARY_CHARACTERS_MAX = 70
const PARTS_MAX = 64
const PART_HEAD_BYTES_MAX = 4096
const PART_HEADERS_MAX = 8
const VALUE_BYTES_MAX = 4096
const BOUNDARY_CHARACTERS =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'()+_,-./:=?"
const CRLF = Buffer.from('\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * The values of the wanted fields, by exact name. `body_encoding` when the content type is not
 * `multipart/form-data` with one good boundary; `body_unparsable` when the body is not exactly a
 * sequence of 1 to 64 well-formed parts; `model_conflict` when a wanted field is repeated, also
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
  const boundary = boundaryOf(contentType)
  if (boundary === undefined) return refuse('body_encoding')
  const parts = splitParts(body, Buffer.from(`--${boundary}`))
  if (parts === undefined) return refuse('body_unparsable')
  const found = new Map<string, string>()
  for (const part of parts) {
    const head = readHead(part)
    if (head === undefined) return refuse('body_unparsable')
    const name = wanted.get(foldFieldName(head.name))
    if (name === undefined) continue
    if (name !== head.name || head.isFile || found.has(name)) return refuse('model_conflict')
    const value = part.subarray(head.end)
    if (value.length > VALUE_BYTES_MAX || !isUtf8(value)) return refuse('body_unparsable')
    found.set(name, value.toString('utf8'))
  }
  return found
}

function boundaryOf(contentType: string | undefined): string | undefined {
  const media = contentType === undefined ? undefined : parseMediaType(contentType)
  if (media?.essence !== 'multipart/form-data' || media.parameters.size !== 1) return undefined
  const boundary = media.parameters.get('boundary') ?? ''
  if (boundary.length === 0 || boundary.length > BOUNDARY_CHARACTERS_MAX) return undefined
  for (const character of boundary) {
    if (!BOUNDARY_CHARACTERS.includes(character)) return undefined
  }
  return boundary
}

/** The parts between delimiters, or `undefined` when the body is anything but such a sequence. */
function splitParts(body: Buffer, dashBoundary: Buffer): Buffer[] | undefined {
  const parts: Buffer[] = []
  if (body.indexOf(dashBoundary) !== 0) return undefined
  let start = dashBoundary.length
  while (isCrlf(body, start)) {
    if (parts.length === PARTS_MAX) return undefined
    const next = body.indexOf(dashBoundary, start)
    // A boundary inside a line is content to strict readers and a delimiter to lenient ones.
    if (next < start + 4 || !isCrlf(body, next - 2)) return undefined
    parts.push(body.subarray(start + 2, next - 2))
    start = next + dashBoundary.length
  }
  const tail = body.toString('latin1', start, Math.min(body.length, start + 5))
  return parts.length > 0 && (tail === '--' || tail === '--\r\n') ? parts : undefined
}

function isCrlf(body: Buffer, at: number): boolean {
  return body[at] === CRLF[0] && body[at + 1] === CRLF[1]
}

interface PartHead {
  readonly name: string
  readonly isFile: boolean
  /** Where the content starts. */
  readonly end: number
}

function readHead(part: Buffer): PartHead | undefined {
  const end = part.subarray(0, PART_HEAD_BYTES_MAX).indexOf(HEAD_END)
  const head = part.subarray(0, Math.max(end, 0))
  if (end === -1 || !isUtf8(head)) return undefined
  const lines = head.toString('utf8').split('\r\n')
  if (lines.length > PART_HEADERS_MAX) return undefined
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase()
    // A leading space would be a folded line; a space before the colon is read two ways.
    if (name === '' || name.includes(' ') || name.includes('\t') || headers.has(name)) {
      return undefined
    }
    headers.set(name, line.slice(colon + 1).trim())
  }
  if (headers.has('content-transfer-encoding')) return undefined
  const disposition = readDisposition(headers.get('content-disposition') ?? '')
  return disposition && { ...disposition, end: end + HEAD_END.length }
}

function readDisposition(text: string): Omit<PartHead, 'end'> | undefined {
  const [type = '', ...rest] = text.split(';')
  if (type.trim().toLowerCase() !== 'form-data' || hasControl(text)) return undefined
  const parameters = new Map<string, string>()
  for (const part of rest) {
    const parameter = parseParameter(part.trim())
    // `name*` and `filename*` (RFC 5987) are decoded by some readers only.
    if (parameter === undefined || parameter.name.endsWith('*')) return undefined
    if (parameters.has(parameter.name)) return undefined
    parameters.set(parameter.name, parameter.value)
  }
  const name = parameters.get('name')
  if (name === undefined || name === '' || name.includes('%')) return undefined
  return { name, isFile: parameters.has('filename') }
}

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) < 0x20) return true
  }
  return false
}
