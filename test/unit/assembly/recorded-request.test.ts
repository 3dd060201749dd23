import { describe, expect, it } from '@jest/globals'
import { createReplay } from '../../../gateway/assembly/replay.ts'
import { recordedDecision } from '../../../gateway/assembly/recorded-request.ts'
import { createShadowTally } from '../../../gateway/assembly/shadow-report.ts'
import type { StoredRecord } from '../../../gateway/audit/read/query.ts'
import type { Decision } from '../../../gateway/domain/access.ts'
import { requestOf, subjectOf } from '../../support/policy.ts'
import { PERMIT } from '../../support/pipeline.ts'
import { recordOf } from '../../support/recorded.ts'

const DENY: Decision = {
  effect: 'deny',
  reason: 'denied_by_rule',
  rule: { file: 'policy.csv', line: 9, text: 'p' },
  failedConditions: [],
  obligations: [],
  revision: PERMIT.revision,
  explanation: '',
}
const READ = requestOf('read model:m')
const GOOD = recordOf([READ], [PERMIT])
const why = (record: StoredRecord): unknown => {
  const found = recordedDecision(record)
  return found.kind === 'incomplete' ? found.why : found.kind
}

describe('a record read back', () => {
  it('is the request with what was decided', () => {
    expect(recordedDecision(GOOD)).toEqual({
      kind: 'decided',
      id: 'id-1',
      revision: PERMIT.revision,
      operations: [
        {
          request: READ,
          resource: 'model:m',
          effect: 'permit',
          reason: undefined,
          rule: 'policy.csv:3',
        },
      ],
    })
  })

  it('of a request refused before the rules were asked is undecided', () => {
    const early = { ...GOOD, stage: 'classify', ops: [{ act: 'read', res: 'model:m' }] }
    expect(recordedDecision(early)).toEqual({ kind: 'undecided', stage: 'classify' })
  })

  const env = GOOD['env'] as object
  const op = { act: 'read', res: 'model:m', effect: 'permit' }
  it.each<[string, object, RegExp]>([
    ['of an earlier version', { ops: [{ act: 'read', res: 'model:m' }] }, /earlier version/],
    ['without groups', { groups: undefined }, /groups/],
    ['with groups left out', { groups_left: 3 }, /some groups/],
    ['with claims left out', { claims_left: 1 }, /some claims/],
    [
      'with a list the ledger cut',
      { groups: ['group:a', { left: 9, sha256: 'x' }] },
      /groups was cut/,
    ],
    ['with a text the ledger cut', { sub: { head: 'user:', cut: 9, sha256: 'x' } }, /sub was cut/],
    ['with operations the ledger cut', { ops: [op, { left: 1, sha256: 'x' }] }, /ops was cut/],
    ['with claims the ledger cut', { claims: { '~left': { left: 1 } } }, /fields were cut/],
    ['cut for its length', { omitted: { cut: 70_000, sha256: 'x' } }, /length/],
    ['with a claim that is no number', { claims: { n: null } }, /field n/],
    ['with an unknown effect', { ops: [{ ...op, effect: 'allow' }] }, /field effect/],
    ['with an unknown action', { ops: [{ ...op, act: 'steal' }] }, /eight/],
    ['with two versions', { ops: [{ ...op, res: 'model:a@1@2' }] }, /resource/],
    ['without a subject', { sub: undefined }, /the subject/],
    ['with a subject of no issuer', { sub: 'user:alice' }, /issuer/],
    ['with a time that is none', { env: { ...env, now: 'now' } }, /field now/],
    ['with an unknown device source', { env: { ...env, device: { src: 'x' } } }, /field src/],
    ['with approvals left out', { env: { ...env, approvals_left: 1 } }, /some approvals/],
    ['with no operation', { ops: [] }, /no operation/],
  ])('%s cannot be judged', (_, change, expected) => {
    expect(why(JSON.parse(JSON.stringify({ ...GOOD, ...change })) as StoredRecord)).toMatch(
      expected,
    )
  })

  it('with more names than fit counts what is left, and cannot be judged', () => {
    const groups = Array.from({ length: 250 }, (_, i) => `group:${i}`)
    const long = Array.from({ length: 100 }, (_, i) => `group:${'x'.repeat(240)}${i}`)
    for (const [names, left] of [
      [groups, 50],
      [long, 51],
    ] as const) {
      const record = recordOf(
        [requestOf('read model:m', { subject: subjectOf({ groups: names }) })],
        [PERMIT],
      )
      expect(record['groups_left']).toBe(left)
      expect(why(record)).toBe('some groups of the subject did not fit into it')
    }
    const claims = new Map<string, string | string[]>([
      ['a', 'x'.repeat(1000)],
      ['b', ['y'.repeat(1000), 'z'.repeat(3000)]],
    ])
    const record = recordOf(
      [requestOf('read model:m', { subject: subjectOf({ claims }) })],
      [PERMIT],
    )
    expect([record['claims_left'], why(record)]).toEqual([
      1,
      'some claims of the subject did not fit into it',
    ])
  })
})

describe('replay', () => {
  const under = (decision: Decision, revision = 'sha256:other') =>
    createReplay({
      decisionPoint: { revision, decide: () => decision },
      resources: { attributesOf: () => undefined },
    })

  it('groups what changes, by who, what and how', () => {
    const replay = under(DENY)
    for (const id of ['a', 'b', 'c', 'd']) replay.take(recordOf([READ], [PERMIT], { id }))
    replay.take(recordOf([READ], [DENY]))
    replay.take({ type: 'decision' })
    expect(replay.report()).toMatchObject({
      records: 6,
      judged: 5,
      changed: { loses: 4, gains: 0, reason: 0 },
      incomplete: { 'it does not say the subject': 1 },
      groups: [
        {
          change: 'loses',
          subject: 'user:kc/alice',
          action: 'read',
          resource: 'model:m',
          before: { effect: 'permit', rule: 'policy.csv:3' },
          after: { effect: 'deny', reason: 'denied_by_rule', rule: 'policy.csv:9' },
          requests: 4,
          examples: ['a', 'b', 'c'],
        },
      ],
      selfCheck: { compared: 0 },
    })
  })

  it('takes a request for permitted only if all of its operations are', () => {
    const both = [READ, requestOf('infer model:m')]
    const replay = under(PERMIT)
    replay.take(recordOf(both, [PERMIT, DENY]))
    expect(replay.report()).toMatchObject({ changed: { gains: 1 }, groups: [{ action: 'infer' }] })
  })

  it('notices that rules of one revision answered in two ways', () => {
    const replay = under(DENY, PERMIT.revision)
    replay.take(recordOf([READ], [DENY], { id: 'same' }))
    replay.take(recordOf([READ], [PERMIT], { id: 'altered' }))
    expect(replay.report().selfCheck).toEqual({ compared: 2, differing: 1, examples: ['altered'] })
  })
})

describe('the shadow report', () => {
  it('adds up by rule and change, and counts subjects once', () => {
    const tally = createShadowTally()
    const other = requestOf('read model:m', { subject: subjectOf({ id: 'user:kc/bob' }) })
    for (const request of [READ, READ, other])
      tally.take(recordOf([request], [PERMIT], { shadow: [DENY] }))
    tally.take(recordOf([READ], [DENY], { shadow: [PERMIT] }))
    tally.take(recordOf([READ], [PERMIT], { shadow: [PERMIT] }))
    tally.take({ type: 'decision', stage: 'admit' })
    tally.take({ ...GOOD, shadow: { effect: 'deny', op: 7 } })
    expect(tally.report()).toMatchObject({
      records: 7,
      decided: 5,
      unreadable: 1,
      wouldRefuse: { requests: 3, subjects: 2 },
      wouldPermit: { requests: 1, subjects: 1 },
      groups: [
        { rule: 'policy.csv:9', enforced: 'permit', shadow: 'deny', requests: 3, subjects: 2 },
        { rule: 'policy.csv:3', enforced: 'deny', shadow: 'permit', requests: 1 },
      ],
    })
  })
})
