import type { ResponseGuard, ResponseHead } from '../domain/ports.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import { headViolation, linkViolation, mediaType } from './response-head-rules.ts'
import { signaturesFor, WINDOW_BYTES, type WeightSignature } from './weight-signatures.ts'

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
  /** Media types the route declares for its answers, lower case, without parameters. */
  readonly allowedTypes?: readonly string[]
  /** Called once when the answer is refused. */
  readonly onIncident?: (refusal: Refusal, detail: IncidentDetail) => void
}

/** Bytes kept back, at most, while the start of an answer could still be one of weights. */
const HOLD_BYTES_MAX = 64

const PASS: ResponseGuard = {
  head: (head) => head,
  chunk: () => undefined,
  end: () => undefined,
}

/**
 * Guards one answer of a caller that may not export (I16: error answers pass the same filter).
 *
 * Refused by the head (`response_blocked`): redirects, partial content, content codings, storage
 * links and tokens, weight file names, file media types a route did not declare. Refused by the
 * body (`weights_detected`): a weight format at its first byte. Chunks pass as soon as they are
 * judged: JSON, text and event streams without any delay, others once 64 bytes are there at most.
 *
 * Not covered: weights that do not begin at the first byte, that are encoded within JSON or text, or
 * whose format has no signature; byte budgets; redaction of the text of error answers.
 */
export function createResponseGuard(options: ResponseGuardOptions): ResponseGuard {
  return options.mayExport ? PASS : new InspectingGuard(options)
}

const NO_TYPES: ReadonlySet<string> = new Set()

class InspectingGuard implements ResponseGuard {
  private window: Buffer | undefined
  private candidates: readonly WeightSignature[] | undefined
  private isBinaryDeclared = false
  private isProse = false
  private isDone = false
  private bytesSeen = 0
  private bytesBefore = 0
  private refusal: Refusal | undefined
  private readonly options: ResponseGuardOptions

  constructor(options: ResponseGuardOptions) {
    this.options = options
  }

  head(head: ResponseHead): ResponseHead | Refusal {
    const { allowedTypes } = this.options
    const allowed = allowedTypes === undefined ? NO_TYPES : new Set(allowedTypes)
    const found = this.options.isHead === true ? linkViolation(head) : headViolation(head, allowed)
    if (found !== undefined) return this.refuse('response_blocked', found)
    const type = typeOf(head)
    this.isProse = isProse(type)
    this.isBinaryDeclared = allowed.has(type) && !this.isProse
    return head
  }

  chunk(chunk: Buffer): Refusal | 'hold' | undefined {
    if (this.refusal !== undefined) return this.refusal
    if (this.isDone || chunk.length === 0) return undefined
    const window = this.widen(chunk)
    this.bytesSeen += chunk.length
    const open: WeightSignature[] = []
    for (const signature of this.candidates ?? this.startWith(window)) {
      const match = signature.match(window)
      if (match === 'yes') return this.refuse('weights_detected', signature.format)
      if (match === 'more') open.push(signature)
    }
    this.candidates = open
    if (open.length === 0 || window.length >= WINDOW_BYTES) this.close()
    else if (!this.isProse && window.length < HOLD_BYTES_MAX) return 'hold'
    this.bytesBefore = this.bytesSeen
    return undefined
  }

  end(): Refusal | undefined {
    return this.refusal
  }

  private startWith(window: Buffer): readonly WeightSignature[] {
    const signatures = signaturesFor(window[0] ?? 0)
    return this.isBinaryDeclared ? signatures.filter((one) => !one.isAlsoData) : signatures
  }

  private widen(chunk: Buffer): Buffer {
    const { window } = this
    const rest = WINDOW_BYTES - (window?.length ?? 0)
    const taken = chunk.length > rest ? chunk.subarray(0, rest) : chunk
    this.window = window === undefined ? taken : Buffer.concat([window, taken])
    return this.window
  }

  private close(): void {
    this.isDone = true
    this.window = undefined
  }

  private refuse(reason: 'response_blocked' | 'weights_detected', found: string): Refusal {
    const refusal = refuse(reason)
    this.refusal = refusal
    this.close()
    this.options.onIncident?.(refusal, { found, bytesBefore: this.bytesBefore })
    return refusal
  }
}

function typeOf(head: ResponseHead): string {
  const { headers } = head
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] === 'content-type') return mediaType((headers[i + 1] ?? '').toLowerCase())
  }
  return ''
}

/** Types whose first bytes must not wait: what begins as prose is judged as it passes. */
function isProse(type: string): boolean {
  return type.startsWith('text/') || type.endsWith('json') || type.endsWith('xml')
}
