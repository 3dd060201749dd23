import type { ResponseHead } from '../../domain/ports.ts'
import { hidesText, mediaType, type AnswerTypes } from './answer-types.ts'
import { isSigned, pointsToStorage } from '../links/storage-links.ts'
import { namesWeights } from './weight-names.ts'

/** Registry layer types that are weights by definition: no route may declare them. */
const WEIGHT_TYPE_PREFIXES: readonly string[] = [
  'application/vnd.ollama.image.model',
  'application/vnd.ollama.image.adapter',
  'application/vnd.ollama.image.projector',
  'application/vnd.ollama.image.tensor',
  'application/vnd.ollama.image.embed',
  'application/vnd.ollama.image.draft',
  'application/vnd.cncf.model.weight.v1.',
  'application/vnd.docker.ai.gguf.v3',
  'application/vnd.kitops.modelkit.model',
]

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
  const view: View = { types, isEmpty: isEmpty(head), isDeclared: declaresType(head, types) }
  let violation: string | undefined
  let chars = 0
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ''
    const value = (headers[i + 1] ?? '').toLowerCase()
    chars += name.length + value.length
    violation ??= fieldViolation(name, value, view)
  }
  if (chars > BLOCK_CHARS_MAX) return violation ?? 'header-block'
  return violation === 'media-type' && isTensors(headers) ? undefined : violation
}

/** Binary tensors of the Open Inference Protocol: a JSON header and then the tensors asked for. */
function isTensors(headers: readonly string[]): boolean {
  const at = headers.findIndex((name, i) => i % 2 === 0 && name === 'content-type')
  const type = mediaType((headers[at + 1] ?? '').toLowerCase())
  const isBytes = at >= 0 && type === 'application/octet-stream'
  return isBytes && hasField(headers, 'inference-header-content-length')
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
  /** No body comes with it, so that its media type is one of nothing. */
  readonly isEmpty: boolean
  /** Its media type is one that the route names itself. */
  readonly isDeclared: boolean
}

function isEmpty({ status, headers }: ResponseHead): boolean {
  if (status === 204 || status === 304) return true
  return headers.some(
    (name, i) => i % 2 === 0 && name === 'content-length' && headers[i + 1] === '0',
  )
}

function declaresType({ headers }: ResponseHead, types: AnswerTypes): boolean {
  const at = headers.findIndex((name, i) => i % 2 === 0 && name === 'content-type')
  return at >= 0 && types.isDeclared(mediaType((headers[at + 1] ?? '').toLowerCase()))
}

function fieldViolation(name: string, value: string, view: View): string | undefined {
  if (name === 'content-type') return view.isEmpty ? undefined : typeViolation(value, view.types)
  if (name === 'content-encoding') return value === 'identity' ? undefined : 'content-encoding'
  if (name === 'content-range') return 'partial-content'
  if (name === 'content-disposition') {
    return namesWeights(value, view.isDeclared) ? 'weight-file-name' : undefined
  }
  return linkOf(name, value)
}

function linkOf(name: string, value: string): string | undefined {
  // A field that sends the client elsewhere is a redirect, whatever the status says.
  if (name === 'refresh' && /[;,]/.test(value)) return pointsToStorage(value) ? LINK : 'redirect'
  if (REFERENCE_FIELDS.has(name)) return pointsToStorage(value) ? LINK : undefined
  return name.startsWith('x-linked-') || name.startsWith('x-xet-') ? LINK : undefined
}

const LINK = 'storage-link'

function typeViolation(value: string, types: AnswerTypes): string | undefined {
  const type = mediaType(value)
  if (type === 'multipart/byteranges') return 'partial-content'
  if (WEIGHT_TYPE_PREFIXES.some((prefix) => type.startsWith(prefix))) return 'weight-media-type'
  if (hidesText(value)) return 'charset'
  // A type that is none, such as a list of two, is read by clients in ways nobody can foresee.
  return type === '' || (TYPE.test(type) && types.has(type)) ? undefined : 'media-type'
}

const TYPE = /^[a-z0-9!#$&^_.+-]{1,64}\/[a-z0-9!#$&^_.+-]{1,96}$/

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
  const isLeft = (_: string, i: number): boolean => {
    const name = headers[i - (i % 2)] ?? ''
    return !WAYS_AROUND.has(name) && !isSmuggled(name, headers[i - (i % 2) + 1] ?? '')
  }
  const left = headers.filter(isLeft)
  return left.length === headers.length ? head : { status: head.status, headers: left }
}

function isSmuggled(name: string, value: string): boolean {
  if (LONG_FIELDS.has(name) || REFERENCE_FIELDS.has(name)) return false
  if (value.length >= OPAQUE_CHARS && hasOpaqueRun(value)) return true
  return /[?&]/.test(value) && isSigned(value.toLowerCase())
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
