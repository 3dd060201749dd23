/** Parts of a whole: what was asked for, and what is sent (RFC 9110 §14). */
import type { ResponseHead } from '../../domain/ports.ts'

/** One range, as a request asks for it. */
export interface AskedPart {
  /** First byte, from 0. */
  readonly from: number
  /** Last byte; to the end when absent. */
  readonly to?: number
  /** `If-Range`: the whole is wanted unless this is its entity tag or its date. */
  readonly ifRange?: string | undefined
}

/** A part that is sent. */
export interface SentPart {
  readonly from: number
  readonly to: number
  /** Bytes of the whole; absent when the upstream does not say. */
  readonly of?: number
}

/**
 * The one range of bytes that `Range` asks for; nothing for several, for the last so many bytes, and
 * for what is none. Numbers past 2^53 are none either.
 */
export function askedPart(range: string, ifRange: string | undefined): AskedPart | undefined {
  const match = /^bytes=(\d{1,16})-(\d{0,16})$/.exec(range.trim())
  if (match === null) return undefined
  const from = Number(match[1])
  const to = match[2] === '' ? undefined : Number(match[2])
  if (!Number.isSafeInteger(from) || (to !== undefined && !Number.isSafeInteger(to))) {
    return undefined
  }
  if (to !== undefined && to < from) return undefined
  return { from, ...(to === undefined ? {} : { to }), ifRange }
}

/** Where the content of a 206 stands; nothing for other answers and for several parts. */
export function contentRange(head: ResponseHead): SentPart | undefined {
  if (head.status !== 206) return undefined
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(
    fieldIn(head, 'content-range') ?? '',
  )
  if (match === null) return { from: 0, to: 0 }
  const part = { from: Number(match[1]), to: Number(match[2]) }
  return match[3] === '*' ? part : { ...part, of: Number(match[3]) }
}

/** Bytes of the whole that is sent, or that a part of is sent; absent when the head does not say. */
export function wholeLength(head: ResponseHead): number | undefined {
  if (head.status === 206) return contentRange(head)?.of
  const length = Number(fieldIn(head, 'content-length') ?? Number.NaN)
  return Number.isSafeInteger(length) ? length : undefined
}

/**
 * The head of a 206 for the part that was asked for of the whole that `head` announces. Nothing when
 * the whole is sent instead, as a server always may: it says no length, the part is not within it,
 * or it is not the one that the caller has a part of.
 */
export function partOf(
  head: ResponseHead,
  asked: AskedPart | undefined,
): { readonly head: ResponseHead; readonly part: SentPart } | undefined {
  const length = Number(fieldIn(head, 'content-length') ?? Number.NaN)
  if (asked === undefined || !Number.isSafeInteger(length)) return undefined
  const to = Math.min(asked.to ?? length - 1, length - 1)
  if (asked.from > to || !isSame(head, asked.ifRange)) return undefined
  const part = { from: asked.from, to, of: length }
  const kept = head.headers.filter((_, i) => !REPLACED.has(head.headers[i - (i % 2)] ?? ''))
  const headers = [
    ...kept,
    'content-length',
    String(to - asked.from + 1),
    'content-range',
    `bytes ${part.from}-${to}/${length}`,
  ]
  return { head: { status: 206, headers }, part }
}

const REPLACED: ReadonlySet<string> = new Set(['content-length', 'content-range'])

/** RFC 9110 §13.1.5: tags are compared strongly, dates exactly. */
function isSame(head: ResponseHead, ifRange: string | undefined): boolean {
  if (ifRange === undefined) return true
  if (ifRange.startsWith('W/')) return false
  return ifRange === fieldIn(head, ifRange.startsWith('"') ? 'etag' : 'last-modified')
}

/** The value of the first field of this name. */
export function fieldIn({ headers }: ResponseHead, name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] === name) return headers[i + 1]
  }
  return undefined
}
