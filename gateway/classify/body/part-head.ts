/** The head of one part of a form (RFC 7578 §4), read so that no two readers differ on its name. */
import { isUtf8 } from 'node:buffer'
import { parseMediaType, parseParameter } from './media-type.ts'

const PART_HEADERS_MAX = 8

/** What the head says. */
export interface PartHead {
  readonly name: string
  readonly isFile: boolean
  /** Whether the content is plain text in UTF-8 to every reader. */
  readonly isText: boolean
}

/**
 * The head without the empty line that ends it; `undefined` unless it has one `form-data`
 * disposition with one plain name, at most 8 headers, none of them folded or twice, no parts
 * within, and no transfer encoding but those that leave the content as it is.
 */
export function readPartHead(head: Buffer): PartHead | undefined {
  if (!isUtf8(head)) return undefined
  const text = head.toString('utf8')
  const name = PLAIN_HEAD.exec(text)?.[1]
  if (name === undefined || name === CHARSET) return readAnyHead(text)
  return { name, isFile: false, isText: true }
}

/** As most clients write the head of a plain field: nothing in it can be read in two ways. */
const PLAIN_HEAD = /^content-disposition: form-data; name="([A-Za-z0-9_.[\]-]+)"$/i

/** As {@link readPartHead}, of a head that need not be as most are. */
export function readAnyHead(text: string): PartHead | undefined {
  const headers = readHeaders(text.split('\r\n'))
  const encoding = headers?.get('content-transfer-encoding')?.toLowerCase() ?? 'binary'
  if (headers === undefined || !PLAIN_ENCODINGS.has(encoding)) return undefined
  const type = headers.get('content-type')
  if (type?.toLowerCase().startsWith('multipart') === true) return undefined
  const disposition = readDisposition(headers.get('content-disposition') ?? '')
  return disposition && { ...disposition, isText: type === undefined || isPlainText(type) }
}

/** Java's clients send one of these with every part. */
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary'])
const UTF8_CHARSETS: ReadonlySet<string> = new Set(['utf-8', 'us-ascii'])

function readHeaders(lines: readonly string[]): Map<string, string> | undefined {
  if (lines.length > PART_HEADERS_MAX) return undefined
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase()
    // A leading space would be a folded line; a space before the colon is read two ways.
    if (!isToken(name) || headers.has(name) || hasControl(line)) return undefined
    headers.set(name, line.slice(colon + 1).trim())
  }
  return headers
}

function isPlainText(type: string): boolean {
  const media = parseMediaType(type)
  if (media?.essence !== 'text/plain') return false
  const charset = media.parameters.get('charset')?.toLowerCase() ?? 'utf-8'
  return UTF8_CHARSETS.has(charset) && media.parameters.size <= 1
}

function readDisposition(text: string): Omit<PartHead, 'isText'> | undefined {
  // Also within quotes: some readers (cpp-httplib) split there as well.
  const [type = '', ...rest] = text.split(';')
  if (type.trim().toLowerCase() !== 'form-data') return undefined
  const parameters = new Map<string, string>()
  for (const part of rest) {
    const parameter = readParameter(part.trim())
    if (parameter === undefined || parameters.has(parameter.name)) return undefined
    parameters.set(parameter.name, parameter.value)
  }
  const name = parameters.get('name')
  if (name === undefined || !isPlainName(name)) return undefined
  return { name, isFile: parameters.has('filename') || parameters.has('filename*') }
}

/**
 * `name*` (RFC 5987) is decoded by some readers only. `filename*`, which .NET sends with every
 * file, says nothing of the name.
 */
function readParameter(text: string): { name: string; value: string } | undefined {
  const parameter = parseParameter(text)
  if (parameter === undefined) return undefined
  if (parameter.name === 'filename*') return isExtended(parameter.value) ? parameter : undefined
  return parameter.name.endsWith('*') ? undefined : parameter
}

/** It would change how the other fields are read (HTML §4.10.21.8). */
const CHARSET = '_charset_'

function isPlainName(name: string): boolean {
  if (name === '' || name === CHARSET || name.includes('%')) return false
  return name.trim() === name
}

const TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"

function isToken(name: string): boolean {
  for (const character of name) if (!TOKEN.includes(character)) return false
  return name !== ''
}

function isExtended(value: string): boolean {
  return isToken(value.toLowerCase()) && value.split("'").length === 3
}

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}
