import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { AccessEvent } from '../../../gateway/access/events.ts'
import { createRevocationFinder } from '../../../gateway/access/reviews/finder.ts'
import { grantStatusOf, lockStatusOf, statusOf } from '../../../gateway/access/standing.ts'
import { followJournal, type JournalFollowing } from '../../../gateway/assembly/follow-journal.ts'
import { BOB, CAROL, HOUR, lockOn, scene } from '../../support/elevation.ts'
import { createMemoryReplica } from '../../support/memory-replica.ts'
import { campaignOf, DAY_MS, lineOf } from '../../support/reviews.ts'

const T0 = Date.parse('2026-11-22T12:00:00Z')
const RULE = 'p, role:exporter, export, model:*, always, allow'

beforeEach(() => {
  jest.useFakeTimers({ now: T0 })
})
afterEach(() => {
  jest.useRealTimers()
})

/** Nobody asks anything of this gateway, and nothing is added to its journal. */
function following() {
  const replica = createMemoryReplica(T0)
  let decided = 0
  const flights = {
    cutLocked: () => undefined,
    decideAgain: () => Promise.resolve(void (decided += 1)),
  }
  const services = { replica: { ...replica, self: { id: 'one', name: 'one' } } }
  Object.defineProperties(services.replica, {
    state: { get: () => replica.state },
    now: { value: () => Date.now() },
  })
  const parts = { services, flights, runtime: () => ({}) } as unknown as JournalFollowing
  const followed = followJournal(parts)
  return { replica, followed, decisions: () => decided }
}

const started = (id: string, dueAt: number, verdict?: 'certify'): AccessEvent => ({
  type: 'review.started',
  review: campaignOf(id, [lineOf('1', 'user:corp/ann', RULE, verdict)], { dueAt }),
})

describe('without traffic', () => {
  it('lines that nobody decided lapse when they are due, and what is open is decided again', async () => {
    const { replica, decisions } = following()
    replica.add(started('a', T0 + DAY_MS), started('b', T0 + 2 * DAY_MS))
    const begun = decisions()
    const finder = createRevocationFinder()
    const ask = () => ({ holdings: new Set(['user:corp/ann']), now: Date.now() })
    const isTaken = () => finder.revokedBy(replica.state, RULE, ask()) !== undefined
    await jest.advanceTimersByTimeAsync(DAY_MS - 1)
    expect([decisions(), isTaken()]).toEqual([begun, false])
    await jest.advanceTimersByTimeAsync(1)
    expect([decisions(), isTaken()]).toEqual([begun + 1, true])
    // The next one is awaited by itself.
    await jest.advanceTimersByTimeAsync(DAY_MS)
    expect(decisions()).toBe(begun + 2)
    await jest.advanceTimersByTimeAsync(30 * DAY_MS)
    expect(decisions()).toBe(begun + 2)
  })

  it('a date further away than a timer counts is awaited all the same', async () => {
    const { replica, decisions } = following()
    replica.add(started('far', T0 + 60 * DAY_MS))
    const begun = decisions()
    await jest.advanceTimersByTimeAsync(59 * DAY_MS)
    expect(decisions()).toBe(begun)
    await jest.advanceTimersByTimeAsync(DAY_MS)
    expect(decisions()).toBe(begun + 1)
  })

  it('nothing lapses that was decided, closed before, or is of a gateway that has ended', async () => {
    const { replica, decisions, followed } = following()
    replica.add(started('a', T0 + DAY_MS, 'certify'), started('b', T0 + 2 * DAY_MS))
    replica.add({ type: 'review.closed', id: 'review-b', by: 'user:corp/jo' })
    const begun = decisions()
    await jest.advanceTimersByTimeAsync(3 * DAY_MS)
    expect(decisions()).toBe(begun)
    replica.add(started('c', T0 + 5 * DAY_MS))
    const now = decisions()
    followed.stop()
    await jest.advanceTimersByTimeAsync(10 * DAY_MS)
    expect(decisions()).toBe(now)
  })

  it('requests, grants and locks end by the clock, with no entry that says so', () => {
    const { book, create, vote, grants } = scene()
    const { id } = create().request
    const { id: other } = create({ newId: `req-${'1'.repeat(26)}` }).request
    vote(BOB)
    vote(CAROL)
    book.add([lockOn({ kind: 'all' }, { expiresAt: book.now + HOUR })])
    const [grant] = grants()
    const [lock] = book.state.locks.values()
    const request = [id, other]
      .map((one) => book.state.requests.get(one))
      .find((one) => one?.grant === undefined)
    if (grant === undefined || lock === undefined || request === undefined) throw new Error('none')
    const stands = (now: number) => [
      statusOf(request, now),
      grantStatusOf(grant, now),
      lockStatusOf(lock, now),
    ]
    const ends = [request.expiresAt, grant.expiresAt, lock.expiresAt ?? 0]
    expect(stands(book.now)).toEqual(['pending', 'active', 'active'])
    const { seq } = book.state
    expect(stands(Math.min(...ends) - 1)).toEqual(['pending', 'active', 'active'])
    expect(stands(Math.max(...ends))).toEqual(['expired', 'expired', 'expired'])
    expect(book.state.seq).toBe(seq)
  })
})
