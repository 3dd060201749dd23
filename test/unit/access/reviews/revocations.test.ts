import { describe, expect, it } from '@jest/globals'
import { forget } from '../../../../gateway/access/fold/kept.ts'
import type { ReviewCampaign } from '../../../../gateway/access/review.ts'
import { createRevocations, nextLapse } from '../../../../gateway/access/reviews/revocations.ts'
import { useKey } from '../../../../gateway/access/reviews/privileges.ts'
import { campaignOf, DAY_MS, lineOf, stateWith } from '../../../support/reviews.ts'

const RULE = 'p, role:r, export, model:*, always, allow'
const G = new Set(['user:kc/u', 'group:g', 'role:anyone'])
const H = new Set(['user:kc/v', 'group:h', 'role:anyone'])
const DUE = 1_000 + DAY_MS

describe('revocations', () => {
  it('are nothing while nothing is decided, and when all is certified', () => {
    const revocations = createRevocations(
      stateWith(campaignOf('1', [lineOf('1', 'group:g', RULE, 'certify')])),
    )
    expect(revocations.size).toBe(0)
    expect(revocations.find(RULE, G, Infinity)).toBeUndefined()
  })

  it('take a rule from its holder at once, and from nobody else', () => {
    const revocations = createRevocations(
      stateWith(
        campaignOf('1', [
          lineOf('1', 'group:g', RULE, 'revoke'),
          lineOf('2', 'group:h', RULE, 'certify'),
        ]),
      ),
    )
    expect(revocations.find(RULE, G, 2_000)).toEqual({
      review: 'review-1',
      holder: 'group:g',
      lapsed: false,
    })
    expect(revocations.find(RULE, H, 2_000)).toBeUndefined()
    // A row that says something else is another privilege.
    expect(revocations.find(`${RULE} `, G, 2_000)).toBeUndefined()
  })

  it('lapse on the day, not before, once all lines are there', () => {
    const lines = [lineOf('1', 'group:g', RULE)]
    const revocations = createRevocations(stateWith(campaignOf('1', lines)))
    expect(revocations.find(RULE, G, DUE - 1)).toBeUndefined()
    expect(revocations.find(RULE, G, DUE)).toMatchObject({ lapsed: true })
    revocations.follow(stateWith(campaignOf('1', lines, { lineCount: 2 })))
    expect(revocations.find(RULE, G, DUE)).toBeUndefined()
    revocations.follow(stateWith(campaignOf('1', [...lines, lineOf('2', 'group:h', RULE)])))
    expect(revocations.find(RULE, H, DUE)).toMatchObject({ lapsed: true })
    expect(revocations.find(RULE, G, DUE)).toMatchObject({ lapsed: true })
  })

  it('are lifted by a later certification of a newer campaign alone', () => {
    const first = campaignOf('1', [lineOf('1', 'group:g', RULE, 'revoke')])
    const newer = (verdict?: 'certify' | 'revoke', at = 9_000) => {
      const line = lineOf('1', 'group:g', RULE, verdict)
      const decision = line.decision === undefined ? {} : { decision: { ...line.decision, at } }
      return campaignOf('2', [{ ...line, ...decision }], { startedAt: 5_000, dueAt: 5 * DAY_MS })
    }
    const at = (...reviews: ReviewCampaign[]) =>
      createRevocations(stateWith(...reviews)).find(RULE, G, 10_000)
    expect(at(first, newer())).toMatchObject({ review: 'review-1' })
    expect(at(first, newer('revoke'))).toBeDefined()
    expect(at(first, newer('certify'))).toBeUndefined()
    // Certified before the older campaign took it away.
    expect(at(first, newer('certify', 1_500))).toMatchObject({ review: 'review-1' })
    // An older campaign says nothing about a newer one.
    const old = campaignOf('0', [lineOf('1', 'group:g', RULE, 'certify')], { startedAt: 1 })
    expect(at(old, first)).toMatchObject({ review: 'review-1' })
    // What an older one leaves open does not lapse when a newer one has certified it.
    const open = campaignOf('1', [lineOf('1', 'group:g', RULE)])
    const both = createRevocations(stateWith(open, newer('certify')))
    expect(both.find(RULE, G, DUE)).toBeUndefined()
  })

  it('follow every change as if begun anew', () => {
    const lines = [lineOf('1', 'group:g', RULE), lineOf('2', 'group:h', RULE)]
    const decided = [lineOf('1', 'group:g', RULE, 'revoke'), lines[1] ?? lineOf('2', 'x', 'y')]
    const followed = createRevocations(stateWith())
    const steps = [
      stateWith(campaignOf('1', lines)),
      stateWith(campaignOf('1', decided)),
      stateWith(campaignOf('1', decided), campaignOf('2', [lineOf('1', 'group:h', RULE)])),
      stateWith(campaignOf('2', [lineOf('1', 'group:h', RULE, 'certify')])),
      stateWith(),
    ]
    for (const state of steps) {
      followed.follow(state)
      const anew = createRevocations(state)
      expect(followed.size).toBe(anew.size)
      for (const names of [G, H]) {
        for (const now of [2_000, DUE]) {
          expect(followed.find(RULE, names, now)).toEqual(anew.find(RULE, names, now))
        }
      }
    }
    expect(followed.size).toBe(0)
  })

  it('outlive the review that made them', () => {
    const lines = [
      lineOf('1', 'group:g', RULE, 'revoke'),
      lineOf('2', 'group:h', RULE, 'certify'),
      lineOf('3', 'group:i', RULE),
    ]
    const later = { ...stateWith(campaignOf('1', lines)), at: DUE + 500 * DAY_MS }
    const kept = forget(later)
    expect(kept.reviews.get('review-1')?.lines.map(({ id }) => id)).toEqual(['1', '3'])
    expect(createRevocations(kept).find(RULE, G, later.at)).toMatchObject({ lapsed: false })
    expect(createRevocations(kept).find(RULE, new Set(['group:i']), later.at)).toMatchObject({
      lapsed: true,
    })
    expect(forget(kept).reviews).toBe(kept.reviews)
    const lifted = campaignOf('2', [lineOf('1', 'group:g', RULE, 'certify')], {
      startedAt: 1_500,
      dueAt: later.at,
    })
    const both = forget({ ...later, reviews: new Map([...later.reviews, [lifted.id, lifted]]) })
    expect(both.reviews.get('review-1')?.lines.map(({ id }) => id)).toEqual(['3'])
  })

  it('tell when something lapses next', () => {
    const open = campaignOf('1', [lineOf('1', 'group:g', RULE)])
    const done = campaignOf('2', [lineOf('1', 'group:g', RULE, 'certify')], { dueAt: DUE - 5 })
    expect(nextLapse(stateWith(open, done), 1_000)).toBe(DUE)
    expect(nextLapse(stateWith(open, done), DUE)).toBeUndefined()
  })
})

describe('the name of a use', () => {
  it('is bounded, and tells holders of a rule apart', () => {
    expect(useKey(RULE, 'group:g')).toBe(`${RULE}\0group:g`)
    expect(useKey('grant g1', 'user:a')).toBe(useKey('grant g1', 'user:b'))
    const long = 'p'.repeat(2_040)
    expect(useKey(long, 'group:abcdefgh').length).toBeLessThanOrEqual(2_048)
    expect(useKey(long, 'group:abcdefgh')).not.toBe(useKey(long, 'group:abcdefgi'))
  })
})
