/** What happens here when the journal has a new lock: streams end, the time it took is kept. */
import type { Lock } from '../../access/lock.ts'
import { createLockIndex } from '../../access/locks/lock-index.ts'
import { isInForce } from '../../access/locks/in-force.ts'
import type { Applied } from '../../access/replica.ts'
import type { Services } from '../runtime.ts'
import type { Flights } from '../streams/flights.ts'

/** What {@link createLockEnforcer} needs. */
export interface LockEnforcerDeps {
  readonly services: Pick<Services, 'ledger' | 'metrics' | 'log'>
  readonly flights: Pick<Flights, 'cutLocked'>
  /** The store's time, as far as it is known here. */
  readonly now: () => number
}

/**
 * To be told of every change, after the view that requests ask has it: new requests are refused
 * from then on. Ends what is under way and writes down, for each new lock, how many exchanges it
 * ended and after how many milliseconds. Locks that were set before this was made are enforced, and
 * not measured: this process was not there. The result settles when all of it is done, and never
 * rejects.
 */
export function createLockEnforcer(deps: LockEnforcerDeps): (applied: Applied) => Promise<void> {
  const since = deps.now()
  return async ({ before, after }) => {
    if (before.locks === after.locks) return
    const now = deps.now()
    const fresh = new Map<string, Lock>()
    for (const [id, lock] of after.locks) {
      if (!before.locks.has(id) && isInForce(lock, now)) fresh.set(id, lock)
    }
    if (fresh.size > 0) await enforce(deps, fresh, since)
  }
}

async function enforce(
  { services, flights, now }: LockEnforcerDeps,
  locks: ReadonlyMap<string, Lock>,
  since: number,
): Promise<void> {
  const { metrics, log } = services
  const measured = [...locks.values()].filter(({ at }) => at >= since)
  const refusedAt = now()
  for (const { at } of measured) metrics.lockEnforced('refusal', Math.max(0, refusedAt - at))
  const index = createLockIndex(locks)
  const ended = await flights.cutLocked((facts) => index.find(facts, now()))
  const cutAt = now()
  for (const lock of measured) {
    const cut = ended.get(lock.id) ?? 0
    const ms = Math.max(0, cutAt - lock.at)
    if (cut > 0) metrics.lockEnforced('stream', ms)
    log.warn({ lock: lock.id, kind: lock.target.kind, cut, ms }, 'a lock is enforced')
    await writeDown(services, lock, { cut, ms })
  }
}

/** Whom it is on and why is in the record of its setting; this says that it holds here. */
async function writeDown(
  { ledger, metrics, log }: LockEnforcerDeps['services'],
  { id, target, actions, expiresAt }: Lock,
  done: { readonly cut: number; readonly ms: number },
): Promise<void> {
  const fields = {
    lock: id,
    kind: target.kind,
    acts: actions,
    until: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
    ...done,
  }
  try {
    await ledger.append({ type: 'lock.enforced', fields }, 'disk')
  } catch (error) {
    // The lock holds all the same.
    metrics.auditError()
    log.error({ lock: id, err: error }, 'that a lock is enforced was not recorded')
  }
}
