import type { ResponseHead } from '../../domain/ports.ts'
import type { AnswerTypes } from './answer-types.ts'
import { readContentType } from './content-type.ts'
import { isSigned, pointsToStorage } from '../links/storage-links.ts'
import { namesWeights } from './weight-names.ts'

/** Fields that can carry a URL whatever the status is. */
const REFERENCE_FIELDS: ReadonlySet<string> = new Set([
  'content-location',
  'link',
  'location',
  'refresh',
])

/** A header block of an inspected answer may be this long, names and values together. */
const BLOCK_CHARS_MAX = 8 * 1024

/** What an answer's head gives away, by a stable name for records; `undefined` when nothing. */
export function headViolation(head: ResponseHead, types: AnswerTypes): string | undefined {
  if (head.status === 206) return 'partial-content'
  const { headers } = head
  if (isRedirect(head)) return 'redirect'
  const view = viewOf(head, types)
  // Of two types a client takes one, and what was looked at was the other.
  let violation: string | undefined = view.isTwice ? 'two-media-types' : undefined
  let chars = 0
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const value = headers[i + 1] ?? ''
    chars += name.length + value.length
    violation ??= fieldViolation(name, value, view)
  }
  if (chars > BLOCK_CHARS_MAX) return violation ?? 'header-block'
  return violation === 'media-type' && isTensors(view.type, headers) ? undefined : violation
}

/** Binary tensors of the Open Inference Protocol: a JSON header and then the tensors asked for. */
function isTensors(type: string, headers: readonly string[]): boolean {
  return type === 'application/octet-stream' && hasField(headers, 'inference-header-content-length')
}

function isRedirect({ status, headers }: ResponseHead): boolean {
  return status >= 300 && status < 400 && hasField(headers, 'location')
}

function hasField(headers: readonly string[], name: string): boolean {
  return headers.some((one, i) => i % 2 === 0 && one === name)
}

/** As {@link headViolation} for an answer to HEAD: fields that describe content give none away. */
export function linkViolation(head: ResponseHead, types: AnswerTypes): string | undefined {
  const fields: string[] = []
  for (let i = 0; i + 1 < head.headers.length; i += 2) {
    const name = head.headers[i] ?? ''
    if (!CONTENT_FIELDS.has(name)) fields.push(name, head.headers[i + 1] ?? '')
  }
  return headViolation({ status: head.status === 206 ? 200 : head.status, headers: fields }, types)
}

const CONTENT_FIELDS: ReadonlySet<string> = new Set([
  'content-disposition',
  'content-encoding',
  'content-range',
  'content-type',
])

/** What the rules for one field need to know of the answer. */
interface View {
  readonly types: AnswerTypes
  /** Its media type; '' when there is none. */
  readonly type: string
  /** Whether it says a media type twice. */
  readonly isTwice: boolean
  /** No body comes with it, so that its media type is one of nothing. */
  readonly isEmpty: boolean
  /** Its media type is one that the route names itself. */
  readonly isDeclared: boolean
}

function viewOf({ status, headers }: ResponseHead, types: AnswerTypes): View {
  let [isEmpty, isTwice] = [status === 204 || status === 304, false]
  let value: string | undefined
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]
    if (name === 'content-length' && headers[i + 1] === '0') isEmpty = true
    if (name !== 'content-type') continue
    isTwice = value !== undefined
    value ??= headers[i + 1]
  }
  const { type } = readContentType(value ?? '')
  return {
    types,
    type,
    isTwice,
    isEmpty,
    isDeclared: value !== undefined && types.isDeclared(type),
  }
}

function fieldViolation(name: string, value: string, view: View): string | undefined {
  if (name === 'content-type') return view.isEmpty ? undefined : typeViolation(value, view.types)
  if (name === 'content-encoding') {
    return value.toLowerCase() === 'identity' ? undefined : 'content-encoding'
  }
  if (name === 'content-range') return 'partial-content'
  if (name === 'content-disposition') {
    return namesWeights(value.toLowerCase(), view.isDeclared) ? 'weight-file-name' : undefined
  }
  return linkOf(name, value)
}

function linkOf(name: string, value: string): string | undefined {
  // A field that sends the client elsewhere is a redirect, whatever the status says.
  if (REFERENCE_FIELDS.has(name)) {
    if (pointsToStorage(value.toLowerCase())) return LINK
    return name === 'refresh' && /[;,]/.test(value) ? 'redirect' : undefined
  }
  return name.startsWith('x-linked-') || name.startsWith('x-xet-') ? LINK : undefined
}

const LINK = 'storage-link'

function typeViolation(value: string, types: AnswerTypes): string | undefined {
  const { type, violation } = readContentType(value)
  if (violation !== undefined) return violation
  return type === '' || types.has(type) ? undefined : 'media-type'
}

/** Fields in which a long opaque value has a meaning: pages, states of uploads, policies. */
const LONG_FIELDS: ReadonlySet<string> = new Set([
  'content-disposition',
  'content-location',
  'content-security-policy',
  'content-security-policy-report-only',
  'content-type',
  'link',
  'location',
  'permissions-policy',
  'www-authenticate',
])

/** Fields that give a client a way past the gateway. */
const WAYS_AROUND: ReadonlySet<string> = new Set([
  'alt-svc',
  'set-cookie',
  'set-cookie2',
  'x-amz-website-redirect-location',
  'x-ms-copy-source',
])

/** A run of letters, digits and `+/=_-` this long is a piece of something, and no word. */
const OPAQUE_CHARS = 512

/**
 * The head without what an inspected answer does not carry: cookies and other ways to the upstream,
 * signed links in fields that are none for links, and long base64 or hex values (`X-Debug`,
 * `Server-Timing`). The same object when there is nothing of it.
 */
export function withoutWaysAround(head: ResponseHead): ResponseHead {
  const { headers } = head
  let left: string[] | undefined
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name = '', value = ''] = [headers[i], headers[i + 1]]
    if (WAYS_AROUND.has(name) || isSmuggled(name, value)) left ??= headers.slice(0, i)
    else left?.push(name, value)
  }
  return left === undefined ? head : { status: head.status, headers: left }
}

function isSmuggled(name: string, value: string): boolean {
  if (LONG_FIELDS.has(name) || REFERENCE_FIELDS.has(name)) return false
  if (value.length >= OPAQUE_CHARS && hasOpaqueRun(value)) return true
  const mayBeSigned = value.includes('?') || value.includes('&')
  return mayBeSigned && isSigned(value.toLowerCase())
}

function hasOpaqueRun(value: string): boolean {
  let run = 0
  for (let i = 0; i < value.length; i++) {
    run = OPAQUE.has(value.charCodeAt(i)) ? run + 1 : 0
    if (run >= OPAQUE_CHARS) return true
  }
  return false
}

const OPAQUE: ReadonlySet<number> = new Set(
  Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-', (one) =>
    one.charCodeAt(0),
  ),
)
