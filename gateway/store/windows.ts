/**
 * Sliding windows as sums of sub-buckets. A window is cut into {@link PARTS}; what counts is the
 * running one and as many whole ones before it as cover a window, so that no period of the window's
 * length, wherever it begins, can have seen more than the sum. Pure; the Lua script of the Redis
 * store does the same steps (`redis/scripts.ts`), and one test suite holds for both.
 */
import type { GiveBack, Lease, LeaseAsk } from '../domain/shared-state.ts'

/** Whole sub-buckets in a window. */
export const PARTS = 16
/** Sub-buckets that count: the whole ones and the running one. */
export const KEPT = PARTS + 1

/** Amounts given under one key. */
export interface WindowState {
  /** Number of the newest sub-bucket since the epoch. */
  readonly at: number
  /** Amounts by sub-bucket, the newest first; {@link KEPT} of them. */
  readonly amounts: readonly number[]
}

/** Length of a sub-bucket in milliseconds: all the whole ones together are at least a window. */
export function partMs(windowMs: number): number {
  return Math.ceil(windowMs / PARTS)
}

/** Milliseconds after which a key that was not asked for counts nothing any more. */
export function keptMs(windowMs: number): number {
  return partMs(windowMs) * (KEPT + 1)
}

/** Gives as much of `ask` as there is left at `now`. `state` is absent when nothing changed. */
export function leaseFrom(
  before: WindowState | undefined,
  ask: LeaseAsk,
  now: number,
): { readonly lease: Lease; readonly state?: WindowState } {
  const state = advanced(before, Math.floor(now / partMs(ask.windowMs)))
  const free = Math.max(0, ask.max - sum(state.amounts))
  const granted = Math.min(ask.amount, free)
  const lease = {
    granted,
    left: free - granted,
    retryAfterMs: granted === ask.amount ? 0 : waitMs(state, ask, now, ask.amount - granted),
  }
  if (granted === 0) return { lease }
  const [newest = 0, ...rest] = state.amounts
  return { lease, state: { at: state.at, amounts: [newest + granted, ...rest] } }
}

/**
 * Takes an amount off, the oldest sub-buckets first: whoever else was given something, and when,
 * what stays counts at least as late as it was given. Answers nothing when nothing changes.
 */
export function giveBackTo(
  before: WindowState | undefined,
  part: GiveBack,
  now: number,
): WindowState | undefined {
  if (before === undefined) return undefined
  const width = partMs(part.windowMs)
  const state = advanced(before, Math.floor(now / width))
  const leasedAt = Math.floor((now - (part.heldMs ?? 0)) / width)
  if (leasedAt <= state.at - KEPT) return undefined
  let rest = part.amount
  const amounts = state.amounts.toReversed().map((amount) => {
    const taken = Math.min(amount, rest)
    rest -= taken
    return amount - taken
  })
  return { at: state.at, amounts: amounts.toReversed() }
}

/**
 * The state at sub-bucket `index`. When the clock stepped back, time stands still until it is
 * where it was; when it stepped back by more than is kept, all amounts count from now on, so that
 * a clock that once was far ahead does not hold a budget for years.
 */
function advanced(before: WindowState | undefined, index: number): WindowState {
  if (before === undefined) return { at: index, amounts: empty(KEPT) }
  const steps = index - before.at
  if (steps < -KEPT) return { at: index, amounts: [sum(before.amounts), ...empty(PARTS)] }
  if (steps <= 0) return before
  const fresh = empty(Math.min(steps, KEPT))
  return { at: index, amounts: [...fresh, ...before.amounts.slice(0, KEPT - fresh.length)] }
}

/** Until `missing`, or all there is, has aged out. */
function waitMs(state: WindowState, ask: LeaseAsk, now: number, missing: number): number {
  const width = partMs(ask.windowMs)
  let freed = Math.min(0, ask.max - sum(state.amounts))
  let wait = ask.windowMs
  for (let age = PARTS; age >= 0; age--) {
    const amount = state.amounts[age] ?? 0
    if (amount === 0) continue
    wait = (state.at - age + KEPT) * width - now
    freed += amount
    if (freed >= missing) break
  }
  return Math.max(1, wait)
}

const empty = (count: number): number[] => Array.from({ length: count }, () => 0)

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0)
}
