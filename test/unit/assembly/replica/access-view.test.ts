import { describe, expect, it } from '@jest/globals'
import { createLockIndex } from '../../../../gateway/access/locks/lock-index.ts'
import type { Applied } from '../../../../gateway/access/replica.ts'
import { emptyState, type AccessState } from '../../../../gateway/access/state.ts'
import { createAccessView } from '../../../../gateway/assembly/replica/access-view.ts'
import type { Regression } from '../../../../gateway/assembly/replica/regression.ts'
import { ALICE } from '../../../support/pipeline.ts'
import { lockOf } from '../../../support/replicas.ts'

const NOW = 1_700_000_000_000

function viewOf(regression?: Regression) {
  const listeners: ((applied: Applied) => void)[] = []
  const asked: number[] = []
  const before: AccessState = emptyState('e')
  const granted = new Map([['grant-1', {}]]) as unknown as AccessState['grants']
  const replica = {
    state: { ...before, grants: granted },
    fresh: true,
    stalenessMs: 3,
    now: () => NOW,
    onApplied: (listener: (applied: Applied) => void) => void listeners.push(listener),
    used: () => undefined,
    regression,
  }
  const view = createAccessView({
    replica,
    locks: createLockIndex(before.locks),
    grants: { find: (_, { now }) => (asked.push(now), {}) },
    reviews: { revokedBy: () => undefined },
    versions: { isRestricted: () => true },
    seen: () => undefined,
  })
  return { view, listeners, asked, before }
}

const facts = { subject: ALICE, holdings: new Set([ALICE.id]), client: '::1', operations: [] }
const ask = { subject: ALICE, operations: [], now: 5 }

describe('the view of the state', () => {
  it('has a lock from the turn in which it is applied', () => {
    const { view, listeners, before } = viewOf()
    expect(view.lockOn(facts)).toBeUndefined()
    const lock = lockOf('alice', { target: { kind: 'user', id: ALICE.id } })
    const after = { ...before, seq: 1, locks: new Map([[lock.id, lock]]) }
    const events = [{ seq: 1, at: NOW, event: { type: 'lock.set' as const, lock } }]
    for (const listener of listeners) listener({ before, after, events })
    expect(view.lockOn(facts)?.id).toBe(lock.id)
    expect([view.fresh, view.stalenessMs]).toEqual([true, 3])
  })

  // threats §2.H 275: not the time of the request.
  it('looks for grants at the time of the store', () => {
    const { view, asked } = viewOf()
    view.findGrant(ask, facts.holdings)
    expect(asked).toEqual([NOW])
  })

  // threats §2.L 367: what was approved may have been taken back in what was lost.
  it('finds no grants in a journal that has lost entries', () => {
    const { view, asked } = viewOf({
      known: { epoch: 'a', seq: 9 },
      found: { epoch: 'b', seq: 0 },
    })
    expect(view.findGrant(ask, facts.holdings).grant).toBeUndefined()
    expect(asked).toEqual([])
  })
})
