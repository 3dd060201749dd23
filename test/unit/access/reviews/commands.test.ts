import { describe, expect, it } from '@jest/globals'
import { entryText } from '../../../../gateway/access/fold/entry.ts'
import { fold } from '../../../../gateway/access/fold/fold.ts'
import { isDeclined, type Command } from '../../../../gateway/access/command.ts'
import type { ElevationGrant } from '../../../../gateway/access/elevation.ts'
import type { AccessEvent } from '../../../../gateway/access/events.ts'
import { closeReview } from '../../../../gateway/access/reviews/close.ts'
import { decideLine } from '../../../../gateway/access/reviews/decide.ts'
import {
  REVIEW_LINES_MAX,
  REVIEWS_OPEN_MAX,
  startReview,
  type ReviewDraft,
} from '../../../../gateway/access/reviews/start.ts'
import { emptyState, type AccessState } from '../../../../gateway/access/state.ts'
import { JOURNAL_BATCH_MAX, JOURNAL_ENTRY_MAX } from '../../../../gateway/domain/journal.ts'
import {
  campaignOf,
  DAY_MS,
  holdingsOf,
  lineOf,
  listed,
  personOf,
  stateWith,
} from '../../../support/reviews.ts'

const NOW = 5_000

function draftOf(more: Partial<ReviewDraft> = {}): ReviewDraft {
  return {
    id: 'review-1',
    title: 'Quarterly',
    by: personOf('starter'),
    dueAt: NOW + DAY_MS,
    revision: 'sha256:test',
    scope: {},
    lines: [listed('group:g', 'p, group:g, read, model:*, always, allow')],
    ...more,
  }
}

/** Decides, journals and folds. */
function ran<T>(state: AccessState, command: Command<T>, now = NOW) {
  const ruled = command(state, now)
  if (isDeclined(ruled)) return { state, declined: ruled.declined, detail: ruled.detail }
  const entries = ruled.events.map((event: AccessEvent, i) => ({
    v: 1,
    event,
    seq: state.seq + 1 + i,
    at: now,
  }))
  return { state: fold(state, entries), result: ruled.result, events: ruled.events }
}

function lineIn(state: AccessState, id = '1') {
  return state.reviews.get('review-1')?.lines.find((line) => line.id === id)
}

const RULE = 'p, role:r, export, model:*, always, allow'
const OPEN = stateWith(
  campaignOf('1', [lineOf('1', 'group:g', RULE), lineOf('2', 'role:anyone', RULE)]),
)

describe('starting a review', () => {
  it('puts ghosts first, then what was never used, then what was used longest ago', () => {
    const lines = [
      listed('group:recent', 'p1', { lastUsedAt: 4_000 }),
      listed('group:old', 'p2', { lastUsedAt: 3_000 }),
      listed('group:never', 'p3', { source: 'policy.csv:10' }),
      listed('group:never-earlier', 'p4', { source: 'policy.csv:9' }),
      listed('group:ghost', 'p5', { ghost: true, lastUsedAt: 4_500 }),
      listed('group:recent', 'p1', { lastUsedAt: 1 }),
    ]
    const { state } = ran(emptyState('0'), startReview(draftOf({ lines })).first)
    const review = state.reviews.get('review-1')
    expect(review?.lines.map(({ id, holder }) => [id, holder])).toEqual([
      ['1', 'group:ghost'],
      ['2', 'group:never-earlier'],
      ['3', 'group:never'],
      ['4', 'group:old'],
      ['5', 'group:recent'],
    ])
    expect(review).toMatchObject({ lineCount: 5, startedAt: NOW, by: 'user:kc/starter' })
  })

  it('bothers nobody when there is nothing to review', () => {
    const found = ran(emptyState('0'), startReview(draftOf({ lines: [] })).first)
    expect(found.events).toEqual([])
    expect(found.result).toEqual({ skipped: 'nothing-to-review' })
  })

  it('of many lines takes several appends, each within the bounds of the journal', () => {
    const rule = `p, role:r, read, model:${'x'.repeat(900)}, always, allow`
    const lines = Array.from({ length: 6_000 }, (_, i) => listed(`group:g${i}`, rule))
    const start = startReview(draftOf({ lines }))
    expect(start.rest.length).toBeGreaterThan(0)
    let { state } = { state: emptyState('0') }
    for (const command of [start.first, ...start.rest]) {
      expect(decide(state).declined).toBe(state.seq === 0 ? 'not_found' : 'unfinished')
      const step = ran(state, command)
      expect(step.events?.length).toBeLessThanOrEqual(JOURNAL_BATCH_MAX)
      for (const event of step.events ?? []) {
        expect(entryText({ v: 1, event }).length).toBeLessThanOrEqual(JOURNAL_ENTRY_MAX)
      }
      state = step.state
      // The answer was lost, and it is tried again.
      expect(ran(state, command).events).toEqual([])
    }
    const review = state.reviews.get('review-1')
    expect(review?.lines).toHaveLength(6_000)
    expect(new Set(review?.lines.map(({ id }) => id)).size).toBe(6_000)
    expect(decide(state).declined).toBeUndefined()
  })

  it.each([
    ['an empty title', { title: ' ' }, 'invalid'],
    ['a day that has passed', { dueAt: NOW - 1 }, 'invalid'],
    ['a day in two years', { dueAt: NOW + 730 * DAY_MS }, 'invalid'],
    ['no day', { dueAt: Number.NaN }, 'invalid'],
    [
      'too many lines',
      {
        lines: Array.from({ length: REVIEW_LINES_MAX + 1 }, (_, i) => listed(`group:${i}`, RULE)),
      },
      'too_many',
    ],
  ] as const)('declines %s', (_, more, code) => {
    expect(ran(emptyState('0'), startReview(draftOf(more)).first).declined).toBe(code)
  })

  it('declines when too many campaigns are open, not when they are due or closed', () => {
    const open = Array.from({ length: REVIEWS_OPEN_MAX }, (_, i) =>
      campaignOf(`o${i}`, [lineOf('1', 'group:g', RULE)]),
    )
    expect(ran(stateWith(...open), startReview(draftOf()).first).declined).toBe('too_many')
    const over = open.map((one, i) => (i === 0 ? { ...one, dueAt: NOW } : one))
    expect(ran(stateWith(...over), startReview(draftOf()).first).declined).toBeUndefined()
  })
})

function decide(
  state: AccessState,
  more: Partial<Parameters<typeof decideLine>[0]> = {},
  now = NOW,
) {
  const by = personOf('jo')
  const ask = { review: 'review-1', line: '1', verdict: 'certify', by, holdingsOf } as const
  return ran(state, decideLine({ ...ask, ...more }), now)
}

describe('deciding a line', () => {
  it('certifies, and may still revoke; what is revoked stays so', () => {
    const certified = decide(OPEN, { comment: 'needed' })
    expect(lineIn(certified.state)?.decision).toEqual({
      verdict: 'certify',
      by: 'user:kc/jo',
      at: NOW,
      comment: 'needed',
    })
    expect(decide(certified.state).declined).toBe('already_done')
    const revoked = decide(certified.state, { verdict: 'revoke' })
    expect(lineIn(revoked.state)?.decision?.verdict).toBe('revoke')
    expect(decide(revoked.state)).toMatchObject({
      declined: 'closed',
      detail: 'It was revoked by user:kc/jo. To give it back, certify it in a new campaign.',
    })
    expect(decide(revoked.state, { verdict: 'revoke' }).declined).toBe('already_done')
  })

  // 265, 266
  it.each([
    ['their own', personOf('jo', ['group:g'])],
    ['that of their own account', { person: 'person:x', id: 'group:g', holds: [] }],
    ['that of another account of theirs', { person: 'person:two', id: 'user:kc/two-b', holds: [] }],
  ])('lets nobody certify %s', (_, by) => {
    const other = { person: 'person:two', id: 'user:kc/two-a', holds: ['group:g'] }
    const state = { ...OPEN, people: new Map([[other.id, other]]) }
    expect(decide(state, { by }).declined).toBe('not_eligible')
    expect(decide(state, { by, verdict: 'revoke' }).declined).toBeUndefined()
  })

  it('lets people certify what everybody has', () => {
    expect(decide(OPEN, { line: '2' }).declined).toBeUndefined()
  })

  it.each([
    ['a review that is not there', { review: 'review-2' }, NOW, 'not_found'],
    ['a line that is not there', { line: '9' }, NOW, 'not_found'],
    ['a line that has lapsed', {}, 1_000 + DAY_MS, 'closed'],
    ['a comment that is too long', { comment: 'x'.repeat(1_001) }, NOW, 'invalid'],
  ] as const)('declines %s', (_, more, now, code) => {
    expect(decide(OPEN, more, now).declined).toBe(code)
  })

  it('of a grant of the journal ends the grant, unless it has ended', () => {
    const grant = { id: 'grant-1', holder: personOf('ann') } as unknown as ElevationGrant
    const line = { ...lineOf('1', 'user:kc/ann', 'grant-1'), kind: 'grant' as const }
    const state = { ...stateWith(campaignOf('1', [line])), grants: new Map([['grant-1', grant]]) }
    const found = decide(state, { verdict: 'revoke', comment: 'left the team' })
    expect(found.events?.at(-1)).toEqual({
      type: 'grant.revoked',
      id: 'grant-1',
      by: 'user:kc/jo',
      reason: 'review-1: left the team',
    })
    expect(found.state.grants.get('grant-1')?.revoked).toBeDefined()
    const other = { person: 'person:ann', id: 'user:kc/ann-admin', holds: [] }
    expect(decide(state, { by: other }).declined).toBe('not_eligible')
    expect(decide(state).events).toHaveLength(1)
  })
})

describe('closing a review', () => {
  const close = closeReview({ review: 'review-1', by: 'user:kc/jo' })

  it('waits for every line, or for the day', () => {
    expect(ran(OPEN, close)).toMatchObject({ declined: 'unfinished' })
    const half = decide(OPEN).state
    expect(ran(half, close).detail).toContain('One line')
    const whole = decide(half, { line: '2', verdict: 'revoke' }).state
    const closed = ran(whole, close)
    expect(closed.result).toMatchObject({ certified: 1, revoked: 1, open: 0, lapsed: 0 })
    expect(ran(closed.state, close).declined).toBe('closed')
    expect(decide(closed.state).declined).toBe('closed')
    expect(ran(half, close, 1_000 + DAY_MS).result).toMatchObject({ certified: 1, lapsed: 1 })
  })

  it('abandons one that never became whole', () => {
    const state = stateWith(campaignOf('1', [lineOf('1', 'group:g', RULE)], { lineCount: 2 }))
    expect(ran(state, close).result).toMatchObject({ abandoned: 1, lapsed: 0 })
  })
})
