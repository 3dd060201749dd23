import { describe, expect, it } from '@jest/globals'
import { createDecisionPoint } from '../../../gateway/pdp/decision/decision-point.ts'
import { policyOf, requestOf, subjectOf, WORKDAY } from '../../support/policy.ts'

const CONDITIONS = `
conditions:
  office: { kind: network, cidrs: [203.0.113.0/24] }
  vault: { kind: network, cidrs: [198.51.100.0/24] }
  managed: { kind: device, managed: true }
  mfa: { kind: mfa, required: true }
  strong: { kind: mfa, acr: [phr, phrh], max_age: 15m }
  fresh: { kind: mfa, acr: [phrh], max_age: 5m }
`

async function decide(policy: string, request = requestOf('export model:x')) {
  return createDecisionPoint(await policyOf(policy, CONDITIONS)).decide(request)
}

const row = (when: string, effect: string, resource = '*') =>
  `p, role:anyone, export, ${resource}, ${when}, ${effect}\n`

describe('permits', () => {
  it('names the first rule of the file that allows, with file, line and text', async () => {
    const decision = await decide(`# x\n${row('office', 'allow')}${row('always', 'allow')}`)
    expect(decision).toEqual({
      effect: 'permit',
      rule: {
        file: 'policy.csv',
        line: 2,
        text: 'p, role:anyone, export, *, office, allow',
      },
      failedConditions: [],
      obligations: [],
      revision: 'sha256:test',
      explanation: 'policy.csv:2 allows this.',
    })
  })
})

describe('denies', () => {
  it('win whatever the order, and the first in the file is named', async () => {
    const policy = row('always', 'allow') + row('office', 'deny') + row('always', 'deny')
    const decision = await decide(policy)
    expect(decision).toMatchObject({ effect: 'deny', reason: 'denied_by_rule', rule: { line: 2 } })
    expect(decision.explanation).toContain('a deny always wins')
  })

  it('apply when their condition is unknown, and say so', async () => {
    const decision = await decide(row('always', 'allow') + row('!managed', 'deny'))
    expect(decision).toMatchObject({ effect: 'deny', reason: 'denied_by_rule', rule: { line: 2 } })
    expect(decision.failedConditions).toEqual([
      {
        name: 'managed',
        truth: 'unknown',
        detail: 'whether the device is managed is not known',
      },
    ])
    expect(decision.explanation).toContain('managed is unknown')
  })

  it('do not apply when their condition is known to be false', async () => {
    expect((await decide(row('always', 'allow') + row('vault', 'deny'))).effect).toBe('permit')
  })

  it('reach a request without a version, since it may mean the denied one', async () => {
    const policy = row('always', 'allow') + row('always', 'deny', 'model:x@3')
    expect((await decide(policy, requestOf('export model:x@2'))).effect).toBe('permit')
    expect((await decide(policy, requestOf('export model:x@3'))).effect).toBe('deny')
    expect((await decide(policy, requestOf('export model:x'))).effect).toBe('deny')
  })

  it('of a version do not make an allow of a version reach a request without one', async () => {
    const policy = row('always', 'allow', 'model:x@3')
    expect((await decide(policy, requestOf('export model:x'))).effect).toBe('not-applicable')
  })
})

describe('refusals', () => {
  it('say that no rule matches', async () => {
    const decision = await decide(row('always', 'allow', 'model:y'))
    expect(decision).toMatchObject({ effect: 'not-applicable', reason: 'no_rule' })
    expect(decision.rule).toBeUndefined()
    expect(decision.explanation).toBe(
      'No rule gives you the action export on this model. Ask its owner for the permission.',
    )
  })

  it('name the nearest rule and everything that failed in it', async () => {
    const policy = row('vault & managed & mfa', 'allow') + row('vault & !office', 'allow')
    const decision = await decide(policy)
    expect(decision).toMatchObject({
      effect: 'deny',
      reason: 'condition_failed',
      rule: { line: 2 },
    })
    expect(decision.failedConditions).toEqual([
      {
        name: 'vault',
        truth: 'false',
        detail: 'the client address is outside 198.51.100.0/24',
      },
      { name: 'office', truth: 'false', detail: 'must not hold, and holds' },
    ])
  })

  it('never repeat what the request said', async () => {
    const subject = subjectOf({ id: 'user:kc/bob-secret', groups: ['group:g-secret'] })
    for (const policy of [
      row('vault', 'allow'),
      row('always', 'deny'),
      row('always', 'allow', 'model:y'),
    ]) {
      const { explanation, failedConditions } = await decide(
        policy,
        requestOf('export model:name-secret', { subject }),
      )
      expect(explanation + JSON.stringify(failedConditions)).not.toMatch(/secret|203\.0\.113\.7/)
    }
  })
})

describe('step-up', () => {
  it('is offered when authentication is all that is missing', async () => {
    const decision = await decide(row('office & strong', 'allow'))
    expect(decision).toMatchObject({
      effect: 'deny',
      reason: 'step_up_required',
      stepUp: { acrValues: 'phr phrh', maxAge: 900 },
    })
  })

  it('is offered when it is too old, and asks for what satisfies every condition', async () => {
    const authentication = { acr: 'phr', authTime: WORKDAY - 3_600_000 }
    const request = requestOf('export model:x', { subject: subjectOf({ authentication }) })
    const decision = await decide(row('strong & fresh', 'allow'), request)
    expect(decision.stepUp).toEqual({ acrValues: 'phrh', maxAge: 300 })
  })

  it('is not offered when something else is missing too', async () => {
    expect((await decide(row('vault & strong', 'allow'))).reason).toBe('condition_failed')
    expect((await decide(row('managed & strong', 'allow'))).reason).toBe('condition_failed')
    expect((await decide(row('!strong', 'allow'))).reason).toBe('condition_failed')
  })

  it('is not offered when a deny would still stand', async () => {
    const policy = row('strong', 'allow') + row('strong', 'deny')
    expect((await decide(policy)).reason).toBe('denied_by_rule')
  })

  it('is offered for a deny that asks for it, and only when that would then permit', async () => {
    const policy = row('always', 'allow') + row('!strong', 'deny')
    expect(await decide(policy)).toMatchObject({
      reason: 'step_up_required',
      rule: { line: 2 },
      stepUp: { acrValues: 'phr phrh', maxAge: 900 },
    })
    expect((await decide(row('!strong', 'deny') + row('vault', 'allow'))).reason).toBe(
      'denied_by_rule',
    )
  })
})

describe('what goes wrong inside', () => {
  it('is indeterminate, heard of, and never a permit', async () => {
    const policy = await policyOf(row('always', 'allow'), CONDITIONS)
    const failures: unknown[] = []
    const matcher = {
      concerning: () => [],
      match() {
        throw new Error('broken')
      },
    }
    const point = createDecisionPoint(
      { ...policy, matcher },
      { onFailure: (error) => failures.push(error) },
    )
    expect(point.decide(requestOf('export model:x'))).toMatchObject({
      effect: 'indeterminate',
      reason: 'indeterminate',
    })
    expect(failures).toHaveLength(1)
  })

  it('includes a request that is no request', async () => {
    const point = createDecisionPoint(await policyOf(row('always', 'allow'), CONDITIONS))
    const requests: unknown[] = [undefined, {}, { ...requestOf('export model:x'), environment: {} }]
    for (const request of requests) {
      expect(point.decide(request as never).effect).toBe('indeterminate')
    }
  })
})

describe('privileged actions', () => {
  it.each(['export', 'retrain', 'deploy', 'data:write', 'admin'])(
    'are not covered by a star: %s',
    async (action) => {
      const policy = 'p, role:anyone, *, *, always, allow\n'
      expect((await decide(policy, requestOf(`${action} model:x`))).reason).toBe('no_rule')
    },
  )

  it.each(['read', 'infer', 'data:read'])('others are: %s', async (action) => {
    const policy = 'p, role:anyone, *, *, always, allow\n'
    expect((await decide(policy, requestOf(`${action} model:x`))).effect).toBe('permit')
  })
})
