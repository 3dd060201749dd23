/** What was measured on casbin 5.51.1, 1 to 10: shown there where safe, and shown not to be here. */
import { describe, expect, it } from '@jest/globals'
import { Util } from 'casbin'
import { createDecisionPoint } from '../../../gateway/pdp/decision/decision-point.ts'
import { createCasbinMatcher } from '../../../gateway/pdp/engine/casbin-engine.ts'
import { evaluationOf } from '../../../gateway/pdp/decision/decision-point.ts'
import { casbinOf, effectOf } from '../../support/casbin.ts'
import { errorsOf, load, policyOf, requestOf, subjectOf } from '../../support/policy.ts'

const ALLOW = 'p, role:anyone, read, *, always, allow\n'
const named = (name: string) => requestOf('read model:x', { resource: { kind: 'model', name } })

describe('measured on Casbin, 1 to 10', () => {
  it('1: a failed load leaves the revision in force as it was', async () => {
    const point = createDecisionPoint(
      await policyOf(`${ALLOW}p, role:anyone, read, model:x, always, deny\n`),
    )
    const decided: string[] = []
    const loads = ['', 'P, x\n', `${ALLOW}p, a`].map((text) => load(text))
    for (const loading of loads) {
      decided.push(point.decide(requestOf('read model:x')).effect)
      expect((await loading).ok).toBe(false)
      decided.push(point.decide(requestOf('read model:x')).effect)
    }
    expect(decided).toEqual(Array(6).fill('deny'))
  })

  it('2: without rules nothing is permitted, since there is no such revision', async () => {
    const root = await casbinOf('# none', 'r.sub == "root" || r.sub == p.sub')
    expect(root.enforceSync('root', 'x', 'y')).toBe(true)
    for (const text of ['', '\n\n', '# only this\n', 'g, group:a, role:b\n']) {
      expect(await errorsOf(text)).toEqual(['1:1 empty-policy'])
    }
  })

  it('3: a sub of `admin` is a user of that name', async () => {
    const request = requestOf('read model:x', { subject: subjectOf({ id: 'user:kc/admin' }) })
    expect(await effectOf('p, role:admin, read, *, always, allow', request)).toBe('not-applicable')
  })

  it('4: what follows a star counts', async () => {
    expect(Util.keyMatchFunc('/models/a/weights', '/models/*/infer')).toBe(true)
    const policy = 'p, role:anyone, read, model:models/*/infer, always, allow'
    expect(await effectOf(policy, named('models/a/infer'))).toBe('permit')
    expect(await effectOf(policy, named('models/a/weights'))).toBe('not-applicable')
  })

  it('5: a colon is a colon, and braces are refused', async () => {
    const policy = 'p, role:anyone, read, model:v1/:m:predict, always, allow'
    expect(await effectOf(policy, named('v1/:m:predict'))).toBe('permit')
    expect(await effectOf(policy, named('v1/a:predict'))).toBe('not-applicable')
    for (const open of ['{', '{}', '{id', '[', '(']) {
      expect(await errorsOf(`p, role:a, read, model:x/${open}, always, deny`)).toEqual([
        '1:26 resource-pattern',
      ])
    }
  })

  it('6: a name that a deny would miss by a line break is judged by no rule', async () => {
    expect(Util.keyMatch2Func('/admin/\n', '/admin/*')).toBe(false)
    const policy = `${ALLOW}p, role:anyone, read, model:admin/*, always, deny\n`
    for (const name of ['admin/\n', 'admin/\u2028', 'admin/\0x', 'admin\r']) {
      expect(await effectOf(policy, named(name))).toBe('indeterminate')
    }
    // Names are exact; what a wildcard does not cover needs a rule of its own.
    expect(
      await effectOf('p, role:anyone, read, model:admin/*, always, allow', named('Admin/x')),
    ).toBe('not-applicable')
  })

  it('7: an action is exactly that action', async () => {
    expect(Util.regexMatchFunc('XGETX', 'GET')).toBe(true)
    for (const action of ['xread', 'readx', 'read ', 'READ', 'read|infer', '.*', '^read$']) {
      const request = { ...requestOf('read model:x'), action: action as 'read' }
      expect(await effectOf(ALLOW, request)).toBe('indeterminate')
      expect(await errorsOf(`p, role:a, ${action.trim()}x, *, always, deny`)).toEqual([
        '1:12 unknown-action',
      ])
    }
  })

  it.each(['Deny', 'deny # note', 'DENY', 'denied', '"deny"', 'deny;', "deny'", '0'])(
    '8: a row that says %s is an error and not ignored',
    async (effect) => {
      expect(await errorsOf(`p, role:a, read, *, always, ${effect}`)).toHaveLength(1)
    },
  )

  it('8: rows of another type are errors and not ignored', async () => {
    for (const type of ['P', 'p9', 'deny', 'G', 'e', 'm', '']) {
      const errors = await errorsOf(`${ALLOW}${type}, role:a, read, *, always, deny\n`)
      expect(errors).toEqual([expect.stringMatching(/unknown-row-type$/)])
    }
  })

  it('9: what is missing is never equal to, or less than, anything', async () => {
    const less = await casbinOf('p, a, read, x, allow\n', 'r.sub.risk <= 50 && p.eft == p.eft')
    for (const risk of [null, '', true]) expect(less.enforceSync({ risk }, '', '')).toBe(true)
    const yaml = [
      'conditions:',
      '  owner: { kind: resource, owner: [group:a] }',
      '  claim: { kind: token, claims: { tenant: a } }',
      '  fresh: { kind: mfa, max_age: 1h }',
    ].join('\n')
    for (const when of ['owner', 'claim', 'fresh', '!owner', '!claim', '!fresh']) {
      const policy = await policyOf(`p, role:anyone, read, *, ${when}, allow`, yaml)
      const decision = createDecisionPoint(policy).decide(requestOf('read model:x'))
      expect(decision.failedConditions).toMatchObject([{ truth: 'unknown' }])
    }
  })

  it('10: only `true` itself is a permit', async () => {
    const casbin = await casbinOf('p, a, read, x, allow\n', '"yes" && p.eft == "allow" && 1')
    expect(casbin.enforceSync('b', 'b', 'b')).toBe(true)
    const policy = await policyOf('p, role:anyone, read, *, mfa, allow')
    const matcher = await createCasbinMatcher(policy.table.rules, policy.table.links)
    for (const answer of ['true ', 'yes', 1, {}, undefined]) {
      const evaluation = evaluationOf(policy, requestOf('read model:x'), () => answer as 'true')
      expect(matcher.match(evaluation)).toBeUndefined()
    }
  })
})
