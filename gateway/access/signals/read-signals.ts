/** A verified token, read as what it says about whom. */
import type { SecurityEvent, SecurityEventToken } from '../../domain/security-event.ts'
import { effectOf, type SignalEffect } from './effects.ts'
import type { SignalSource } from './source.ts'
import { own, readSubject, type SignalSubject } from './subjects.ts'

/** One event, understood as far as it can be. */
export interface Signal {
  /** URI of the event. */
  readonly event: string
  readonly effect: SignalEffect
  /** Whom it is about; empty when that is nobody who is known here. */
  readonly subjects: readonly SignalSubject[]
  /** When it happened; milliseconds since the epoch, never later than `now` of the reading. */
  readonly occurredAt: number
}

/** Why a token is turned away; `err` is that of RFC 8935 §2.4. */
export interface SignalFault {
  readonly err: 'invalid_request' | 'access_denied'
  /** For the transmitter, in English. */
  readonly description: string
}

/** Clocks may differ by so much. */
export const SIGNAL_SKEW_MS = 300_000

/**
 * The signals of `token`. One that is malformed, or about subjects of another issuer, condemns the
 * whole token: half of it done would be repeated by nobody.
 */
export function readSignals(
  token: SecurityEventToken,
  source: SignalSource,
  now: number,
): readonly Signal[] | SignalFault {
  const signals: Signal[] = []
  for (const event of token.events) {
    const occurredAt = timeOf(token, event, now)
    if (occurredAt === undefined) return fault('invalid_request', 'the time of the event is wrong')
    const effect = effectOf(event)
    const subject = own(event.payload, 'subject') ?? token.subject
    const isAbout = effect !== 'note' || subject !== undefined
    const read = isAbout ? readSubject(subject, source) : { found: [] }
    const subjects = 'found' in read ? read.found : problemOf(read.problem)
    if ('err' in subjects) return subjects
    signals.push({ event: event.type, effect, subjects, occurredAt })
  }
  return signals
}

/** Whether a reading came to nothing but a fault. */
export function isSignalFault(read: readonly Signal[] | SignalFault): read is SignalFault {
  return 'err' in read
}

function problemOf(
  problem: 'foreign' | 'unknown' | 'malformed',
): readonly SignalSubject[] | SignalFault {
  if (problem === 'unknown') return []
  return problem === 'foreign'
    ? fault('access_denied', 'the subject is not one of this issuer')
    : fault('invalid_request', 'the subject identifier is malformed')
}

/**
 * `event_timestamp`, `toe` or the time of the signature, in this order. The future is refused: it
 * would end logins that are yet to come.
 */
function timeOf(token: SecurityEventToken, event: SecurityEvent, now: number): number | undefined {
  const seconds = own(event.payload, 'event_timestamp')
  if (seconds !== undefined && !isTime(seconds)) return undefined
  const at = seconds === undefined ? (token.occurredAt ?? token.issuedAt) : seconds * 1_000
  return at > now + SIGNAL_SKEW_MS ? undefined : Math.min(at, now)
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function fault(err: SignalFault['err'], description: string): SignalFault {
  return { err, description }
}
