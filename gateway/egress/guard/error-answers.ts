/** Error answers of an upstream: what they may say, and what is said in their place. */
import type { ResponseGuard, ResponseHead } from '../../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import { isJsonType, valueOf } from '../answer-head.ts'
import { mediaType } from './answer-types.ts'

/** What is sent in the place of an error answer. */
export interface ErrorDocument {
  readonly type: string
  readonly body: string
}

/** How error answers are treated. */
export interface ErrorAnswerOptions {
  /** Whether the request was HEAD. */
  readonly bodyless: boolean
  /** The gateway's own words for a status, in the shape the clients of the route parse. */
  readonly document: (status: number) => ErrorDocument
  /** Called once when an answer is replaced. */
  readonly onReplaced?: (status: number, why: ReplacedWhy) => void
}

/** Why an error answer was replaced. */
export type ReplacedWhy = 'status' | 'type' | 'size' | 'text'

/** An error answer up to this size is kept whole before any of it leaves. */
const KEPT_BYTES_MAX = 64 * 1024

/** Of an error answer that is replaced so much is read; more is no error answer. */
const DROPPED_BYTES_MAX = 1024 * 1024

/** Fields of an error answer that clients act on. */
const ERROR_FIELDS: ReadonlySet<string> = new Set([
  'allow',
  'cache-control',
  'date',
  'docker-distribution-api-version',
  'retry-after',
  'retry-after-ms',
  'vary',
  'www-authenticate',
  'x-error-code',
  'x-should-retry',
])

const NOTHING = Buffer.alloc(0)

/**
 * Replaces what an upstream says of its own failure: of a status from 500 always, for it may be a
 * dump of memory or files; of 400 to 499 unless it is JSON, XML or plain text, at most 64 KiB, in
 * UTF-8 without control characters. The status stays. `inner` judges the upstream's bytes all the
 * same: weights in an error are an incident, and no error any more.
 */
export function replaceErrors(inner: ResponseGuard, options: ErrorAnswerOptions): ResponseGuard {
  return new ErrorGuard(inner, options)
}

class ErrorGuard implements ResponseGuard {
  /** `pass`: no error. `keep`: an error that may pass once it is whole. `replace`: one that may not. */
  private way: 'pass' | 'keep' | 'replace' = 'pass'
  private status = 0
  private pieces: Buffer[] = []
  private bytes = 0
  /** Whether the head of an error that is kept says JSON. */
  private isJson = false
  private document: ErrorDocument | undefined
  private readonly inner: ResponseGuard
  private readonly options: ErrorAnswerOptions

  constructor(inner: ResponseGuard, options: ErrorAnswerOptions) {
    this.inner = inner
    this.options = options
  }

  head(head: ResponseHead): ResponseHead | Refusal {
    const judged = this.inner.head(head)
    if (isRefusal(judged) || judged.status < 400) return judged
    this.status = judged.status
    if (judged.status >= 500) return this.replaced(judged, 'status')
    if (this.options.bodyless) return judged
    if (!isReadable(judged.headers)) return this.replaced(judged, 'type')
    if (Number(valueOf(judged.headers, 'content-length') ?? 0) > KEPT_BYTES_MAX) {
      return this.replaced(judged, 'size')
    }
    this.way = 'keep'
    this.isJson = isJsonType(mediaType(valueOf(judged.headers, 'content-type') ?? ''))
    // The length may become another one: what leaves is known at the end.
    return { status: judged.status, headers: without(judged.headers, 'content-length') }
  }

  chunk(chunk: Buffer): Refusal | Buffer | 'hold' | undefined {
    const verdict = this.inner.chunk(chunk)
    if (this.way === 'pass' || isRefusal(verdict)) return verdict
    this.bytes += chunk.length
    if (this.bytes > DROPPED_BYTES_MAX) return refuse('response_blocked')
    if (this.way === 'keep') this.keep(chunk)
    return NOTHING
  }

  end(): Refusal | Buffer | undefined {
    const last = this.inner.end()
    if (this.way === 'pass' || isRefusal(last)) return last
    const whole = Buffer.concat(this.pieces)
    if (this.way === 'keep' && isPlainText(whole)) return whole
    if (this.way === 'keep') this.give('text')
    const { document } = this
    return document === undefined || this.options.bodyless ? NOTHING : Buffer.from(document.body)
  }

  ready(): Promise<void> | undefined {
    return this.inner.ready?.()
  }

  private keep(chunk: Buffer): void {
    if (this.bytes <= KEPT_BYTES_MAX) {
      this.pieces.push(chunk)
      return
    }
    this.pieces = []
    this.give('size')
  }

  private give(why: ReplacedWhy): void {
    const document = this.options.document(this.status)
    // The head of an error that was kept may be gone: what follows it must be of its type.
    const fits = this.way === 'pass' || (this.isJson && isJsonType(document.type))
    this.document = fits ? document : undefined
    this.way = 'replace'
    this.options.onReplaced?.(this.status, why)
  }

  private replaced({ status, headers }: ResponseHead, why: ReplacedWhy): ResponseHead {
    this.give(why)
    const kept = headers.filter((_, i) => isKept(headers[i - (i % 2)] ?? ''))
    const { type = 'text/plain', body = '' } = this.document ?? {}
    const own = ['content-type', type, 'x-content-type-options', 'nosniff']
    const length = this.options.bodyless ? [] : ['content-length', `${Buffer.byteLength(body)}`]
    return { status, headers: [...kept, ...own, ...length] }
  }
}

function isKept(name: string): boolean {
  return ERROR_FIELDS.has(name) || name.startsWith('x-ratelimit-') || name.startsWith('ratelimit')
}

function without(headers: readonly string[], name: string): string[] {
  return headers.filter((_, i) => headers[i - (i % 2)] !== name)
}

function isReadable(headers: readonly string[]): boolean {
  const type = mediaType((valueOf(headers, 'content-type') ?? '').toLowerCase())
  return type === '' || type === 'text/plain' || isXml(type) || isJsonType(type)
}

/** What S3 and its like answer errors with. */
function isXml(type: string): boolean {
  return type === 'application/xml' || type === 'text/xml' || type.endsWith('+xml')
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function isPlainText(whole: Buffer): boolean {
  try {
    // eslint-disable-next-line no-control-regex -- the controls are what is looked for
    return !/[\0-\x08\x0b\x0e-\x1f\x7f]/.test(UTF8.decode(whole))
  } catch {
    return false
  }
}
