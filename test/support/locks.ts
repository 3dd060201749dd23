/** Locks and what they are looked up by, for tests. */
import type { Lock, LockTarget } from '../../gateway/access/lock.ts'
import type { LockAsk } from '../../gateway/access/locks/set-lock.ts'
import type { LockFacts } from '../../gateway/access/view.ts'
import type { Subject } from '../../gateway/domain/subject.ts'

/** The time at which these locks were set. */
export const LOCKED_AT = 1_700_000_000_000

/** The id of the lock with this number. */
export const lockId = (number: number) => `lock-${String(number).padStart(26, '0')}`

/** A lock without an end. */
export function lockOf(target: LockTarget, more: Partial<Lock> = {}): Lock {
  return {
    id: lockId(1),
    target,
    reason: 'a leaked token, see ticket 4711',
    cause: { kind: 'operator' },
    by: 'user:corp/olga',
    person: 'person:olga',
    at: LOCKED_AT,
    ...more,
  }
}

/** Locks by id. */
export function lockMap(...locks: readonly Lock[]): ReadonlyMap<string, Lock> {
  return new Map(locks.map((lock) => [lock.id, lock]))
}

/** What an operator asks for. */
export function askFor(target: LockTarget, more: Partial<LockAsk> = {}): LockAsk {
  return {
    id: lockId(1),
    target,
    reason: 'a leaked token',
    cause: { kind: 'operator' },
    by: 'user:corp/olga',
    person: 'person:olga',
    ...more,
  }
}

/** A caller of whom everything is known. */
export const MALLORY: Subject = {
  id: 'user:corp/mallory',
  issuer: 'https://idp.test',
  issuerName: 'corp',
  groups: ['group:science'],
  roles: ['role:reader'],
  tokenId: 'jti-1',
  sessionId: 'sid-1',
  person: 'person:e-7',
  issuedAt: LOCKED_AT - 60_000,
  expiresAt: LOCKED_AT + 3_600_000,
  authentication: {},
  claims: new Map(),
}

/** One inference of that caller. */
export function factsOf(more: Partial<LockFacts> = {}): LockFacts {
  return {
    subject: MALLORY,
    holdings: new Set([MALLORY.id, 'group:science', 'role:reader', 'role:trainer', 'role:anyone']),
    client: '10.1.2.3',
    devices: ['laptop-7'],
    operations: [{ action: 'infer', resource: { kind: 'model', name: 'fraud', version: '3' } }],
    upstream: 'llm',
    ...more,
  }
}

/** Locks on as many tokens, `jti-x0` and on. */
export function tokenLocks(count: number): ReadonlyMap<string, Lock> {
  return new Map(
    Array.from({ length: count }, (_, i) => {
      const id = lockId(i)
      const target = { kind: 'token', issuer: 'corp', id: `jti-x${i}` } as const
      return [id, lockOf(target, { id })]
    }),
  )
}
