import type { ResponseGuard, ResponseHead } from '../domain/ports.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import { hasBody, isJsonType, readableType, withoutBodyFields } from './answer-head.ts'
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
    this.framing = framingOf(head.headers, (document) => this.change(document))
    if (this.framing === undefined && hasBody(head, bodyless)) return UNREDACTABLE
    const kept = withoutBodyFields(head.headers)
    return { status: head.status, headers: [...kept, 'x-modelgate-redacted', fields.join(', ')] }
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

  private change(document: Buffer): Buffer | undefined {
    const changed = this.options.change(document)
    if (changed !== document) this.isChanged = true
    return changed
  }
}

const UNREDACTABLE = refuse('response_unredactable')

function framingOf(headers: readonly string[], change: ChangeDocument): AnswerFraming | undefined {
  const type = readableType(headers)
  if (type === undefined) return undefined
  if (type === 'text/event-stream') return frameEvents(change)
  if (LINES.has(type)) return frameLines(change)
  return isJsonType(type) ? frameDocument(change) : undefined
}

const LINES: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/jsonlines',
  'application/x-jsonlines',
])
