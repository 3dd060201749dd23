/**
 * Known pitfalls of casbin 5.51.1, first half of the list: each is shown on Casbin itself where that
 * is quick and safe, then shown not to exist here.
 */
import { describe, expect, it } from '@jest/globals'
import { Util } from 'casbin'
import { isResourceName } from '../../../gateway/classify/names.ts'
import type { Action } from '../../../gateway/domain/vocabulary.ts'
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

async function modelErrors(model: string) {
  const loaded = await load(ALLOW, undefined, model)
  return loaded.ok ? [] : loaded.diagnostics.map(placeAndCode)
}

describe('pitfalls of Casbin, 1 to 11', () => {
  it('1: a revision cannot be reloaded; nothing on it can be called that empties it', async () => {
    const casbin = await casbinOf('p, a, read, x, allow\n')
    casbin.clearPolicy()
    expect(casbin.enforceSync('a', 'read', 'x')).toBe(false)
    const policy = await policyOf(ALLOW)
    expect(Object.isFrozen(policy)).toBe(true)
    expect(Object.keys(policy.matcher).sort()).toEqual(['concerning', 'match'])
    expect(Object.keys(createDecisionPoint(policy)).sort()).toEqual(['decide', 'revision'])
  })

  it('2: the effect that only denies is refused, and so is an empty policy', async () => {
    const effect = '!some(where (p.eft == deny))'
    expect((await casbinOf('# none', undefined, effect)).enforceSync('a', 'b', 'c')).toBe(true)
    const model = MODEL_TEXT.replace(/e = .*/, `e = ${effect}`)
    expect(await modelErrors(model)).toEqual(['11:5 model-differs'])
    expect(await errorsOf('# none')).toEqual(['1:1 empty-policy'])
  })

  it('3: empty fields are refused, in rules and in requests', async () => {
    expect((await casbinOf('# none')).enforceSync('', '', '')).toBe(true)
    expect(await errorsOf('p, , , , always, allow')).toHaveLength(3)
    const request = requestOf('read model:x', { subject: subjectOf({ id: '' }) })
    expect(await effectOf(ALLOW, request)).toBe('indeterminate')
    const resource = { kind: 'model', name: '' } as const
    expect(await effectOf(ALLOW, requestOf('read model:x', { resource }))).toBe('indeterminate')
  })

  it('4: unknown row types and short rows are errors; Casbin skips them', async () => {
    const casbin = await casbinOf('p, a, read, x, allow\nP, a, read, x, deny\n')
    expect(casbin.enforceSync('a', 'read', 'x')).toBe(true)
    for (const type of ['P', 'pp', 'p2', 'deny']) {
      expect(await errorsOf(`${type}, role:a, read, *, always, deny`)).toEqual([
        '1:1 unknown-row-type',
      ])
    }
    expect(await errorsOf('p, role:a')).toEqual(['1:1 column-count'])
    expect(await errorsOf(`${ALLOW}g, group:a`)).toEqual(['2:1 column-count'])
  })

  it('5: a missing effect is an error and not an allow, and Deny is no effect', async () => {
    const short = await casbinOf('p, a, read, x\n')
    expect(short.enforceSync('a', 'read', 'x')).toBe(true)
    expect(await errorsOf('p, role:a, read, *, always')).toEqual(['1:1 column-count'])
    const typo = await casbinOf('p, a, read, x, allow\np, a, read, x, Deny\n')
    expect(typo.enforceSync('a', 'read', 'x')).toBe(true)
    expect(await errorsOf('p, role:a, read, *, always, Deny')).toEqual(['1:29 unknown-effect'])
  })

  it('6: a deny that Casbin loses to a comment behind it is an error', async () => {
    const casbin = await casbinOf('p, a, read, x, allow\np, a, read, x, deny # not on Fridays\n')
    expect(casbin.enforceSync('a', 'read', 'x')).toBe(true)
    expect(await errorsOf('p, role:a, read, *, always, deny # not on Fridays')).toEqual([
      '1:34 trailing-comment',
    ])
  })

  it('7: a matcher that names a field that is not there is refused where it stands', async () => {
    const casbin = await casbinOf('p, a, read, x, allow\n', 'r.sub.tenant == p.sbu')
    expect(casbin.enforceSync({}, 'read', 'x')).toBe(true)
    expect(await modelErrors(MODEL_TEXT.replace('p.sub)', 'p.sbu)'))).toEqual([
      '14:57 model-differs',
    ])
  })

  it('8: types are not coerced', async () => {
    const casbin = await casbinOf('p, admin, read, x, allow\n')
    expect(casbin.enforceSync(['admin'], 'read', 'x')).toBe(true)
    const request = requestOf('read model:x', { action: ['read'] as unknown as Action })
    expect(await effectOf(ALLOW, request)).toBe('indeterminate')
    const yaml = 'conditions:\n  c: { kind: token, claims: { level: 9 } }\n'
    const point = createDecisionPoint(await policyOf('p, role:anyone, read, *, c, allow', yaml))
    const by = (level: string | number | boolean) =>
      requestOf('read model:x', { subject: subjectOf({ claims: new Map([['level', level]]) }) })
    expect(point.decide(by(9)).effect).toBe('permit')
    for (const level of ['9', true, 9.5]) expect(point.decide(by(level)).effect).toBe('deny')
  })

  it('9: what is missing deep inside is unknown, and a failure is no permit', async () => {
    const casbin = await casbinOf('p, a, read, x, allow\n', 'r.sub.a.b == p.sub')
    expect(() => casbin.enforceSync({}, 'read', 'x')).toThrow()
    expect(await effectOf('p, role:anyone, read, *, managed-device, allow\n')).toBe('deny')
    const failures: unknown[] = []
    const policy = await policyOf(ALLOW)
    const matcher = {
      ...policy.matcher,
      match: () => {
        throw new Error('broken')
      },
    }
    const point = createDecisionPoint(
      { ...policy, matcher },
      { onFailure: (e) => failures.push(e) },
    )
    expect(point.decide(requestOf('read model:x')).effect).toBe('indeterminate')
    expect(failures).toHaveLength(1)
  })

  it('10: a star is a star at its place, a dot is a dot, and a pattern is anchored', async () => {
    expect(Util.keyMatch2Func('/v1/aXb', '/v1/a.b')).toBe(true)
    const policy = 'p, role:anyone, read, model:*/a.b, always, allow\n'
    expect(await effectOf(policy, requestOf('read model:x/a.b'))).toBe('permit')
    for (const name of ['x/a.b/weights', 'x/aXb', 'a.b', 'X/A.B']) {
      expect(await effectOf(policy, requestOf(`read model:${name}`))).toBe('not-applicable')
    }
  })

  it('11: a name with dot segments is no name, so that none climbs out of a pattern', () => {
    for (const name of ['public/../secret', '../secret', 'public//secret', 'public/..', '.']) {
      expect(isResourceName(name)).toBe(false)
    }
  })
})
