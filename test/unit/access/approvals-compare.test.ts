/** What changes of approvals.yaml are shown as: what makes agreeing easier is never called stricter. */
import { describe, expect, it } from '@jest/globals'
import { compareApprovals } from '../../../gateway/access/approvals/compare.ts'
import { rule, rulesOf } from '../../support/elevation.ts'

type Rule = Record<string, unknown>

function partsOf(old: Rule, now: Rule) {
  const changes = compareApprovals(rulesOf({ r: rule(old) }), rulesOf({ r: rule(now) }))
  return changes.flatMap(({ parts }) => parts.map(({ part, effect }) => [part, effect]))
}

const two = [{ count: 2, from: ['role:approver'] }]
const one = [{ count: 1, from: ['role:approver'] }]
const glass = (more: Rule = {}) => ({
  break_glass: { seal: { require: two }, reviewers: ['group:a'], ...more },
})
const auto = (more: Rule = {}, count = 1, per = '1h') => ({
  auto: { when: 'mfa', rate: { count, per }, ...more },
})

describe('a change that makes agreeing easier', () => {
  it.each<[string, Rule, Rule]>([
    ['require', { require: two }, { require: one }],
    ['require', { require: [...one, { from: ['group:s'] }] }, { require: one }],
    ['require', { require: one }, { require: [{ from: ['role:approver', 'role:x'] }] }],
    [
      'require',
      { require: [{ from: ['role:a'], filter: 'mfa' }] },
      { require: [{ from: ['role:a'] }] },
    ],
    ['deny', {}, { deny: 'nobody' }],
    ['who_may_ask', { who_may_ask: ['role:a'] }, {}],
    ['who_may_ask', { who_may_ask: ['role:a'] }, { who_may_ask: ['role:a', 'role:b'] }],
    ['request_ttl', { request_ttl: '1h' }, { request_ttl: '2h' }],
    ['grant_ttl_max', { grant_ttl_max: '1h' }, { grant_ttl_max: '2h' }],
    ['uses_max', { uses_max: 1 }, {}],
    ['uses_max', { uses_max: 1 }, { uses_max: 2 }],
    ['bytes_max', { bytes_max: '1KiB' }, {}],
    ['demands.justification_min', { demands: { justification_min: 9 } }, {}],
    ['demands.ticket', { demands: { ticket: 'OPS-*' } }, {}],
    ['demands.risk_assessment', { demands: { risk_assessment: true } }, {}],
    ['demands.criteria', { demands: { criteria: ['a', 'b'] } }, { demands: { criteria: ['b'] } }],
    ['demands.device', { demands: { device: true } }, {}],
    ['demands.network', { demands: { network: true } }, {}],
    ['auto', {}, auto()],
    ['auto.rate.count', auto(), auto({}, 2)],
    ['auto.rate.per', auto({}, 1, '2h'), auto()],
    ['auto.grant_ttl_max', auto({ grant_ttl_max: '1h' }), auto()],
    ['break_glass', {}, glass()],
    ['break_glass.open_for_max', glass(), glass({ open_for_max: '2h' })],
    ['break_glass.valid_for', glass(), glass({ valid_for: '100d' })],
    ['break_glass.review_within', glass(), glass({ review_within: '3d' })],
    ['break_glass.reviewers', glass(), glass({ reviewers: ['group:a', 'group:b'] })],
    [
      'break_glass.seal.require',
      glass({ seal: { require: [{ count: 3, from: ['role:approver'] }] } }),
      glass(),
    ],
  ])('is looser, and stricter the other way round: %s', (part, old, now) => {
    expect(partsOf(old, now)).toEqual([[part, 'looser']])
    expect(partsOf(now, old)).toEqual([[part, 'stricter']])
  })
})

describe('a change that depends', () => {
  it.each<[string, Rule, Rule]>([
    ['for', {}, { for: { actions: ['export'] } }],
    ['demands.ticket', { demands: { ticket: 'A-*' } }, { demands: { ticket: '*' } }],
    ['auto.when', auto(), auto({ when: 'device' })],
  ])('is to be looked at: %s', (part, old, now) => {
    expect(partsOf(old, now)).toEqual([[part, 'either']])
  })

  it('is a rule that came or went', () => {
    const [none, some] = [rulesOf({}), rulesOf({ r: rule({ require: two }) })]
    const words = 'export, retrain on *: 2 of role:approver'
    expect(compareApprovals(none, some)).toEqual([
      { name: 'r', change: 'added', parts: [{ part: 'rule', new: words, effect: 'either' }] },
    ])
    expect(compareApprovals(some, none)).toEqual([
      { name: 'r', change: 'removed', parts: [{ part: 'rule', old: words, effect: 'either' }] },
    ])
  })

  it('is never called stricter: another filter of those who agree', () => {
    const by = (filter: string) => ({ require: [{ from: ['role:a'], filter }] })
    expect(partsOf(by('mfa'), by('device'))).toEqual([['require', 'looser']])
  })
})

it('says nothing of the order of rules, names and requirements', () => {
  const [a, b] = [rule({ require: [{ from: ['role:a', 'role:b'] }, { from: ['role:c'] }] }), rule()]
  const [c] = [rule({ require: [{ from: ['role:c'] }, { from: ['role:b', 'role:a'] }] })]
  expect(compareApprovals(rulesOf({ a, b }), rulesOf({ b, a: c }))).toEqual([])
})
