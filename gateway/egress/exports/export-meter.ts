/** What leaves in an answer with a model in it: counted, hashed, and compared where it was declared. */
import { createHash, type Hash } from 'node:crypto'
import type { ByteMeter, ResponseGuard, ResponseHead } from '../../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { IncidentDetail } from '../guard/response-guard.ts'
import {
  contentRange,
  fieldIn,
  partOf,
  wholeLength,
  type AskedPart,
  type SentPart,
} from './export-parts.ts'

/** What is to be done with one answer. */
export interface ExportMeterOptions {
  /** Whether the answer has no content (HEAD). */
  readonly bodyless: boolean
  /** `sha256:<hex>` of the whole that may leave; what leaves last waits until it is known to be it. */
  readonly digest?: string | undefined
  /** The part of it that was asked for; the upstream is asked for the whole, to be compared. */
  readonly part?: AskedPart | undefined
  /** Where the part that the upstream sends may begin at the latest; anywhere when absent. */
  readonly fromMax?: number | undefined
  /** Whether what leaves is limited: nothing may then hand it out past what counts it. */
  readonly isBound: boolean
  /** Asked before bytes of a good answer leave. */
  readonly account?: ByteMeter | undefined
  /** Told once when the answer is refused for what it is. */
  readonly onIncident?: (refusal: Refusal, detail: IncidentDetail) => void
}

/** What left, as far as it is known now. */
export interface Exported {
  /** Whether the upstream began an answer that is a good one (2xx). */
  readonly isBegun: boolean
  /** Whether the guard let the end of it pass. */
  readonly isEnded: boolean
  readonly bytes: number
  /** Hex, of the bytes that left. */
  readonly sha256: string
  /** Whether the whole was what was declared; absent where nothing is, or it was not seen whole. */
  readonly matched?: boolean
  /** Hex, of a whole that was not what was declared. */
  readonly found?: string
  /** Present when it is not from the first byte to the last. */
  readonly part?: SentPart
  /** Bytes of the whole, as the upstream announced it. */
  readonly length?: number
  readonly etag?: string
}

/** A {@link ResponseGuard} that knows what left. */
export interface ExportMeter extends ResponseGuard {
  /** To be asked when the exchange is over; not to be used after. */
  exported(): Exported
}

/** Most body bytes of an answer that is none (404, 500), where what leaves is limited. */
const ERROR_BYTES_MAX = 64 * 1024

const NOTHING = Buffer.alloc(0)

/** Said of a part that is not the next one. */
export const AHEAD =
  'One use is one file from its beginning: ask for it from where it ended, or before.'

/**
 * Puts the meter around `inner`, whose verdict comes first. Without a declared digest nothing is
 * held and every chunk leaves as it came; with one, each leaves when the next is here, and the last
 * when the whole is known to be what was declared, else never (`digest_mismatch`).
 */
export function meterExport(inner: ResponseGuard, options: ExportMeterOptions): ExportMeter {
  return new Meter(inner, options)
}

class Meter implements ExportMeter {
  private readonly inner: ResponseGuard
  private readonly options: ExportMeterOptions
  private refusal: Refusal | undefined
  private isBegun = false
  private isEnded = false
  private bytes = 0
  private errorBytes = 0
  private etag: string | undefined
  private length: number | undefined
  private part: SentPart | undefined
  private matched: boolean | undefined
  private found: string | undefined
  /** Of what left. */
  private readonly left: Hash = createHash('sha256')
  /** Of the whole, where only a part of it leaves. */
  private whole: Hash | undefined
  /** Where the next byte of the whole stands. */
  private position = 0
  /** What `inner` holds back, or what waits for the digest. */
  private held: Buffer[] = []

  constructor(inner: ResponseGuard, options: ExportMeterOptions) {
    this.inner = inner
    this.options = options
  }

  head(received: ResponseHead): ResponseHead | Refusal {
    const head = this.inner.head(received)
    if (isRefusal(head)) return head
    const { isBound } = this.options
    if (isBound && head.status < 400 && handsOut(head)) {
      return this.refuse(refuse('response_blocked'), 'redirect')
    }
    if (head.status < 200 || head.status > 299) return head
    return this.beginGood(head)
  }

  private beginGood(head: ResponseHead): ResponseHead | Refusal {
    const { bodyless, digest, fromMax = Infinity } = this.options
    this.etag = fieldIn(head, 'etag')?.slice(0, 256)
    if (bodyless) return head
    const part = digest === undefined ? contentRange(head) : undefined
    // However it was asked for: by the number of a part, by a header of a store.
    if (part !== undefined && part.from > fromMax) {
      return (this.refusal = refuse('export_unbound', { detail: AHEAD }))
    }
    this.isBegun = true
    this.length = wholeLength(head)
    if (digest !== undefined) return this.begin(head, digest)
    this.part = part
    return head
  }

  /** Whether the upstream answers with the whole, and which part of it leaves. */
  private begin(head: ResponseHead, digest: string): ResponseHead | Refusal {
    if (head.status !== 200) {
      this.matched = false
      return this.refuse(refuse('digest_mismatch', { detail: `It is not ${digest}.` }), 'partial')
    }
    const sent = partOf(head, this.options.part)
    if (sent === undefined) return head
    this.part = sent.part
    this.whole = createHash('sha256')
    return sent.head
  }

  chunk(chunk: Buffer): Refusal | 'hold' | Buffer | undefined {
    if (this.refusal !== undefined) return this.refusal
    const verdict = this.inner.chunk(chunk)
    if (isRefusal(verdict)) return verdict
    if (!this.isBegun) return this.countError(chunk) ?? verdict
    if (this.options.digest !== undefined) return this.compare(verdict, chunk)
    if (verdict === 'hold') {
      this.held.push(chunk)
      return verdict
    }
    if (verdict?.length === 0) return verdict
    const refusal = this.leave([...this.held, verdict ?? chunk])
    this.held = []
    return refusal ?? verdict
  }

  end(): Refusal | Buffer | undefined {
    if (this.refusal !== undefined) return this.refusal
    const last = this.inner.end()
    if (isRefusal(last)) return last
    if (!this.isBegun) return last
    const leaving = this.options.digest === undefined ? this.endPlain(last) : this.endJudged(last)
    this.isEnded = !isRefusal(leaving)
    return leaving
  }

  ready(): Promise<void> | undefined {
    return this.inner.ready?.() ?? this.options.account?.ready?.()
  }

  keeps(): boolean {
    return this.inner.keeps?.() ?? false
  }

  exported(): Exported {
    const { isBegun, isEnded, bytes, matched, found, part, length, etag } = this
    return {
      isBegun,
      isEnded,
      bytes,
      sha256: this.left.digest('hex'),
      ...(matched === undefined ? {} : { matched }),
      ...(found === undefined ? {} : { found }),
      ...(part === undefined ? {} : { part }),
      ...(length === undefined ? {} : { length }),
      ...(etag === undefined ? {} : { etag }),
    }
  }

  private endPlain(last: Buffer | undefined): Refusal | Buffer | undefined {
    const refusal = this.leave(last === undefined ? this.held : [...this.held, last])
    return refusal ?? last
  }

  /** Takes what may leave in, and gives what was in before: one piece waits for the digest. */
  private compare(verdict: 'hold' | Buffer | undefined, chunk: Buffer): Refusal | Buffer {
    // What `inner` holds is held here, with what waits anyway.
    const arrived = verdict === 'hold' || verdict === undefined ? chunk : verdict
    if (arrived.length === 0) return NOTHING
    this.whole?.update(arrived)
    const mine = this.window(arrived)
    this.position += arrived.length
    if (mine.length === 0) return NOTHING
    if (verdict === 'hold') {
      this.held.push(mine)
      return NOTHING
    }
    const leaving = this.held
    this.held = [mine]
    return this.leave(leaving) ?? joined(leaving)
  }

  private endJudged(last: Buffer | undefined): Refusal | Buffer {
    if (last !== undefined && last.length > 0) {
      this.whole?.update(last)
      this.held.push(this.window(last))
    }
    const { digest = '' } = this.options
    const waiting = joined(this.held)
    const whole = (this.whole ?? this.left.copy().update(waiting)).digest('hex')
    this.matched = `sha256:${whole}` === digest
    if (!this.matched) {
      this.found = whole
      return this.refuse(refuse('digest_mismatch'), 'digest')
    }
    return this.leave([waiting]) ?? waiting
  }

  /** What of `arrived` is in the part that was asked for. */
  private window(arrived: Buffer): Buffer {
    if (this.part === undefined) return arrived
    const { from, to } = this.part
    const start = Math.max(0, from - this.position)
    return arrived.subarray(start, Math.max(start, to + 1 - this.position))
  }

  /** Counts what leaves now, or refuses that it does. */
  private leave(pieces: readonly Buffer[]): Refusal | undefined {
    let length = 0
    for (const piece of pieces) length += piece.length
    if (length === 0) return undefined
    const refusal = this.options.account?.take(length)
    if (refusal !== undefined) {
      this.refusal = refusal
      return refusal
    }
    for (const piece of pieces) this.left.update(piece)
    this.bytes += length
    return undefined
  }

  /** An error is no export, and must not be a way to have one. */
  private countError(chunk: Buffer): Refusal | undefined {
    this.errorBytes += chunk.length
    if (!this.options.isBound || this.errorBytes <= ERROR_BYTES_MAX) return undefined
    return this.refuse(refuse('response_over_limit'), 'bytes')
  }

  private refuse(refusal: Refusal, found: string): Refusal {
    this.refusal = refusal
    this.options.onIncident?.(refusal, { found, bytesBefore: this.bytes })
    return refusal
  }
}

function handsOut(head: ResponseHead): boolean {
  return head.status >= 300 && head.status !== 304
}

function joined(pieces: readonly Buffer[]): Buffer {
  const [first = NOTHING] = pieces
  return pieces.length < 2 ? first : Buffer.concat(pieces)
}
