/** Ids, the fold of entries and the text of a state. */
import { describe, expect, it, jest } from '@jest/globals'
import { entryText, readEntry } from '../../../gateway/access/fold/entry.ts'
import { fold } from '../../../gateway/access/fold/fold.ts'
import { grantIdOf, isId, newId } from '../../../gateway/access/ids.ts'
import { readSnapshot, snapshotText } from '../../../gateway/access/snapshot.ts'
import { emptyState } from '../../../gateway/access/state.ts'
import { ALICE, BOB, CAROL, HOUR, lockOn, scene, T0 } from '../../support/elevation.ts'
import { grantOf } from '../../support/many-grants.ts'

const DAY = 24 * HOUR

describe('ids', () => {
  it('sort by time, are of their kind and are not guessed', () => {
    const [a, b] = [newId('req', T0), newId('req', T0 + 1)]
    expect(a < b).toBe(true)
    expect(isId('req', a)).toBe(true)
    expect(isId('lock', a)).toBe(false)
    expect(isId('grant', grantIdOf(a))).toBe(true)
    expect(newId('req', T0)).not.toBe(a)
    for (const no of ['req-', `req-${'u'.repeat(26)}`, `req-${'0'.repeat(27)}`, `x${a}`]) {
      expect(isId('req', no)).toBe(false)
    }
  })
})

describe('the fold', () => {
  const event = lockOn({ kind: 'all' })
  const entry = (seq: number, at = T0) => ({ v: 1, seq, at, event })

  it('takes entries without a gap, and of kinds that it knows', () => {
    const empty = emptyState('e')
    expect(fold(empty, [entry(1)]).locks.size).toBe(1)
    expect(() => fold(empty, [entry(2)])).toThrow(/does not follow/)
    expect(() => fold(empty, [entry(1), entry(1)])).toThrow(/does not follow/)
    const strange = { ...entry(1), event: { type: 'toString' } as never }
    expect(() => fold(empty, [strange])).toThrow(/of no kind known/)
  })

  it('changes no state that was handed out', () => {
    const before = emptyState('e')
    const after = fold(before, [entry(1)])
    expect(before.locks.size).toBe(0)
    expect(after.requests).toBe(before.requests)
  })

  it('never goes back in time', () => {
    expect(fold(emptyState('e'), [entry(1, T0), entry(2, T0 - 1)]).at).toBe(T0)
  })

  it('reads what it writes, and no other form', () => {
    const text = entryText({ v: 1, event })
    expect(readEntry({ seq: 1, at: T0, text })).toEqual(entry(1))
    expect(() => readEntry({ seq: 1, at: T0, text: entryText({ v: 2, event }) })).toThrow(
      /of no kind known/,
    )
  })

  it('answers for a call for a day, and forgets what has been over for a quarter', () => {
    const { book, create, vote } = scene()
    create()
    vote(BOB)
    vote(CAROL)
    const call = { key: 'k', body: 'b', result: 'r' }
    let state = fold(book.state, [{ ...entry(book.state.seq + 1), call }])
    expect(state.calls.get('k')?.until).toBe(T0 + DAY)
    const upTo = (seq: number, at: number) => {
      while (state.seq < seq) state = fold(state, [entry(state.seq + 1, at)])
    }
    upTo(1_024, T0 + DAY)
    expect(state.calls.size).toBe(0)
    expect([state.requests.size, state.grants.size]).toEqual([1, 1])
    upTo(2_048, T0 + 91 * DAY)
    expect([state.requests.size, state.grants.size]).toEqual([0, 0])
  })
})

describe('a snapshot', () => {
  it('is the state again', () => {
    const { book, create, vote } = scene()
    create({ by: ALICE })
    vote(BOB)
    book.add([lockOn({ kind: 'user', id: ALICE.id })])
    const read = readSnapshot(snapshotText(book.state))
    expect(read).toEqual(book.state)
    expect(fold(read, [])).toEqual(book.state)
  })

  it.each(['{}', '{"v":2,"epoch":"e"}', '{"v":1,"epoch":"e","requests":{}}', '{"v":1,"epoch":1}'])(
    'that is none is not read: %s',
    (text) => {
      expect(() => readSnapshot(text)).toThrow(/cannot be read/)
    },
  )

  it.each([
    ['locks', '["lock-x"]', 'lock-x of locks'],
    ['locks', '["lock-x",null]', 'lock-x of locks'],
    ['grants', '["grant-x",[]]', 'grant-x of grants'],
    ['people', '["user:dev/ann","ann"]', 'user:dev/ann of people'],
    ['requests', '[7,{}]', 'a key of requests'],
    ['reviews', 'null', 'a key of reviews'],
    ['autoApprovals', '["rule ann",{}]', 'rule ann of autoApprovals'],
    ['autoApprovals', '["rule ann",["1"]]', 'rule ann of autoApprovals'],
  ])('is not read with values of %s that are none: %s', (name, pair, what) => {
    const text = snapshotText(emptyState('e')).replace(`"${name}":[]`, `"${name}":[${pair}]`)
    expect(() => readSnapshot(text)).toThrow(`cannot be read: ${what}`)
  })
})

describe('a fold of many entries', () => {
  const issued = (number: number, seq: number) => ({
    v: 1,
    seq,
    at: T0,
    event: { type: 'grant.issued' as const, grant: grantOf(number) },
  })

  it('comes to what they come to one by one, and hands out nothing that changes later', () => {
    const entries = Array.from({ length: 50 }, (_, i) => issued(i, i + 1))
    const once = fold(emptyState('e'), entries)
    let single = emptyState('e')
    for (const one of entries) single = fold(single, [one])
    expect(snapshotText(once)).toBe(snapshotText(single))
    const more = fold(once, [issued(50, 51)])
    expect([once.grants.size, more.grants.size]).toEqual([50, 51])
    expect(more.grants).not.toBe(once.grants)
  })

  it('that fails changes nothing that was handed out', () => {
    const before = fold(emptyState('e'), [issued(0, 1)])
    expect(() => fold(before, [issued(1, 2), issued(2, 2)])).toThrow(/does not follow/)
    expect(before.grants.size).toBe(1)
  })

  it('copies no map for each of them', () => {
    const entries = Array.from({ length: 2_000 }, (_, i) => issued(i, i + 1))
    // A copy goes through the map, as does the look at the bounds after every 64 entries.
    const through = jest.spyOn(Map.prototype as Map<string, unknown>, Symbol.iterator)
    expect(fold(emptyState('e'), entries).grants.size).toBe(2_000)
    const times = through.mock.calls.length
    through.mockRestore()
    expect(times).toBeGreaterThan(0)
    expect(times).toBeLessThan(entries.length / 2)
  })
})
