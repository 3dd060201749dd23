/** Known pitfalls of casbin 5.51.1, second half of the list: shown there, and shown not to be here. */
import { describe, expect, it } from '@jest/globals'
import { newCachedEnforcer, newModelFromString, StringAdapter, Util } from 'casbin'
import { readdirSync, readFileSync } from 'node:fs'
import { createDecisionPoint } from '../../../gateway/pdp/decision/decision-point.ts'
import { MODEL_TEXT } from '../../../gateway/pdp/policy/model-conf.ts'
import { casbinOf, effectOf } from '../../support/casbin.ts'
import {
  errorsOf,
  load,
  placeAndCode,
  policyOf,
  requestOf,
  subjectOf,
} from '../../support/policy.ts'

const ALLOW = 'p, role:anyone, read, *, always, allow\n'

/** The text of every file of this room, to show what is not called anywhere. */
const SOURCES = readdirSync('gateway/pdp', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(`gateway/pdp/${name}`, 'utf8'))
  // Comments tell what is avoided; code is what is looked at.
  .map((text) => text.replace(/\/\*[^]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, ''))

describe('pitfalls of Casbin, 12 to 20', () => {
  it('12: patterns that hang keyMatch2 to keyMatch5 are refused, or plain text', async () => {
    for (const pattern of ['model:/models/{', 'model:{}', 'model:{id', 'model:(a+)+$']) {
      const errors = await errorsOf(`p, role:a, read, ${pattern}, always, deny\n`)
      expect(errors).toEqual([expect.stringMatching(/^1:\d+ resource-pattern$/)])
    }
    const plain = 'p, role:anyone, read, model:/models/:, always, allow\n'
    expect(await effectOf(plain, requestOf('read model:/models/a'))).toBe('not-applicable')
    expect(SOURCES.join('\n')).not.toMatch(/keyMatch|regexMatch|globMatch\b|ipMatch/)
  })

  it('13: an address Casbin cannot read is unknown, and IPv4 inside IPv6 is IPv4', async () => {
    expect(() => Util.ipMatchFunc('not an address', '10.0.0.0/8')).toThrow()
    const yaml = 'conditions:\n  n: { kind: network, cidrs: [10.0.0.0/8] }\n'
    const point = createDecisionPoint(await policyOf('p, role:anyone, read, *, n, allow', yaml))
    const from = (ip: string) =>
      point.decide(requestOf('read model:x', { environment: { client: { ip, source: 'peer' } } }))
    expect(from('::ffff:10.0.0.1').effect).toBe('permit')
    for (const ip of ['not an address', '010.0.0.1', '']) {
      expect(from(ip).failedConditions).toMatchObject([{ name: 'n', truth: 'unknown' }])
    }
  })

  it('14: a subject named like a role does not have it', async () => {
    const casbin = await casbinOf('p, admin, read, x, allow\ng, b, c\n', 'g(r.sub, p.sub)')
    expect(casbin.enforceSync('admin', 'read', 'x')).toBe(true)
    expect(await errorsOf('p, admin, read, *, always, allow')).toEqual(['1:4 subject-prefix'])
    const policy = 'p, role:admin, read, *, always, allow\n'
    for (const id of ['user:admin', 'user:kc/role:admin', 'role:admin']) {
      const request = requestOf('read model:x', { subject: subjectOf({ id }) })
      expect(await effectOf(policy, request)).not.toBe('permit')
    }
  })

  it('15: a chain that Casbin would cut at ten is refused at nine', async () => {
    const chain = (n: number) =>
      Array.from({ length: n }, (_, i) => `g, role:r${i}, role:r${i + 1}\n`).join('')
    expect(await errorsOf(ALLOW + chain(9))).toEqual(['2:4 role-depth'])
    const policy = await policyOf(`p, role:r8, infer, *, always, deny\n${ALLOW}${chain(8)}`)
    const request = requestOf('infer model:x', { subject: subjectOf({ roles: ['role:r0'] }) })
    expect(createDecisionPoint(policy).decide(request).reason).toBe('denied_by_rule')
  })

  it('16: no decision is kept under a key that another request could have', async () => {
    const model = newModelFromString(
      MODEL_TEXT.replace(/r = .*/, 'r = sub, act')
        .replace(/p = .*/, 'p = sub, act, eft')
        .replace(/m = .*/, 'm = r.sub == p.sub && r.act == p.act'),
    )
    const casbin = await newCachedEnforcer(model, new StringAdapter('p, a, b$$c, allow'))
    expect(await casbin.enforce('a', 'b$$c')).toBe(true)
    expect(await casbin.enforce('a$$b', 'c')).toBe(true)
    const point = createDecisionPoint(await policyOf('p, user:kc/a, read, model:b, always, allow'))
    const by = (id: string, name: string) =>
      point.decide(
        requestOf('read model:b', {
          subject: subjectOf({ id }),
          resource: { kind: 'model', name },
        }),
      ).effect
    expect(by('user:kc/a', 'b')).toBe('permit')
    expect(by('user:kc/a$$b', 'b')).toBe('not-applicable')
    expect(by('user:kc/a', 'b$$b')).toBe('not-applicable')
    expect(SOURCES.join('\n')).not.toContain('CachedEnforcer')
  })

  it('17: enforcement cannot be switched off', async () => {
    const casbin = await casbinOf('p, a, read, x, allow\n')
    casbin.enableEnforce(false)
    expect(casbin.enforceSync('mallory', 'admin', 'x')).toBe(true)
    expect(SOURCES.join('\n')).not.toMatch(/enableEnforce|enforceWithMatcher|enableAcceptJson/)
    const policy = await policyOf(ALLOW)
    expect(Object.values(policy.matcher).every((value) => typeof value === 'function')).toBe(true)
  })

  it('18: a refusal says why; Casbin has nothing to say of it', async () => {
    const casbin = await casbinOf('p, a, read, x, allow\n')
    expect(casbin.enforceExSync('b', 'read', 'x')).toEqual([false, []])
    const policy = 'p, role:anyone, read, model:y, always, allow\n'
    const point = createDecisionPoint(await policyOf(policy))
    expect(point.decide(requestOf('read model:x'))).toMatchObject({
      reason: 'no_rule',
      explanation: expect.stringContaining('No rule gives you'),
    })
    expect(point.decide(requestOf('read model:y')).rule?.line).toBe(1)
  })

  it('19: brackets and hashes are errors, and a matcher is not cut at one', async () => {
    const pattern = await errorsOf('p, role:a, read, model:((, always, allow')
    expect(pattern).toEqual(['1:24 resource-pattern'])
    expect(await errorsOf('p, role:a#b, read, *, always, allow')).toEqual(['1:10 trailing-comment'])
    expect(await errorsOf('p, role:a, read, *, (mfa, allow')).toEqual(['1:25 when-syntax'])
    const model = MODEL_TEXT.replace(' && holdsSubject', ' # && holdsSubject')
    const loaded = await load(ALLOW, undefined, model)
    expect(loaded.ok ? [] : loaded.diagnostics.map(placeAndCode)).toEqual(['14:32 model-differs'])
    // A priority is one column too many, whatever it says.
    expect(await errorsOf('p, 10, role:a, read, *, always, allow, x')).toEqual(['1:1 column-count'])
  })

  it('20: nothing here waits for a message to load anything again', () => {
    expect(SOURCES.join('\n')).not.toMatch(/Watcher|SyncedEnforcer|\.loadPolicy\(|loadFiltered/)
  })
})
