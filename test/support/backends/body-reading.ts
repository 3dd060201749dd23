/** What a backend makes of a request body. */
import { gunzipSync, inflateSync } from 'node:zlib'
import type { Dialect } from './dialects.ts'
import { headerValues, type RequestParts } from './request-text.ts'

/** The fields of a body: every value found at a path, whichever of them counts. */
export interface ReadBody {
  /** By dotted path, with `[]` behind arrays. */
  readonly fields: (path: string) => readonly unknown[]
  readonly form: (name: string) => readonly string[]
}

const NOTHING: ReadBody = { fields: () => [], form: () => [] }

/** The reading; nothing when it cannot be read, since the backend then does nothing with it. */
export function readBody(parts: RequestParts, dialect: Dialect): ReadBody {
  const bytes = inflated(parts, dialect)
  if (bytes === undefined || bytes.length === 0) return NOTHING
  const type = (headerValues(parts, 'content-type')[0] ?? '').toLowerCase()
  if (type.startsWith('multipart/')) {
    const form = readMultipart(bytes.toString('latin1'), type)
    return { fields: () => [], form: (name) => form.get(name) ?? [] }
  }
  if (type.startsWith('application/x-www-form-urlencoded')) {
    const form = new URLSearchParams(bytes.toString('utf8'))
    return { fields: () => [], form: (name) => form.getAll(name) }
  }
  const roots = readJson(bytes, dialect)
  return {
    fields: (path) => roots.flatMap((root) => valuesAt(root, path, dialect)),
    form: () => [],
  }
}

function inflated(parts: RequestParts, dialect: Dialect): Buffer | undefined {
  const coding = (headerValues(parts, 'content-encoding')[0] ?? 'identity').toLowerCase()
  if (dialect.inflates !== true) return parts.body
  try {
    if (coding.includes('gzip')) return gunzipSync(parts.body)
    return coding.includes('deflate') ? inflateSync(parts.body) : parts.body
  } catch {
    return undefined
  }
}

/** A JSON value with every member of every object, repeated ones too. */
type Json = { readonly members: readonly (readonly [string, Json])[] } | readonly Json[] | Scalar
type Scalar = string | number | boolean | null

/** One value, or one per line; with Python's reading of other encodings where it has one. */
function readJson(bytes: Buffer, dialect: Dialect): readonly Json[] {
  const texts = [bytes.toString('utf8').replace(/^\ufeff/, '')]
  if (dialect.takesUtf16 === true && bytes.includes(0)) texts.push(bytes.toString('utf16le'))
  for (const text of texts) {
    const whole = parseLenient(text)
    if (whole === undefined) continue
    // MLflow decodes a string that holds JSON once more.
    const again = typeof whole === 'string' ? parseLenient(whole) : undefined
    return again === undefined ? [whole] : [whole, again]
  }
  const lines = (texts[0] ?? '').split(/\r?\n/).filter((line) => line.trim() !== '')
  const values = lines.map((line) => parseLenient(line))
  return values.every((value) => value !== undefined) ? values : []
}

/** `JSON.parse`, keeping every member, and with the words that Python takes for numbers. */
function parseLenient(text: string): Json | undefined {
  const reader = { text, at: 0 }
  try {
    const value = readValue(reader, 0)
    return /^\s*$/.test(text.slice(reader.at)) ? value : undefined
  } catch {
    return undefined
  }
}

interface Reader {
  readonly text: string
  at: number
}

function token(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at
  const match = pattern.exec(reader.text)?.[0]
  if (match !== undefined) reader.at += match.length
  return match
}

function readValue(reader: Reader, depth: number): Json {
  if (depth > 200) throw new Error('too deep')
  token(reader, /\s*/y)
  if (token(reader, /\{/y) !== undefined) return readMembers(reader, depth)
  if (token(reader, /\[/y) !== undefined) return readElements(reader, depth)
  const string = token(reader, /"(?:[^"\\]|\\[^])*"/y)
  if (string !== undefined) return JSON.parse(string.replace(/[\n\r\t]/g, ' ')) as string
  const word = token(reader, /-?(?:NaN|Infinity|true|false|null|\d[\d.eE+-]*)/y)
  if (word === undefined) throw new Error('no value')
  if (word === 'null') return null
  return word === 'true' || word === 'false' ? word === 'true' : Number(word)
}

function readMembers(reader: Reader, depth: number): Json {
  const members: [string, Json][] = []
  for (;;) {
    token(reader, /[\s,]*/y)
    if (token(reader, /\}/y) !== undefined) return { members }
    const name = readValue(reader, depth + 1)
    if (typeof name !== 'string' || token(reader, /\s*:/y) === undefined) throw new Error('member')
    members.push([name, readValue(reader, depth + 1)])
  }
}

function readElements(reader: Reader, depth: number): Json {
  const elements: Json[] = []
  for (;;) {
    token(reader, /[\s,]*/y)
    if (token(reader, /\]/y) !== undefined) return elements
    elements.push(readValue(reader, depth + 1))
  }
}

function valuesAt(root: Json, path: string, dialect: Dialect): readonly unknown[] {
  let values: readonly Json[] = [root]
  for (const step of path.split('.')) {
    const name = step.replace(/\[\]$/, '')
    if (name !== '') values = values.flatMap((value) => memberOf(value, name, dialect))
    if (step.endsWith('[]')) {
      values = values.flatMap((value) => (Array.isArray(value) ? (value as readonly Json[]) : []))
    }
  }
  return values
}

function memberOf(value: Json, name: string, dialect: Dialect): readonly Json[] {
  if (typeof value !== 'object' || value === null || !('members' in value)) return []
  const found = value.members
    .filter(([one]) => sameMember(one, name, dialect))
    .map(([, one]) => one)
  const counting = dialect.member === 'first' ? found[0] : found.at(-1)
  return counting === undefined || counting === null ? [] : [counting]
}

function sameMember(one: string, name: string, dialect: Dialect): boolean {
  if (one === name) return true
  if (dialect.membersIgnoreCase === true) return one.toLowerCase() === name.toLowerCase()
  if (dialect.membersFold !== true) return false
  return camel(one) === camel(name)
}

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** Every part of that name, as a reader that only looks for the boundary finds them. */
function readMultipart(text: string, type: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const boundary = /boundary="?([^";]+)/.exec(type)?.[1]
  if (boundary === undefined) return found
  for (const part of splitAt(text, boundary)) {
    const end = part.indexOf('\r\n\r\n')
    const name = /name\*?="?([^";\r\n]*)/i.exec(part.slice(0, end))?.[1]
    if (name === undefined || end === -1) continue
    found.set(name, [...(found.get(name) ?? []), part.slice(end + 4).replace(/\r\n$/, '')])
  }
  return found
}

function splitAt(text: string, boundary: string): readonly string[] {
  const lower = text.toLowerCase()
  const pieces: string[] = []
  let from = lower.indexOf(`--${boundary}`)
  while (from !== -1) {
    const next = lower.indexOf(`--${boundary}`, from + 1)
    pieces.push(text.slice(from, next === -1 ? undefined : next))
    from = next
  }
  return pieces
}
