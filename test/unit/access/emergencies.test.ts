/** What is counted of break-glass, as long as nobody has looked at it (threats §2.H 281). */
import { describe, expect, it } from '@jest/globals'
import { emergenciesOf } from '../../../gateway/access/elevation/emergencies.ts'
import { revokeGrant } from '../../../gateway/access/elevation/revoke.ts'
import { openSeal, reviewSeal } from '../../../gateway/access/elevation/seal.ts'
import {
  ALICE,
  BOB,
  CAROL,
  DAVE,
  depsOf,
  HOUR,
  MINUTE,
  rule,
  scene,
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

function sealed() {
  const made = scene({ rules: RULES })
  made.create({ kind: 'break-glass' })
  made.vote(BOB)
  made.vote(CAROL)
  const id = made.grants()[0]?.id ?? ''
  return {
    ...made,
    open: () => made.book.done(openSeal(made.deps, { id, by: ALICE, reason: 'It is down.' })),
    revoke: () => made.book.done(revokeGrant(made.deps, { id, by: BOB, reason: 'over' })),
    review: () => made.book.done(reviewSeal(made.deps, { id, by: DAVE, findings: 'Fine.' })),
    count: (deps = made.deps) => emergenciesOf(made.book.state, deps, made.book.now),
  }
}

describe('emergencies', () => {
  it('are none while a seal is shut', () => {
    expect(sealed().count()).toEqual({ open: 0, unreviewed: 0, overdue: 0 })
  })

  it('are open until their end, and unreviewed until somebody has looked', () => {
    const { book, open, review, count } = sealed()
    open()
    expect(count()).toEqual({ open: 1, unreviewed: 1, overdue: 0 })
    book.later(HOUR)
    expect(count()).toEqual({ open: 0, unreviewed: 1, overdue: 0 })
    book.later(47 * HOUR - 1)
    expect(count()).toEqual({ open: 0, unreviewed: 1, overdue: 0 })
    book.later(1)
    expect(count()).toEqual({ open: 0, unreviewed: 1, overdue: 1 })
    review()
    expect(count()).toEqual({ open: 0, unreviewed: 0, overdue: 0 })
  })

  it('have to be reviewed when they were ended before their time too', () => {
    const { book, open, revoke, count } = sealed()
    open()
    book.later(MINUTE)
    revoke()
    expect(count()).toEqual({ open: 0, unreviewed: 1, overdue: 0 })
  })

  it('are due at once when no rule says any more who reviews them', () => {
    const { open, count } = sealed()
    open()
    expect(count(depsOf({ rules: {} }))).toEqual({ open: 1, unreviewed: 1, overdue: 1 })
  })
})
