import { describe, expect, it } from '@jest/globals'
import { explainDecision } from '../../../gateway/pdp/decision/explain.ts'
import { selfTest } from '../../../gateway/pdp/engine/self-test.ts'
import { policyOf, requestOf, subjectOf } from '../../support/policy.ts'

const POLICY = [
  'p, role:reader, read, model:*, office-hours & mfa, allow',
  'p, role:other, read, model:*, always, allow',
  'p, role:anyone, export, *, always, deny',
  'g, group:ds, role:reader',
].join('\n')

describe('an explained decision', () => {
  it('says of every rule what it made of the request', async () => {
    const subject = subjectOf({ groups: ['group:ds'] })
    const explained = explainDecision(
      await policyOf(POLICY),
      requestOf('read model:x', { subject }),
    )
    expect(explained.decision.reason).toBe('step_up_required')
    expect(explained.holdings).toEqual(['user:kc/alice', 'group:ds', 'role:anyone', 'role:reader'])
    expect(explained.rules).toEqual([
      {
        rule: {
          file: 'policy.csv',
          line: 1,
          text: 'p, role:reader, read, model:*, office-hours & mfa, allow',
        },
        effect: 'allow',
        matched: { subject: true, action: true, resource: true },
        when: 'office-hours & mfa',
        truth: 'unknown',
        conditions: [
          { name: 'office-hours', truth: 'true', detail: 'holds' },
          {
            name: 'mfa',
            truth: 'unknown',
            detail: 'whether a second factor was used is not known',
          },
        ],
        applies: false,
      },
      expect.objectContaining({
        matched: { subject: false, action: true, resource: true },
        truth: 'true',
        applies: false,
      }),
      expect.objectContaining({
        effect: 'deny',
        matched: { subject: true, action: false, resource: true },
        applies: false,
      }),
    ])
  })

  it('of a request that cannot be judged has no rules', async () => {
    const request = requestOf('read model:x', { subject: subjectOf({ id: 'alice' }) })
    const explained = explainDecision(await policyOf(POLICY), request)
    expect(explained).toMatchObject({
      decision: { effect: 'indeterminate' },
      holdings: [],
      rules: [],
    })
  })
})

describe('the self-test of a revision', () => {
  it('passes on a sound one', async () => {
    expect(selfTest(await policyOf(POLICY))).toBeUndefined()
  })

  it('notices an engine that permits everything, nothing, or forgets the denies', async () => {
    const policy = await policyOf(POLICY)
    const { rules } = policy.table
    const broken = [() => rules[0], () => undefined]
    for (const match of broken) {
      expect(selfTest({ ...policy, matcher: { match, concerning: () => [] } })).toContain(
        'misjudged',
      )
    }
    const forgetful = await policyOf('p, role:anyone, export, *, always, allow\n')
    expect(selfTest({ ...policy, matcher: forgetful.matcher })).toContain('misjudged')
  })
})
