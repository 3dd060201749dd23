/**
 * Behaviour of casbin 5.51.1 that would open the gate, one test each: the trap is shown on Casbin
 * itself where that is quick and safe, then shown not to exist here.
 */
import { describe, expect, it } from '@jest/globals'
import { newEnforcer, newModelFromString, StringAdapter } from 'casbin'
import type { Action } from '../../../gateway/domain/vocabulary.ts'
import { createDecisionPoint } from '../../../gateway/pdp/decision/decision-point.ts'
import { MODEL_TEXT } from '../../../gateway/pdp/policy/model-conf.ts'
import { errorsOf, load, policyOf, requestOf, subjectOf } from '../../support/policy.ts'

const NAIVE = MODEL_TEXT.replace(/r = .*/, 'r = sub, act, res')
  .replace(/p = .*/, 'p = sub, act, res, eft')
  .replace(/m = .*/, 'm = r.sub == p.sub && r.act == p.act && r.res == p.res')

async function naive(policy: string, matcher?: string) {
  const model = matcher === undefined ? NAIVE : NAIVE.replace(/m = .*/, `m = ${matcher}`)
  return newEnforcer(newModelFromString(model), new StringAdapter(policy))
}

const effectOf = async (policy: string, request = requestOf('read model:x')) =>
  createDecisionPoint(await policyOf(policy)).decide(request).effect

describe('traps of the loader', () => {
  it('1: a revision cannot be reloaded; nothing on it can be called that empties it', async () => {
    const policy = await policyOf('p, role:anyone, read, *, always, allow\n')
    expect(Object.isFrozen(policy)).toBe(true)
    expect(Object.keys(policy.matcher)).toEqual(['concerning', 'match'])
    expect(Object.keys(createDecisionPoint(policy)).sort()).toEqual(['decide', 'revision'])
  })

  it('2: an empty policy is refused; Casbin allows an empty request on it', async () => {
    expect((await naive('# none')).enforceSync('', '', '')).toBe(true)
    expect(await errorsOf('')).toEqual(['1:1 empty-policy'])
  })

  it('3: empty fields are refused, in rules and in requests', async () => {
    expect(await errorsOf('p, , , , always, allow')).toHaveLength(3)
    const request = requestOf('read model:x', { subject: subjectOf({ id: '' }) })
    expect(await effectOf('p, role:anyone, read, *, always, allow', request)).toBe('indeterminate')
  })

  it('4: unknown row types and short rows are errors; Casbin skips them', async () => {
    const casbin = await naive('p, a, read, x, allow\nP, a, read, x, deny\n')
    expect(casbin.enforceSync('a', 'read', 'x')).toBe(true)
    expect(await errorsOf('P, role:a, read, *, always, deny')).toEqual(['1:1 unknown-row-type'])
    expect(await errorsOf('p, role:a')).toEqual(['1:1 column-count'])
  })

  it('5, 6: a deny that Casbin loses to a capital letter or a comment is an error', async () => {
    for (const lost of ['Deny', 'deny # not on Fridays']) {
      const casbin = await naive(`p, a, read, x, allow\np, a, read, x, ${lost}\n`)
      expect(casbin.enforceSync('a', 'read', 'x')).toBe(true)
      expect(await errorsOf(`p, role:a, read, *, always, ${lost}`)).toHaveLength(1)
    }
  })

  it('14: a name with a line break cannot become a rule', async () => {
    const text = 'p, role:a, read, model:b\rp, role:c, admin, *, always, allow\n'
    expect(await errorsOf(text)).toEqual(['1:25 carriage-return'])
  })

  it('19: brackets and hashes in a row are errors, not surprises', async () => {
    expect(await errorsOf('p, role:a, read, model:((, always, allow')).toHaveLength(1)
    expect(await errorsOf('p, role:a#b, read, *, always, allow')).toEqual(['1:10 trailing-comment'])
  })
})

describe('traps of the model', () => {
  it.each([
    ['drops the deny', MODEL_TEXT.replace(' && !some(where (p.eft == deny))', '')],
    ['denies only', MODEL_TEXT.replace('some(where (p.eft == allow)) && ', '')],
    ['has priorities', MODEL_TEXT.replace(/e = .*/, 'e = priority(p.eft) || deny')],
    ['matches everything', MODEL_TEXT.replace(/m = .*/, 'm = true')],
    ['compares a field that is not there', MODEL_TEXT.replace('p.sub)', 'p.sbu)')],
    ['calls g()', MODEL_TEXT.replace('holdsSubject', 'g')],
    ['calls regexMatch', MODEL_TEXT.replace('matchesResource', 'regexMatch')],
    ['evaluates policy text', MODEL_TEXT.replace(/m = .*/, 'm = eval(p.when)')],
    ['says or', MODEL_TEXT.replace('&& holdsSubject', '|| holdsSubject')],
    ['has a second matcher', `${MODEL_TEXT}m2 = true\n`],
    ['repeats a section', `${MODEL_TEXT}[matchers]\nm = true\n`],
    ['misses a section', MODEL_TEXT.replace(/\[role_definition\]\ng = .*\n/, '')],
    ['has a trailing comment', MODEL_TEXT.replace('r = sub', 'r = sub # who')],
    ['is empty', ''],
  ])('17: a model that %s is refused', async (_name, model) => {
    const loaded = await load('p, role:a, read, *, always, allow\n', undefined, model)
    expect(loaded.ok).toBe(false)
  })

  it('takes other spacing, comments, and the tests of the matcher in another order', async () => {
    const tests = /m = (.*)/.exec(MODEL_TEXT)?.[1]?.split(' && ').reverse().join('&&') ?? ''
    const model = `# ours\n\n${MODEL_TEXT.replace(/m = .*/, `m=${tests}`).replaceAll(', ', ',')}`
    const loaded = await load('p, role:a, read, *, always, allow\n', undefined, model)
    expect(loaded.ok).toBe(true)
  })
})

describe('traps of the matcher', () => {
  it('7, 9: what is missing is never equal to what is missing', async () => {
    const casbin = await naive(
      'p, a, read, x, allow\n',
      'r.sub.tenant == r.res.tenant && p.eft == p.eft',
    )
    expect(casbin.enforceSync({}, 'read', {})).toBe(true)
    const policy = 'p, role:anyone, read, *, managed-device, allow\n'
    expect(await effectOf(policy)).toBe('deny')
  })

  it('8: types are not coerced', async () => {
    const casbin = await naive('p, admin, read, x, allow\n')
    expect(casbin.enforceSync(['admin'], 'read', 'x')).toBe(true)
    const request = requestOf('read model:x', { action: ['read'] as unknown as Action })
    expect(await effectOf('p, role:anyone, read, *, always, allow', request)).toBe('indeterminate')
  })

  it('10: a star is a star at its place, a dot is a dot, and a pattern is anchored', async () => {
    const policy = 'p, role:anyone, read, model:*/a.b, always, allow\n'
    expect(await effectOf(policy, requestOf('read model:x/a.b'))).toBe('permit')
    for (const name of ['x/a.b/weights', 'x/aXb', 'a.b', 'X/A.B']) {
      expect(await effectOf(policy, requestOf(`read model:${name}`))).toBe('not-applicable')
    }
  })

  it('11: a name with a line break is judged by no rule', async () => {
    const policy =
      'p, role:anyone, *, *, always, allow\np, role:anyone, *, model:a*, always, deny\n'
    for (const name of ['admin/\n', 'x\u2028', '\0', 'a\r']) {
      const request = requestOf('read model:x', { resource: { kind: 'model', name } })
      expect(await effectOf(policy, request)).toBe('indeterminate')
    }
  })

  it('11: prototypes are not attributes', async () => {
    const policy = 'p, role:constructor, read, *, always, allow\np, role:a, read, *, mfa, allow\n'
    expect(await effectOf(policy)).toBe('not-applicable')
    for (const roles of [['role:__proto__'], ['role:toString']]) {
      const request = requestOf('read model:x', { subject: subjectOf({ roles }) })
      expect(await effectOf(policy, request)).toBe('not-applicable')
    }
  })

  it('12: patterns that hang keyMatch2 are refused', async () => {
    for (const pattern of ['model:/models/:', 'model:/models/{', 'model:{}', 'model:(a+)+$']) {
      const policy = `p, role:a, read, ${pattern}, always, deny\n`
      if (pattern === 'model:/models/:') expect((await load(policy)).ok).toBe(true)
      else expect(await errorsOf(policy)).toHaveLength(1)
    }
    const plain = 'p, role:anyone, read, model:/models/:, always, allow\n'
    expect(await effectOf(plain, requestOf('read model:/models/a'))).toBe('not-applicable')
  })

  it('13, 15: a network of /33 is refused and not everything', async () => {
    const yaml = 'conditions:\n  n: { kind: network, cidrs: [10.0.0.0/33] }\n'
    expect(await errorsOf('p, role:a, read, *, n, allow', yaml)).toEqual(['2:31 invalid-value'])
  })

  it('16, 18: the deciding rule is named, and a refusal says why', async () => {
    const policy = 'p, role:anyone, read, model:y, always, allow\n'
    const decision = createDecisionPoint(await policyOf(policy)).decide(requestOf('read model:x'))
    expect(decision.reason).toBe('no_rule')
    expect(decision.explanation).toContain('No rule gives you')
  })

  it('13 (cache): two requests that join to one string are two requests', async () => {
    const policy = 'p, role:anyone, read, model:a, always, allow\n'
    const point = createDecisionPoint(await policyOf(policy))
    expect(point.decide(requestOf('read model:a')).effect).toBe('permit')
    const version = { resource: { kind: 'model', name: 'a$$b' } as const }
    expect(point.decide(requestOf('read model:a', version)).effect).toBe('not-applicable')
  })

  it('19: text that looks like JSON stays text', async () => {
    const subject = subjectOf({ id: 'user:{"roles":["role:admin"]}' })
    const policy = 'p, role:admin, read, *, always, allow\n'
    expect(await effectOf(policy, requestOf('read model:x', { subject }))).toBe('not-applicable')
  })

  it('20: a thousand rules are decided, and many denies do not hide an allow', async () => {
    const rows = Array.from(
      { length: 1000 },
      (_, i) => `p, role:r${i}, read, model:m${i}, always, ${i % 2 ? 'allow' : 'deny'}\n`,
    )
    const request = requestOf('read model:m999', { subject: subjectOf({ roles: ['role:r999'] }) })
    expect(await effectOf(rows.join(''), request)).toBe('permit')
  })
})
