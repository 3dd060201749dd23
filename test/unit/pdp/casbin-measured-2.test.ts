/** What was measured on casbin 5.51.1, 11 to 20: shown there where safe, and shown not to be here. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { Util } from 'casbin'
import { createDecisionPoint } from '../../../gateway/pdp/decision/decision-point.ts'
import { createCasbinMatcher } from '../../../gateway/pdp/engine/casbin-engine.ts'
import { MODEL_TEXT } from '../../../gateway/pdp/policy/model-conf.ts'
import { casbinOf, effectOf } from '../../support/casbin.ts'
import { errorsOf, load, policyOf, requestOf, subjectOf } from '../../support/policy.ts'

const ALLOW = 'p, role:anyone, read, *, always, allow\n'

describe('measured on Casbin, 11 to 20', () => {
  const prototype = Object.prototype as unknown as Record<string, unknown>
  const polluted = ['isAdmin', 'role:admin', 'managed', 'tier', 'mfa', 'country', 'rules']
  afterEach(() => {
    for (const key of polluted) Reflect.deleteProperty(prototype, key)
  })

  it('11: prototypes are not attributes, polluted or not', async () => {
    const casbin = await casbinOf('p, a, read, x, allow\n', 'r.act in r.res')
    expect(casbin.enforceSync('a', 'constructor', {})).toBe(true)
    const policy = [
      'p, role:admin, read, *, always, allow',
      'p, role:constructor, read, *, always, allow',
      'p, role:anyone, read, *, managed-device | mfa, allow',
    ].join('\n')
    for (const key of polluted) {
      Object.defineProperty(prototype, key, { value: true, configurable: true, writable: true })
    }
    for (const roles of [[], ['role:__proto__'], ['role:toString']]) {
      const request = requestOf('read model:x', { subject: subjectOf({ roles }) })
      expect(await effectOf(policy, request)).toBe('deny')
    }
    const conditions = 'conditions:\n  __proto__: { kind: mfa, required: true }\n'
    expect(await errorsOf(ALLOW, conditions)).toEqual(['2:3 unknown-key'])
    expect(await errorsOf('p, role:a, read, *, constructor, allow')).toEqual([
      '1:21 unknown-condition',
    ])
  })

  it('12: text of a rule is never evaluated', async () => {
    const casbin = await casbinOf('p, false) || (true, read, x, allow\n', 'eval(p.sub)')
    expect(casbin.enforceSync('a', 'b', 'c')).toBe(true)
    expect(await errorsOf('p, role:a, read, *, mfa) | (always, allow')).toEqual([
      '1:24 when-syntax',
    ])
    const model = MODEL_TEXT.replace(/m = .*/, 'm = eval(p.when)')
    expect((await load(ALLOW, undefined, model)).ok).toBe(false)
  })

  it('13: two requests that join to one string are two requests, and a new revision answers anew', async () => {
    const by = (id: string) => requestOf('read model:a', { subject: subjectOf({ id }) })
    const first = createDecisionPoint(await policyOf('p, user:kc/a, read, model:a, always, allow'))
    const second = createDecisionPoint(await policyOf('p, user:kc/b, read, model:a, always, allow'))
    const request = by('user:kc/a')
    expect(first.decide(request).effect).toBe('permit')
    expect(first.decide(by('user:kc/a$$model:a')).effect).toBe('not-applicable')
    expect(second.decide(request).effect).toBe('not-applicable')
    expect(first.decide(request).effect).toBe('permit')
  })

  it('14: nothing writes rules back, and a cell cannot hold a line break', async () => {
    const text = 'p, role:a, read, model:b\rp, role:c, admin, *, always, allow\n'
    expect(await errorsOf(text)).toEqual(['1:25 carriage-return'])
    expect(
      await errorsOf('p, role:a, read, "model:b\np, role:c, *", always, allow\n'),
    ).toHaveLength(2)
    const { table, conditions } = await policyOf(ALLOW)
    const matcher = await createCasbinMatcher(table.rules, table.links)
    expect(Object.keys(matcher).sort()).toEqual(['concerning', 'match'])
    expect(conditions.names.size).toBeGreaterThan(0)
  })

  it('15: a network of /33 is refused and not everything', async () => {
    expect(Util.ipMatchFunc('192.168.1.1', '10.0.0.0/33')).toBe(true)
    for (const bits of ['33', 'abc', '-1', '08', '']) {
      const yaml = `conditions:\n  n: { kind: network, cidrs: ['10.0.0.0/${bits}'] }\n`
      expect(await errorsOf('p, role:a, read, *, n, allow', yaml)).toEqual(['2:31 invalid-value'])
    }
  })

  it('16: a dense circle of roles is refused at once, and shown', async () => {
    const rows: string[] = []
    for (let a = 0; a < 30; a++) {
      for (let b = 0; b < 30; b++) if (a !== b) rows.push(`g, role:x${a}, role:x${b}\n`)
    }
    const loaded = await load(ALLOW + rows.join(''))
    expect(loaded.ok ? [] : loaded.diagnostics.map(({ message }) => message)).toEqual([
      'roles go round in a circle: role:x0 → role:x1 → role:x0',
    ])
  })

  it('17: there is no priority that could be misread', async () => {
    const model = MODEL_TEXT.replace(/e = .*/, 'e = priority(p.eft) || deny')
    expect((await load(ALLOW, undefined, model)).ok).toBe(false)
    const allow = 'p, role:anyone, read, model:x, always, allow\n'
    const deny = 'p, role:anyone, read, model:x, always, deny\n'
    expect(await effectOf(allow + deny)).toBe('deny')
    expect(await effectOf(deny + allow)).toBe('deny')
  })

  it('18: a pattern has no negation, classes or braces, and a star takes dots too', async () => {
    expect(Util.globMatch('/secret', '!/public')).toBe(true)
    for (const pattern of ['!public', '{1..200000}', '[a-z]', '?', '+(a)', '@(a|b)']) {
      expect(await errorsOf(`p, role:a, read, model:${pattern}, always, allow`)).toHaveLength(1)
    }
    const policy = 'p, role:anyone, read, model:*, always, allow'
    expect(await effectOf(policy, requestOf('read model:.hidden'))).toBe('permit')
  })

  it('19: text that looks like JSON stays text', async () => {
    const casbin = await casbinOf(
      'p, a, read, x, allow\n',
      'r.sub.role == "admin" && p.eft == p.eft',
    )
    casbin.enableAcceptJsonRequest(true)
    expect(casbin.enforceSync('{"role":"admin"}', 'read', 'x')).toBe(true)
    const subject = subjectOf({ id: 'user:{"roles":["role:admin"]}' })
    const policy = 'p, role:admin, read, *, always, allow\n'
    expect(await effectOf(policy, requestOf('read model:x', { subject }))).toBe('not-applicable')
  })

  it('20: ten thousand rules are decided by looking at those that matter', async () => {
    const rows = Array.from(
      { length: 10_000 },
      (_, i) => `p, role:r${i % 50}, read, model:m${i}, always, ${i % 2 ? 'allow' : 'deny'}\n`,
    )
    const policy = await policyOf(rows.join(''))
    const point = createDecisionPoint(policy)
    const by = (name: string) =>
      requestOf(`read model:${name}`, { subject: subjectOf({ roles: ['role:r49'] }) })
    expect(point.decide(by('m9999')).rule?.line).toBe(10_000)
    expect(point.decide(by('m9998')).effect).toBe('not-applicable')
    let reads = 0
    const counted = by('m9999')
    const watched = new Proxy(counted.resource, {
      get(target, key) {
        reads++
        return Reflect.get(target, key) as unknown
      },
    })
    expect(point.decide({ ...counted, resource: watched }).effect).toBe('permit')
    // The interpreter reads the resource of the request for each of the 10,000 rules.
    expect(reads).toBeLessThan(100)
  })
})
