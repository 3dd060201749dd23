import type { ResponseGuard, ResponseHead } from '../../domain/ports.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { hasBody, isJsonType, readableType, valueOf, withoutBodyFields } from '../answer-head.ts'
import {
  frameDocument,
  frameEvents,
  frameLines,
  type AnswerFraming,
  type ChangeDocument,
} from './answer-framing.ts'
import { editResponse, type AnswerEditor, type OnIncident } from './edited-response.ts'

/** What is taken out of an answer. */
export interface RedactionOptions {
  /** Names of the fields, for the header that tells the client. */
  readonly fields: readonly string[]
  /** Takes them out of one JSON document. */
  readonly change: ChangeDocument
  /** The same of one of several documents (NDJSON, server-sent events); `change` when absent. */
  readonly changePart?: ChangeDocument
  /** Edits CSV; such an answer does not pass when absent. */
  readonly csv?: (hasHeader: boolean) => AnswerFraming
  /** Whether the answer has no body whatever its head says (HEAD). */
  readonly bodyless: boolean
  /** Called once when the answer cannot be redacted. */
  readonly onIncident?: OnIncident
  /** Called when the whole answer has passed. */
  readonly onEnd?: (changed: boolean) => void
}

const NOTHING = Buffer.alloc(0)

/**
 * Takes fields out of an answer: of JSON when it is whole (8 MiB at most), of NDJSON line by line, of
 * server-sent events one by one. What cannot be read (another media type, a content coding, not JSON,
 * too long) does not pass: `response_unredactable`. `inner` judges the bytes of the upstream first.
 */
export function redactResponse(inner: ResponseGuard, options: RedactionOptions): ResponseGuard {
  return editResponse(inner, new RedactingEditor(options), options.onIncident)
}

class RedactingEditor implements AnswerEditor {
  private framing: AnswerFraming | undefined
  private isChanged = false
  private readonly options: RedactionOptions

  constructor(options: RedactionOptions) {
    this.options = options
  }

  head(head: ResponseHead): ResponseHead | Refusal {
    const { bodyless, fields } = this.options
    this.framing = this.framingOf(head.headers)
    if (this.framing === undefined && hasBody(head, bodyless)) return UNREDACTABLE
    const before = valueOf(head.headers, TOLD)
    const told = [...(before === undefined ? [] : [before]), ...fields].join(', ')
    const kept = withoutBodyFields(head.headers, new Set([TOLD]))
    return { status: head.status, headers: [...kept, TOLD, told] }
  }

  push(bytes: Buffer): Buffer | Refusal {
    return this.framing?.push(bytes) ?? UNREDACTABLE
  }

  end(): Buffer | Refusal {
    const end = this.framing === undefined ? NOTHING : this.framing.end()
    if (end === undefined) return UNREDACTABLE
    this.options.onEnd?.(this.isChanged)
    return end
  }

  private framingOf(headers: readonly string[]): AnswerFraming | undefined {
    const { change, changePart = change, csv } = this.options
    const type = readableType(headers)
    if (type === undefined) return undefined
    if (type === 'text/event-stream') return frameEvents(this.noting(changePart))
    if (LINES.has(type)) return frameLines(this.noting(changePart))
    if (type === 'text/csv')
      return csv?.(HEADER_PRESENT.test(valueOf(headers, 'content-type') ?? ''))
    return isJsonType(type) ? frameDocument(this.noting(change)) : undefined
  }

  private noting(change: ChangeDocument): ChangeDocument {
    return (document) => {
      const changed = change(document)
      if (changed !== document) this.isChanged = true
      return changed
    }
  }
}

const UNREDACTABLE = refuse('response_unredactable')

/** Tells the client what was taken out. */
const TOLD = 'x-modelgate-redacted'
/** RFC 7111 §5.1, RFC 4180 §3. */
const HEADER_PRESENT = /;\s*header\s*=\s*"?present"?\s*(?:;|$)/i

const LINES: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/jsonlines',
  'application/x-jsonlines',
])
