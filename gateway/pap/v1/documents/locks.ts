/** Locks and drills as the API shows them. */
import type { Drill, Lock, LockCause, LockTarget } from '../../../access/lock.ts'
import { namesNothing, type KnownNames } from '../../../access/locks/names-nothing.ts'
import { drillOutcome } from '../../../access/locks/drills.ts'
import { lockStatusOf } from '../../../access/standing.ts'
import type { ApiAnswer } from '../../../settings/schemas/api.ts'
import { endedDocument, given, instant, same } from './common.ts'

/** A lock. @param names those of the configuration here, for a warning where it is on none of them */
export function lockDocument(lock: Lock, now: number, names: KnownNames): ApiAnswer<'lock'> {
  const { id, target, actions, issuers, reason, cause, by, at, expiresAt, liftAsked, lifted } = lock
  return {
    id,
    status: lockStatusOf(lock, now),
    target: targetDocument(target),
    ...given('actions', actions, (list) => [...list]),
    ...given('issuers', issuers, (list) => [...list]),
    reason,
    cause: causeDocument(cause),
    by,
    at: instant(at),
    ...given('expires_at', expiresAt, instant),
    ...given('lift_asked', liftAsked, endedDocument),
    ...given('lifted', lifted, (end) => ({
      by: [...end.by],
      at: instant(end.at),
      reason: end.reason,
    })),
    ...given('warning', namesNothing(target, names), same),
  }
}

function targetDocument(target: LockTarget): ApiAnswer<'lock'>['target'] {
  if (target.kind !== 'issued-before') return { ...target }
  return { ...target, before: instant(target.before) }
}

function causeDocument(cause: LockCause): ApiAnswer<'lock'>['cause'] {
  if (cause.kind !== 'signal') return { ...cause }
  return { kind: cause.kind, issuer: cause.issuer, event: cause.event }
}

/** A drill, with what each replica found. */
export function drillDocument(drill: Drill, now: number): ApiAnswer<'drill'> {
  const { state, missing } = drillOutcome(drill, now)
  return {
    id: drill.id,
    state,
    by: drill.by,
    at: instant(drill.at),
    expected: drill.expected.map(({ id, name }) => ({ id, name })),
    missing: missing.map(({ id, name }) => ({ id, name })),
    reports: drill.reports.map(({ replica, name, ok, refusedMs, cutMs, detail }) => ({
      replica,
      name,
      ok,
      refused_ms: refusedMs,
      cut_ms: cutMs,
      ...given('detail', detail, same),
    })),
  }
}
