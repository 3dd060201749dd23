/** How accounts of budgets are kept. */
import type { Clock } from '../domain/clock.ts'
import type { LeaseDesk } from './lease-desk.ts'

/** How accounts are kept. */
export interface AccountRules {
  readonly desk: LeaseDesk
  readonly clock: Clock
  /** Share of a maximum that is taken at a time, 0 to 1. */
  readonly leaseShare: number
  readonly whenUnavailable: 'refuse' | 'continue'
}

/** How an account begins. */
export interface AccountBegin {
  readonly nowMs: number
  /** False where it may have been forgotten before: only the store knows then what was used. */
  readonly hasCredit: boolean
}

/** Whether an amount may be used now. */
export type Standing = 'enough' | 'wait' | 'exhausted' | 'unavailable'

/** The size of a lease: a share of the budget, at least 1. */
export function leaseOf(max: number, share: number): number {
  return Math.max(1, Math.floor(max * share))
}
