/** What the head of an answer says of its body, and what it may still say once that was edited. */
import type { ResponseHead } from '../domain/ports.ts'
import { mediaType } from './guard/answer-types.ts'

/** What speaks of bytes that are not those that leave. */
const BODY_FIELDS: ReadonlySet<string> = new Set([
  'accept-ranges',
  'content-digest',
  'content-length',
  'content-md5',
  'digest',
  'etag',
  'repr-digest',
])

/** The fields without those that speak of the body's bytes, and without `more`. */
export function withoutBodyFields(
  headers: readonly string[],
  more: ReadonlySet<string> = new Set(),
): string[] {
  const isKept = (name: string): boolean => !BODY_FIELDS.has(name) && !more.has(name)
  return headers.filter((_, i) => isKept(headers[i - (i % 2)] ?? ''))
}

/** The one value of a field; two of them are none that could be relied on. */
export function valueOf(headers: readonly string[], name: string): string | undefined {
  const values = headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name)
  return values.length > 1 ? 'repeated' : values[0]
}

/** The media type of a text that can be read as it is: not coded, in UTF-8. */
export function readableType(headers: readonly string[]): string | undefined {
  const coding = valueOf(headers, 'content-encoding') ?? 'identity'
  if (coding.toLowerCase() !== 'identity') return undefined
  const declared = (valueOf(headers, 'content-type') ?? '').toLowerCase()
  const charsets = [...declared.matchAll(/;\s*charset\s*=\s*"?([^";\s]*)/g)]
  const isUtf8 = charsets.every(([, charset]) => charset === 'utf-8' || charset === 'utf8')
  return isUtf8 ? mediaType(declared) : undefined
}

/** Whether a media type is that of one JSON text; AWS has names of its own for it. */
export function isJsonType(type: string): boolean {
  if (type === 'application/json' || type.endsWith('+json')) return true
  return type === 'application/x-amz-json-1.1' || type === 'application/x-amz-json-1.0'
}

/** Whether a body comes with this head; `bodyless`: the request was HEAD. */
export function hasBody({ status, headers }: ResponseHead, bodyless: boolean): boolean {
  if (bodyless || status === 204 || status === 304) return false
  return valueOf(headers, 'content-length') !== '0'
}
