/** Taking a signal: the command that turns what an issuer says into locks, once. */
import type { SecurityEventToken } from '../../domain/security-event.ts'
import { decline, type Command } from '../command.ts'
import type { AccessEvent } from '../events.ts'
import { newId } from '../ids.ts'
import type { Lock, LockTarget } from '../lock.ts'
import { isOnAccountsOf } from '../locks/scope.ts'
import type { AccessState } from '../state.ts'
import type { Signal } from './read-signals.ts'
import type { SignalSource } from './source.ts'
import { happenedAt, isFreedBy, keyOfLock, wantedLocks, type WantedLock } from './targets.ts'

/**
 * What came of a token.
 *
 * - `applied`: something was locked or freed.
 * - `noted`: it asked for nothing that is done here, or for what is so already.
 * - `not-applicable`: it asked for something, of somebody or in a way that is not known here. An
 *   operator should look at the mapping of this issuer.
 * - `repeated`: it was taken before; nothing was done.
 */
export type SignalResult = 'applied' | 'noted' | 'not-applicable' | 'repeated'

/** What a taken token led to. */
export interface SignalTaken {
  readonly result: SignalResult
  /** Ids. */
  readonly locked: readonly string[]
  readonly freed: readonly string[]
}

/** Locks in force that signals of one issuer may have set; more are refused, loudly. */
export const SIGNAL_LOCKS_MAX = 10_000

/** Locks that one signal may free. */
const FREED_MAX = 16

/** Takes `token`, which was verified and read as `signals`. */
export function takeSignals(
  token: SecurityEventToken,
  signals: readonly Signal[],
  source: SignalSource,
): Command<SignalTaken> {
  return (state, now) => {
    if (state.signals.has(`${source.name} ${token.jti}`)) {
      return { events: [], result: { result: 'repeated', locked: [], freed: [] } }
    }
    const inForce = locksInForce(state, source, now)
    const events: AccessEvent[] = []
    for (const signal of signals) {
      events.push(...locksForSignal({ signal, source, jti: token.jti }, inForce, now))
    }
    if (inForce.size >= SIGNAL_LOCKS_MAX && events.some(isOfSession)) {
      return decline('too_many', 'Signals of this issuer have set too many locks already')
    }
    const result = resultOf(signals, events, source)
    return { events: withReceipt(events, token, source), result }
  }
}

/** Ends of sessions come by the thousand, and can be made to; that an account is disabled always counts. */
function isOfSession(event: AccessEvent): boolean {
  if (event.type !== 'lock.set') return false
  const { kind } = event.lock.target
  return kind === 'session' || kind === 'token' || kind === 'issued-before'
}

/** A signal of a token, and whose it is. */
export interface SignalAsk {
  readonly signal: Signal
  readonly source: SignalSource
  readonly jti: string
}

/**
 * What `ask` changes about the locks `inForce`, by {@link keyOfLock}; these are brought up to date,
 * for the next signal of the same token.
 */
export function locksForSignal(
  { signal, source, jti }: SignalAsk,
  inForce: Map<string, Lock>,
  now: number,
): readonly AccessEvent[] {
  const events: AccessEvent[] = []
  for (const wanted of wantedLocks(signal, source)) {
    const key = keyOfLock(wanted.target, signal.event)
    const there = inForce.get(key)
    const asked = lockOf(wanted, { signal, source, jti }, now)
    if (there !== undefined && doesForBoth(there, asked)) continue
    const lock = there === undefined ? asked : inPlaceOf(there, asked)
    inForce.set(key, lock)
    events.push({ type: 'lock.set', lock })
    // Left standing, it would not be found when the issuer takes its word back.
    if (there !== undefined) events.push(liftOf(there, source, 'A newer lock is in its place'))
  }
  for (const [key, lock] of inForce) {
    if (events.length >= FREED_MAX || !isFreedBy(lock, signal, source)) continue
    inForce.delete(key)
    events.push(liftOf(lock, source, `The issuer says otherwise: ${nameOf(signal.event)}`))
  }
  return events
}

function liftOf({ id }: Lock, { name }: SignalSource, reason: string): AccessEvent {
  return { type: 'lock.lifted', id, by: [`issuer:${name}`], reason }
}

/** Whether `there` is as wide as `asked`, as long, and set for nothing older. */
function doesForBoth(there: Lock, asked: Lock): boolean {
  const isAsLong = (there.expiresAt ?? Infinity) >= (asked.expiresAt ?? Infinity)
  return isAsLong && happenedAt(there) >= happenedAt(asked) && isAsWide(there, asked)
}

/** Whether `there` counts for every account that `wanted` counts for. */
function isAsWide(there: Lock, wanted: Lock): boolean {
  return wanted.issuers?.every((name) => isOnAccountsOf(there, name)) ?? there.issuers === undefined
}

/** `asked`, for all that `there` is for too: its accounts, its time, and what happened last. */
function inPlaceOf(there: Lock, { expiresAt, ...asked }: SignalLock): Lock {
  const { issuers, cause } = asked
  const end = Math.max(expiresAt ?? Infinity, there.expiresAt ?? Infinity)
  return {
    ...asked,
    // What comes late, of something older, does not make the lock any older.
    cause: { ...cause, occurredAt: Math.max(cause.occurredAt, happenedAt(there)) },
    ...(issuers === undefined
      ? {}
      : { issuers: [...new Set([...issuers, ...(there.issuers ?? [])])] }),
    ...(end === Infinity ? {} : { expiresAt: end }),
  }
}

function locksInForce(state: AccessState, source: SignalSource, now: number): Map<string, Lock> {
  const found = new Map<string, Lock>()
  for (const lock of state.locks.values()) {
    const { cause, lifted, expiresAt = Infinity } = lock
    if (cause.kind !== 'signal' || cause.issuer !== source.name) continue
    if (lifted === undefined && expiresAt > now)
      found.set(keyOfLock(lock.target, cause.event), lock)
  }
  return found
}

/** A lock that a signal sets. */
interface SignalLock extends Lock {
  readonly cause: Extract<Lock['cause'], { kind: 'signal' }> & { readonly occurredAt: number }
}

function lockOf({ target, ttlMs }: WantedLock, ask: SignalAsk, now: number): SignalLock {
  const { signal, source, jti } = ask
  const { event, occurredAt } = signal
  return {
    id: newId('lock', now),
    target,
    ...(isOfNoIssuer(target) ? { issuers: source.locksAccountsOf } : {}),
    reason: `The issuer ${source.name} says: ${nameOf(event)}`,
    cause: { kind: 'signal', issuer: source.name, jti, event, occurredAt },
    by: `issuer:${source.name}`,
    at: now,
    ...(ttlMs === undefined ? {} : { expiresAt: now + ttlMs }),
  }
}

/** Accounts, logins and tokens have their issuer in their names. */
function isOfNoIssuer({ kind }: LockTarget): boolean {
  return kind === 'person' || kind === 'device'
}

/** The last part of the URI of an event that is known here. */
function nameOf(event: string): string {
  return event.slice(event.lastIndexOf('/') + 1)
}

function resultOf(
  signals: readonly Signal[],
  events: readonly AccessEvent[],
  source: SignalSource,
): SignalTaken {
  const locked = events.flatMap((one) => (one.type === 'lock.set' ? [one.lock.id] : []))
  const freed = events.flatMap((one) => (one.type === 'lock.lifted' ? [one.id] : []))
  if (locked.length + freed.length > 0) return { result: 'applied', locked, freed }
  const isLost = signals.some((signal) => isNotApplicable(signal, source))
  return { result: isLost ? 'not-applicable' : 'noted', locked, freed }
}

/** It asked for something, and there is nothing it could be done to. */
function isNotApplicable(signal: Signal, source: SignalSource): boolean {
  const { effect, subjects } = signal
  if (effect === 'note') return false
  if (effect === 'unknown') return true
  const frees = effect.startsWith('free-')
  return frees ? subjects.length === 0 : wantedLocks(signal, source).length === 0
}

/** A lock's entry says which signal set it; every other token needs an entry of its own. */
function withReceipt(
  events: readonly AccessEvent[],
  { jti, events: [first] }: SecurityEventToken,
  source: SignalSource,
): readonly AccessEvent[] {
  if (events.some(({ type }) => type === 'lock.set')) return events
  const event = (first?.type ?? '').slice(0, EVENT_CHARS_MAX)
  return [...events, { type: 'signal.received', issuer: source.name, jti, event }]
}

const EVENT_CHARS_MAX = 256
