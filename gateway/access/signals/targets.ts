/** What a signal locks, or what it frees. */
import type { Lock, LockTarget } from '../lock.ts'
import { RISC, CAEP } from './effects.ts'
import type { Signal } from './read-signals.ts'
import type { SignalSource } from './source.ts'
import type { SignalSubject } from './subjects.ts'

/** A lock to be set. */
export interface WantedLock {
  readonly target: LockTarget
  /** How long it is needed; until somebody lifts it when absent. Milliseconds. */
  readonly ttlMs?: number
}

const SECOND_MS = 1_000

/** The locks that `signal` asks for; empty when it asks for none or names nobody for it. */
export function wantedLocks(signal: Signal, source: SignalSource): readonly WantedLock[] {
  const { effect } = signal
  switch (effect) {
    case 'end-sessions':
      return endSessions(signal, source)
    case 'end-tokens':
      return signal.subjects.flatMap((one) => endTokens(one, signal, source))
    case 'lock-account':
      return targetsOf(signal, source, ['user', 'person']).map((target) => ({ target }))
    case 'lock-device':
      return targetsOf(signal, source, ['device']).map((target) => ({ target }))
    case 'lock-risk':
      return riskTargets(signal, source).map((target) => ({ target, ttlMs: source.riskMs }))
    case 'free-account':
    case 'free-device':
    case 'free-risk':
    case 'note':
    case 'unknown':
      return []
  }
}

/**
 * Whether `signal` takes back `lock`: only one that a signal of the same issuer and of the same
 * family set on the same thing, and not for something that happened later.
 */
export function isFreedBy(lock: Lock, signal: Signal, source: SignalSource): boolean {
  const { cause, target, lifted } = lock
  if (lifted !== undefined || cause.kind !== 'signal' || cause.issuer !== source.name) return false
  if (happenedAt(lock) > signal.occurredAt) return false
  const freed = freedBy(signal, source)
  if (freed === undefined || !cause.event.startsWith(freed.event)) return false
  const wanted = keyOfLock(target, cause.event)
  return freed.targets.some((one) => keyOfLock(one, cause.event) === wanted)
}

/** When that happened for which `lock` was set, as far as it is known. */
export function happenedAt({ cause, at }: Lock): number {
  return (cause.kind === 'signal' ? cause.occurredAt : undefined) ?? at
}

/**
 * One text for one target and one family of events, so that the same lock is not set twice, and that
 * one family does not rely on a lock that another may lift.
 */
export function keyOfLock(target: LockTarget, event: string): string {
  const family = event.startsWith(RISC) ? RISC : event
  return JSON.stringify([family, ...Object.entries(target).sort(([a], [b]) => (a < b ? -1 : 1))])
}

interface Freed {
  /** The locks were set by events that begin with it. */
  readonly event: string
  readonly targets: readonly LockTarget[]
}

function freedBy(signal: Signal, source: SignalSource): Freed | undefined {
  const { effect } = signal
  if (effect === 'free-account') {
    return { event: RISC, targets: targetsOf(signal, source, ['user', 'person']) }
  }
  if (effect === 'free-device') {
    const targets = targetsOf(signal, source, ['device'])
    return { event: `${CAEP}device-compliance-change`, targets }
  }
  if (effect !== 'free-risk') return undefined
  return { event: `${CAEP}risk-level-change`, targets: riskTargets(signal, source) }
}

/** The login that is named; without one, all there were. A bare id may be either. */
function endSessions(signal: Signal, source: SignalSource): readonly WantedLock[] {
  const { subjects } = signal
  const sessions = subjects.filter(({ kind }) => kind === 'session')
  const ended = sessions.length > 0 ? sessions : subjects
  return ended.flatMap((one): readonly WantedLock[] => {
    const wider = endTokens(one, signal, source)
    const isLogin = one.kind === 'session' || one.kind === 'opaque'
    const target = { kind: 'session', issuer: source.name, id: one.id } as const
    return isLogin ? [{ target, ttlMs: source.tokenMs }, ...wider] : wider
  })
}

/**
 * Tokens issued until the second in which it happened. Nothing says of a person or a device when its
 * tokens were issued: these are locked until the last of them has expired.
 */
function endTokens(
  one: SignalSubject,
  { occurredAt }: Signal,
  source: SignalSource,
): readonly WantedLock[] {
  const ttlMs = source.tokenMs
  const subject = accountOf(one, source)
  if (subject !== undefined) {
    const before = (Math.floor(occurredAt / SECOND_MS) + 1) * SECOND_MS
    return [{ target: { kind: 'issued-before', subject, before }, ttlMs }]
  }
  if (one.kind === 'session') return []
  const target = targetOf(one, source)
  return target === undefined ? [] : [{ target, ttlMs }]
}

/** Whatever is named: the event does not say what kind of thing runs the risk but by naming it. */
function riskTargets(signal: Signal, source: SignalSource): readonly LockTarget[] {
  return targetsOf(signal, source, ['user', 'person', 'device', 'session', 'token'])
}

function targetsOf(
  { subjects, effect }: Signal,
  source: SignalSource,
  kinds: readonly LockTarget['kind'][],
): readonly LockTarget[] {
  const isDevice = effect === 'lock-device' || effect === 'free-device'
  return subjects.flatMap((one) => {
    // With an event about devices a bare id is that of one.
    const meant = isDevice && one.kind === 'opaque' ? ({ ...one, kind: 'device' } as const) : one
    const target = targetOf(meant, source)
    return target !== undefined && kinds.includes(target.kind) ? [target] : []
  })
}

function targetOf(one: SignalSubject, source: SignalSource): LockTarget | undefined {
  const account = accountOf(one, source)
  if (account !== undefined) return { kind: 'user', id: account }
  switch (one.kind) {
    case 'person':
    case 'device':
      return { kind: one.kind, id: one.id }
    case 'session':
    case 'token':
      return { kind: one.kind, issuer: source.name, id: one.id }
    case 'user':
    case 'opaque':
      return undefined
  }
}

/** `user:…`, where the issuer's `sub` is what accounts are named by. */
function accountOf(one: SignalSubject, source: SignalSource): string | undefined {
  if (!source.subIsAccount) return undefined
  if (one.kind === 'user') return one.id
  return one.kind === 'opaque' ? `user:${source.name}/${one.id}` : undefined
}
