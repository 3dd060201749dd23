import type { ResponseGuard, ResponseHead } from '../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../domain/refusal.ts'
import {
  frameDocument,
  frameEvents,
  frameLines,
  type AnswerFraming,
  type ChangeDocument,
} from './answer-framing.ts'
import type { IncidentDetail } from './response-guard.ts'
import { mediaType } from './response-head-rules.ts'

/** What is taken out of an answer. */
export interface RedactionOptions {
  /** Names of the fields, for the header that tells the client. */
  readonly fields: readonly string[]
  /** Takes them out of one JSON document. */
  readonly change: ChangeDocument
  /** Whether the answer has no body whatever its head says (HEAD). */
  readonly bodyless: boolean
  /** Called once when the answer cannot be redacted. */
  readonly onIncident?: (refusal: Refusal, detail: IncidentDetail) => void
  /** Called when the whole answer has passed. */
  readonly onEnd?: (changed: boolean) => void
}

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

const NOTHING = Buffer.alloc(0)

/**
 * Takes fields out of an answer: of JSON when it is whole (8 MiB at most), of NDJSON line by line, of
 * server-sent events one by one. What cannot be read (another media type, a content coding, not JSON,
 * too long) does not pass: `response_unredactable`. `inner` judges the bytes of the upstream first.
 */
export function redactResponse(inner: ResponseGuard, options: RedactionOptions): ResponseGuard {
  return new RedactingGuard(inner, options)
}

class RedactingGuard implements ResponseGuard {
  private framing: AnswerFraming | undefined
  private refusal: Refusal | undefined
  private bytesBefore = 0
  private isChanged = false
  /** What the inner guard has not judged yet. */
  private unjudged: Buffer[] = []
  private readonly inner: ResponseGuard
  private readonly options: RedactionOptions

  constructor(inner: ResponseGuard, options: RedactionOptions) {
    this.inner = inner
    this.options = options
  }

  head(head: ResponseHead): ResponseHead | Refusal {
    const judged = this.inner.head(head)
    if (isRefusal(judged)) return judged
    const { status, headers } = judged
    const hasBody = !this.options.bodyless && status !== 204 && status !== 304
    this.framing = framingOf(headers, (document) => this.change(document))
    if (this.framing === undefined && hasBody && valueOf(headers, 'content-length') !== '0') {
      return this.refuse()
    }
    const kept = headers.filter((_, i) => !BODY_FIELDS.has(headers[i - (i % 2)] ?? ''))
    return { status, headers: [...kept, 'x-modelgate-redacted', this.options.fields.join(', ')] }
  }

  chunk(chunk: Buffer): Refusal | Buffer {
    if (this.refusal !== undefined) return this.refusal
    const verdict = this.inner.chunk(chunk)
    if (isRefusal(verdict)) return verdict
    const judged = Buffer.isBuffer(verdict) ? verdict : chunk
    if (verdict === 'hold' || this.unjudged.length > 0) this.unjudged.push(judged)
    if (verdict === 'hold') return NOTHING
    return this.pass(this.unjudged.length > 0 ? this.takeUnjudged() : judged)
  }

  end(): Refusal | Buffer | undefined {
    if (this.refusal !== undefined) return this.refusal
    const last = this.inner.end()
    if (isRefusal(last)) return last
    const rest = this.pass(Buffer.concat([this.takeUnjudged(), last ?? NOTHING]))
    if (isRefusal(rest)) return rest
    const end = this.framing === undefined ? NOTHING : this.framing.end()
    if (end === undefined) return this.refuse()
    this.options.onEnd?.(this.isChanged)
    return Buffer.concat([rest, end])
  }

  private takeUnjudged(): Buffer {
    const all = Buffer.concat(this.unjudged)
    this.unjudged = []
    return all
  }

  private pass(bytes: Buffer): Refusal | Buffer {
    if (bytes.length === 0) return NOTHING
    const out = this.framing?.push(bytes)
    if (out === undefined) return this.refuse()
    this.bytesBefore += out.length
    return out
  }

  private change(document: Buffer): Buffer | undefined {
    const changed = this.options.change(document)
    if (changed !== document) this.isChanged = true
    return changed
  }

  private refuse(): Refusal {
    const refusal = refuse('response_unredactable')
    this.refusal = refusal
    this.options.onIncident?.(refusal, { found: 'unreadable', bytesBefore: this.bytesBefore })
    return refusal
  }
}

function framingOf(headers: readonly string[], change: ChangeDocument): AnswerFraming | undefined {
  const coding = valueOf(headers, 'content-encoding') ?? 'identity'
  if (coding.toLowerCase() !== 'identity') return undefined
  const declared = (valueOf(headers, 'content-type') ?? '').toLowerCase()
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/.exec(declared)?.[1] ?? 'utf-8'
  if (charset !== 'utf-8' && charset !== 'utf8') return undefined
  const type = mediaType(declared)
  if (type === 'text/event-stream') return frameEvents(change)
  if (LINES.has(type)) return frameLines(change)
  if (type === 'application/json' || type.endsWith('+json')) return frameDocument(change)
  return undefined
}

const LINES: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/jsonlines',
  'application/x-jsonlines',
])

/** The one value of a field; two of them are none that could be relied on. */
function valueOf(headers: readonly string[], name: string): string | undefined {
  const values = headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name)
  return values.length > 1 ? 'repeated' : values[0]
}
