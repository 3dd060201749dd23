/** Lockouts over keys and values; the list is read again only when it changed. */
import type { Lockout } from '../domain/shared-state.ts'
import { digestOf } from './digests.ts'
import type { Transaction } from './key-values.ts'

/** Lockouts kept; of more, those that end first are dropped. */
export const LOCKOUTS_MAX = 100_000

const PREFIX = 'l'
/** Sorts outside of {@link PREFIX}. */
const VERSION_KEY = 'version of lockouts'
const FOREVER = Number.MAX_SAFE_INTEGER

/** Work on lockouts inside a transaction. */
export interface Lockouts {
  add(transaction: Transaction, lockout: Lockout): void
  remove(transaction: Transaction, subject: string): void
  list(transaction: Transaction): readonly Lockout[]
}

/** The lockouts of one store; `now` is its time. */
export function createLockouts(now: () => number): Lockouts {
  let seen: { readonly version: unknown; readonly list: readonly Lockout[] } | undefined
  const bump = (tx: Transaction): void => {
    const version = tx.get(VERSION_KEY)
    tx.put(VERSION_KEY, typeof version === 'number' ? version + 1 : 1, FOREVER)
  }
  return {
    add(tx, lockout) {
      const key = keyOf(lockout.subject)
      const known = tx.get(key) as Lockout | undefined
      if (known !== undefined && known.until >= lockout.until) return
      tx.put(key, lockout, lockout.until)
      bump(tx)
    },
    remove(tx, subject) {
      tx.remove(keyOf(subject))
      bump(tx)
    },
    list(tx) {
      const version = tx.get(VERSION_KEY)
      if (seen?.version !== version || seen === undefined) seen = { version, list: read(tx, now()) }
      const at = now()
      return seen.list.filter(({ until }) => until > at)
    },
  }
}

function read(tx: Transaction, now: number): readonly Lockout[] {
  const all = [...tx.entries(PREFIX)]
    .map(([, value]) => value as Lockout)
    .filter(({ until }) => until > now)
    .sort((a, b) => b.until - a.until)
  for (const { subject } of all.slice(LOCKOUTS_MAX)) tx.remove(keyOf(subject))
  return all.slice(0, LOCKOUTS_MAX)
}

function keyOf(subject: string): string {
  return PREFIX + digestOf('lockout', subject)
}
