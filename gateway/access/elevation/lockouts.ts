/** Who is locked out: the approvals of such people do not count, and neither do their grants. */
import type { Action } from '../../domain/vocabulary.ts'
import type { Lock } from '../lock.ts'
import { isOnAccountsOf, issuerOfAccount } from '../locks/scope.ts'
import type { Person } from '../person.ts'
import type { AccessState } from '../state.ts'

type Locks = AccessState['locks']

/** Locks on somebody. */
interface Lockouts {
  /** By what they are on. */
  readonly byHolder: ReadonlyMap<string, readonly Lock[]>
  /** When they end, those that do, in order. */
  readonly ends: readonly number[]
}

/** Made once for each map of locks. */
const known = new WeakMap<Locks, Lockouts>()

function lockoutsOf(locks: Locks): Lockouts {
  const made = known.get(locks)
  if (made !== undefined) return made
  const byHolder = new Map<string, Lock[]>()
  const ends: number[] = []
  for (const lock of locks.values()) {
    const { target } = lock
    if (lock.lifted !== undefined || !isOnSomebody(target)) continue
    if (lock.expiresAt !== undefined) ends.push(lock.expiresAt)
    const list = byHolder.get(target.id)
    if (list === undefined) byHolder.set(target.id, [lock])
    else list.push(lock)
  }
  const lockouts = { byHolder, ends: ends.sort((a, b) => a - b) }
  known.set(locks, lockouts)
  return lockouts
}

/** When the first of the locks on somebody ends that are in force at `now`; Infinity when none does. */
export function nextLockoutEnd({ locks }: Pick<AccessState, 'locks'>, now: number): number {
  if (locks.size === 0) return Infinity
  return lockoutsOf(locks).ends.find((end) => end > now) ?? Infinity
}

type OnSomebody = Extract<Lock['target'], { readonly id: string }>

const SOMEBODY: ReadonlySet<Lock['target']['kind']> = new Set(['user', 'group', 'role', 'person'])

function isOnSomebody(target: Lock['target']): target is OnSomebody {
  return SOMEBODY.has(target.kind)
}

/**
 * Whether a lock that is in force at `now` is on this person, on one of their accounts, groups or
 * roles. A lock of some actions counts when it is of one of `actions`.
 */
export function isLockedOut(
  { locks }: Pick<AccessState, 'locks'>,
  now: number,
  who: { readonly person: Person; readonly holds: ReadonlySet<string> },
  actions: readonly Action[],
): boolean {
  if (locks.size === 0) return false
  const { byHolder } = lockoutsOf(locks)
  if (byHolder.size === 0) return false
  const { person, id, holds } = who.person
  const issuer = issuerOfAccount(id)
  for (const name of new Set([person, id, ...holds, ...who.holds])) {
    for (const lock of byHolder.get(name) ?? []) {
      const isOver = lock.expiresAt !== undefined && lock.expiresAt <= now
      const isAbout = lock.actions?.some((action) => actions.includes(action)) ?? true
      if (!isOver && isAbout && isOnAccountsOf(lock, issuer)) return true
    }
  }
  return false
}
