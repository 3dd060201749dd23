import type { ResponseGuard, ResponseHead } from '../../domain/ports.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import type { Action } from '../../domain/vocabulary.ts'
import { answerTypes, type AnswerTypes } from './answer-types.ts'
import { readContentType } from './content-type.ts'
import { headViolation, linkViolation, withoutWaysAround } from './response-head-rules.ts'
import { createBodyScanner, type BodyScanner, type ScanFinding } from '../scan/body-scanner.ts'
import { DATA_FORMATS } from '../scan/media-kinds.ts'

/** What was found, without anything of the answer itself. */
export interface IncidentDetail {
  /** A format (`safetensors`) or what the head gave away (`redirect`); bounded, for labels. */
  readonly found: string
  /** Body bytes let through before. */
  readonly bytesBefore: number
}

/** How one answer is to be guarded. */
export interface ResponseGuardOptions {
  /** Whether the decision on this request permits `export`: the answer then passes untouched. */
  readonly mayExport: boolean
  /** Whether the answer has no content (RFC 9110 §9.3.2): then only what it links to counts. */
  readonly isHead?: boolean
  /** Media types the route declares for its answers, besides JSON and text; see {@link answerTypes}. */
  readonly allowedTypes?: readonly string[] | undefined
  /** The primary action of the request, which tells the types where the route declares none. */
  readonly action?: Action | undefined
  /** Called once when the answer is refused. */
  readonly onIncident?: (refusal: Refusal, detail: IncidentDetail) => void
}

const PASS: ResponseGuard = {
  head: (head) => head,
  chunk: () => undefined,
  end: () => undefined,
}

/**
 * Guards one answer of a caller that may not export (I16: error answers pass the same filter).
 *
 * Refused by the head (`response_blocked`): redirects, partial content, content codings, storage
 * links and tokens, weight file names, media types that are none of the route's, charsets that hide
 * text, heads over 8 KiB. Removed from it: cookies, alternative services, long opaque values. Refused by the
 * body: a weight format at any offset, packed or encoded (`weights_detected`); what is not of its media
 * type, or packed so that it cannot be looked into (`response_blocked`). Chunks pass as soon as they are
 * judged: JSON, text and event streams without any delay, others once 64 bytes are there at most.
 *
 * Not covered: raw tensors without a format, weights as numbers in JSON (docs/weights.md).
 */
export function createResponseGuard(options: ResponseGuardOptions): ResponseGuard {
  return options.mayExport ? PASS : new InspectingGuard(options)
}

class InspectingGuard implements ResponseGuard {
  private scanner: BodyScanner | undefined
  private bytesSeen = 0
  private bytesBefore = 0
  private refusal: Refusal | undefined
  private readonly options: ResponseGuardOptions
  private readonly types: AnswerTypes

  constructor(options: ResponseGuardOptions) {
    this.options = options
    this.types = answerTypes({ declared: options.allowedTypes, action: options.action })
  }

  head(head: ResponseHead): ResponseHead | Refusal {
    const { types } = this
    const left = withoutWaysAround(head)
    const violation = this.options.isHead === true ? linkViolation : headViolation
    const found = violation(left, types)
    if (found !== undefined) return this.refuse('response_blocked', found)
    const { type, charset } = readContentType(contentTypeOf(head))
    // A declared type that says no format (`application/octet-stream`) may carry any format of data.
    const expects = types.isDeclared(type) ? DATA_FORMATS : undefined
    this.scanner = createBodyScanner({ type, charset, mayHold: true, ...(expects && { expects }) })
    return left
  }

  chunk(chunk: Buffer): Refusal | 'hold' | undefined {
    if (this.refusal !== undefined) return this.refusal
    this.scanner ??= createBodyScanner({ type: '', mayHold: true })
    this.bytesSeen += chunk.length
    const found = this.scanner.push(chunk)
    if (found === 'hold') return 'hold'
    if (found !== undefined) return this.refuseFor(found)
    this.bytesBefore = this.bytesSeen
    return undefined
  }

  end(): Refusal | undefined {
    const found = this.refusal === undefined ? this.scanner?.end() : undefined
    return found === undefined ? this.refusal : this.refuseFor(found)
  }

  private refuseFor({ found, how }: ScanFinding): Refusal {
    return this.refuse(how === 'weights' ? 'weights_detected' : 'response_blocked', found)
  }

  private refuse(reason: 'response_blocked' | 'weights_detected', found: string): Refusal {
    const refusal = refuse(reason)
    this.refusal = refusal
    this.scanner = undefined
    this.options.onIncident?.(refusal, { found, bytesBefore: this.bytesBefore })
    return refusal
  }
}

function contentTypeOf({ headers }: ResponseHead): string {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] === 'content-type') return headers[i + 1] ?? ''
  }
  return ''
}
