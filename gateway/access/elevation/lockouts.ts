/** Who is locked out: the approvals of such people do not count, and neither do their grants. */
import type { Action } from '../../domain/vocabulary.ts'
import type { Lock } from '../lock.ts'
import type { Person } from '../person.ts'
import type { AccessState } from '../state.ts'

type Locks = AccessState['locks']

/** Locks on somebody, by what they are on; made once for each map of locks. */
const known = new WeakMap<Locks, ReadonlyMap<string, readonly Lock[]>>()

function byHolder(locks: Locks): ReadonlyMap<string, readonly Lock[]> {
  const made = known.get(locks)
  if (made !== undefined) return made
  const lists = new Map<string, Lock[]>()
  for (const lock of locks.values()) {
    const { target } = lock
    if (lock.lifted !== undefined || !isOnSomebody(target)) continue
    const list = lists.get(target.id)
    if (list === undefined) lists.set(target.id, [lock])
    else list.push(lock)
  }
  known.set(locks, lists)
  return lists
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
  const lists = byHolder(locks)
  if (lists.size === 0) return false
  const { person, id, holds } = who.person
  for (const name of new Set([person, id, ...holds, ...who.holds])) {
    for (const lock of lists.get(name) ?? []) {
      const isOver = lock.expiresAt !== undefined && lock.expiresAt <= now
      const isAbout = lock.actions?.some((action) => actions.includes(action)) ?? true
      if (!isOver && isAbout) return true
    }
  }
  return false
}
