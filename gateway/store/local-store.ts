/**
 * The shared state over a store of keys and values with transactions: what the embedded store and
 * the one in memory have in common.
 */
import type {
  ClaimAsk,
  ClaimProgress,
  GiveBack,
  HoldAsk,
  LeaseAsk,
  Lockout,
  SharedStore,
} from '../domain/shared-state.ts'
import {
  checkClaim,
  checkGiveBack,
  checkHold,
  checkLease,
  checkLockout,
  checkProgress,
} from './asks.ts'
import {
  KEPT_AFTER_END_MS,
  claimOf,
  progressOf,
  releaseOf,
  type ClaimIds,
  type GrantUse,
} from './claims.ts'
import { digestOf } from './digests.ts'
import { holdOf, type HoldState } from './holds.ts'
import type { KeyValues, Transaction } from './key-values.ts'
import { createLocalJournal } from './journal/local-journal.ts'
import { createLockouts } from './lockouts.ts'
import { giveBackTo, keptMs, leaseFrom, type WindowState } from './windows.ts'

type Asks = Omit<SharedStore, 'kind' | 'healthy' | 'close'>

/** The ports over `values`; `now` is the store's time. */
export function createLocalStore(values: KeyValues, now: () => number): Asks {
  return {
    ...quotas(values, now),
    ...claims(values, now),
    ...lockoutPort(values, now),
    journal: createLocalJournal(values, now),
  }
}

type Part<K extends keyof Asks> = Pick<Asks, K>

function quotas(values: KeyValues, now: () => number): Part<'lease' | 'giveBack' | 'hold'> {
  const lease = (tx: Transaction, ask: LeaseAsk) => {
    const key = windowKey(ask)
    const { lease: given, state } = leaseFrom(tx.get(key) as WindowState | undefined, ask, now())
    if (state !== undefined) tx.put(key, state, now() + keptMs(ask.windowMs))
    return given
  }
  const giveBack = (tx: Transaction, part: GiveBack) => {
    const key = windowKey(part)
    const state = giveBackTo(tx.get(key) as WindowState | undefined, part, now())
    if (state !== undefined) tx.put(key, state, now() + keptMs(part.windowMs))
  }
  const hold = (tx: Transaction, ask: HoldAsk) => {
    const key = `h${digestOf('hold', ask.key)}`
    const holder = digestOf('holder', ask.holder)
    const { places, state } = holdOf(tx.get(key) as HoldState | undefined, ask, holder, now())
    const ends = Object.values(state).map(({ until }) => until)
    if (ends.length === 0) tx.remove(key)
    else tx.put(key, state, Math.max(...ends))
    return places
  }
  return {
    async lease(asks) {
      asks.forEach(checkLease)
      return values.transact(false, (tx) => asks.map((ask) => lease(tx, ask)))
    },
    async giveBack(parts) {
      parts.forEach(checkGiveBack)
      await values.transact(false, (tx) => parts.forEach((part) => giveBack(tx, part)))
    },
    async hold(ask) {
      checkHold(ask)
      return values.transact(false, (tx) => hold(tx, ask))
    },
  }
}

function claims(values: KeyValues, now: () => number): Part<'claim' | 'progress' | 'release'> {
  const keep = (tx: Transaction, part: { grant: string }, state: GrantUse | undefined): void => {
    if (state === undefined) return
    tx.put(grantKey(part), state, state.expiresAt + KEPT_AFTER_END_MS)
  }
  const use = (tx: Transaction, part: { grant: string }) =>
    tx.get(grantKey(part)) as GrantUse | undefined
  return {
    async claim(ask) {
      checkClaim(ask)
      return values.transact(true, (tx) => {
        const { claim, state } = claimOf(use(tx, ask), ask, idsOf(ask), now())
        keep(tx, ask, state)
        return claim
      })
    },
    async progress(part) {
      checkProgress(part)
      return values.transact(false, (tx) => {
        const { bytesLeft, state } = progressOf(use(tx, part), part, idsOf(part), now())
        keep(tx, part, state)
        return bytesLeft
      })
    },
    async release(part) {
      checkProgress(part)
      await values.transact(true, (tx) =>
        keep(tx, part, releaseOf(use(tx, part), part, idsOf(part), now())),
      )
    },
  }
}

function lockoutPort(values: KeyValues, now: () => number): Part<'lock' | 'lockouts' | 'unlock'> {
  const lockouts = createLockouts(now)
  return {
    async lock(subject, forMs, decisionId) {
      checkLockout(subject, forMs, decisionId)
      const lockout: Lockout = { subject, until: now() + forMs, decisionId }
      await values.transact(true, (tx) => lockouts.add(tx, lockout))
    },
    lockouts: () => values.transact(false, (tx) => lockouts.list(tx)),
    async unlock(subject) {
      checkLockout(subject, 1, '')
      await values.transact(true, (tx) => lockouts.remove(tx, subject))
    },
  }
}

function windowKey({ key, windowMs }: Pick<LeaseAsk, 'key' | 'windowMs'>): string {
  return `w${digestOf('window', windowMs, key)}`
}

function grantKey({ grant }: { readonly grant: string }): string {
  return `g${digestOf('grant', grant)}`
}

function idsOf(part: Pick<ClaimAsk & ClaimProgress, 'transfer' | 'attempt'>): ClaimIds {
  return {
    transfer: digestOf('transfer', part.transfer),
    attempt: digestOf('attempt', part.attempt),
  }
}
