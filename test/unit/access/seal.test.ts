/** Break-glass: sealed by two, opened by one, looked at by another. */
import { describe, expect, it } from '@jest/globals'
import { createGrantIndex } from '../../../gateway/access/elevation/grant-index.ts'
import { reviewDueAt } from '../../../gateway/access/elevation/emergencies.ts'
import { openSeal, reviewSeal } from '../../../gateway/access/elevation/seal.ts'
import { revokeGrant } from '../../../gateway/access/elevation/revoke.ts'
import type { Person } from '../../../gateway/access/person.ts'
import {
  ALICE,
  ask,
  BOB,
  CAROL,
  DAVE,
  HOUR,
  lockOn,
  person,
  rule,
  scene,
  T0,
} from '../../support/elevation.ts'

const RULES = {
  r: rule({
    break_glass: {
      seal: { require: [{ count: 2, from: ['role:approver'] }] },
      open_for_max: '1h',
      review_within: '2d',
      reviewers: ['group:stewards'],
    },
  }),
}

function sealed(count = 1) {
  const made = scene({ rules: RULES })
  const ids = Array.from({ length: count }, (_, i) => {
    made.create({ newId: `req-${i}`, kind: 'break-glass' })
    made.vote(BOB)
    made.vote(CAROL)
    return `grant-${i}`
  })
  const open = (id: string, by: Person = ALICE) =>
    made.book.code(openSeal(made.deps, { id, by, reason: 'The site is down.' }))
  const review = (id: string, by: Person = DAVE) =>
    made.book.code(reviewSeal(made.deps, { id, by, findings: 'As it had to be.' }))
  const index = createGrantIndex(() => made.deps)
  const found = () =>
    index.find(made.book.state, {
      subject: { id: ALICE.id, person: ALICE.person } as never,
      operations: [{ action: 'export', resource: { kind: 'model', name: 'fraud' } }],
      now: made.book.now,
    }).grant
  return { ...made, ids, open, review, found }
}

describe('a seal', () => {
  it('is worth nothing until its holder opens it, and then for its time', () => {
    const { book, open, found, grants } = sealed()
    expect(grants()[0]).toMatchObject({ sealed: {}, expiresAt: T0 + 90 * 24 * HOUR })
    expect(found()).toBeUndefined()
    book.later(24 * HOUR)
    expect(open('grant-0', BOB)).toBe('not_found')
    expect(open('grant-0')).toBe('done')
    expect(found()).toMatchObject({ id: 'grant-0', breakGlass: true })
    expect(open('grant-0')).toBe('already_done')
    book.later(HOUR)
    expect(found()).toBeUndefined()
  })

  it('is not opened when its time is over, or it was taken back, or those who sealed it fell', () => {
    const late = sealed()
    late.book.later(90 * 24 * HOUR)
    expect(late.open('grant-0')).toBe('closed')
    const back = sealed()
    back.book.done(revokeGrant(back.deps, { id: 'grant-0', by: BOB, reason: 'no more' }))
    expect(back.open('grant-0')).toBe('closed')
    const fallen = sealed()
    fallen.book.add([lockOn({ kind: 'user', id: BOB.id })])
    expect(fallen.open('grant-0')).toBe('not_eligible')
  })

  it('keeps the next one closed until somebody else has reviewed it', () => {
    const { book, deps, open, review, grants } = sealed(2)
    expect(review('grant-0')).toBe('not_found')
    expect(open('grant-0')).toBe('done')
    expect(open('grant-1')).toBe('review_outstanding')
    expect(review('grant-0')).toBe('invalid')
    const [first] = grants()
    expect(first === undefined ? 0 : reviewDueAt(first, deps)).toBe(T0 + 48 * HOUR)
    book.later(HOUR)
    expect(open('grant-1')).toBe('review_outstanding')
    expect(review('grant-0', ALICE)).toBe('self_approval')
    expect(review('grant-0', person('al', ['group:stewards'], 'alice'))).toBe('self_approval')
    expect(review('grant-0', BOB)).toBe('not_eligible')
    expect(review('grant-0')).toBe('done')
    expect(review('grant-0')).toBe('already_done')
    expect(open('grant-1')).toBe('done')
  })

  it('takes two people, and has no start', () => {
    const made = scene({ rules: RULES })
    const { deps, book } = made
    made.create({ kind: 'break-glass' })
    made.vote(BOB)
    expect(made.grants()).toEqual([])
    expect(book.state.requests.size).toBe(1)
    const terms = { ...ask().terms, startsAt: T0 + 1 }
    expect(() => made.create({ newId: 'req-2', kind: 'break-glass', terms })).toThrow(/invalid/)
    expect(deps.rules.rules[0]?.breakGlass?.seal).toHaveLength(1)
  })
})
