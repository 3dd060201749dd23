/** Ends what is under way when a lock is set. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Lock } from '../../access/lock.ts'
import type { LockFacts } from '../../access/view.ts'
import { refuse } from '../../domain/refusal.ts'
import type { Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'
import { endLocked, lockFactsOf, type Lockable } from '../watching/locked.ts'

/** Longest piece of work between two turns of the event loop, milliseconds. */
const SLICE_MS = 4

/** What can be ended: an exchange, or one that a drill makes up. */
export type Cuttable = Lockable & Pick<Exchange, 'id' | 'cut' | 'lockedBy'>

/** Says which new lock, if any, something is under. */
export type FindLock = (facts: LockFacts) => Lock | undefined

/**
 * Ends those of `exchanges` that `find` has a lock for. One that is not being forwarded yet is left:
 * it asks for locks itself before anything of it leaves. Works in slices, so that thousands of open
 * streams hold up no new request for long. Never rejects.
 * @returns how many were ended, by id of the lock
 */
export async function cutLocked(
  exchanges: readonly Cuttable[],
  services: Pick<Services, 'clock' | 'log' | 'metrics'>,
  find: FindLock,
): Promise<ReadonlyMap<string, number>> {
  const ended = new Map<string, number>()
  let sliceMs = services.clock.monotonicMs()
  for (const exchange of exchanges) {
    const lock = cutOne(exchange, services, find)
    if (lock !== undefined) ended.set(lock.id, (ended.get(lock.id) ?? 0) + 1)
    if (services.clock.monotonicMs() - sliceMs < SLICE_MS) continue
    await nextTurn()
    sliceMs = services.clock.monotonicMs()
  }
  return ended
}

function cutOne(
  exchange: Cuttable,
  services: Pick<Services, 'log' | 'metrics'>,
  find: FindLock,
): Lock | undefined {
  if (exchange.cut === undefined || exchange.environment === undefined) return undefined
  try {
    const lock = find(lockFactsOf(exchange))
    return lock !== undefined && endLocked(exchange, services, lock) ? lock : undefined
  } catch (error) {
    // Not being able to find out is a reason to end it as well (I6).
    services.log.error({ decisionId: exchange.id, err: error }, 'looking for locks failed')
    exchange.cut(refuse('indeterminate'))
    return undefined
  }
}
