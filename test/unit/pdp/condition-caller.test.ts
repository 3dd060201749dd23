import { describe, expect, it } from '@jest/globals'
import type { AccessRequest } from '../../../gateway/domain/access.ts'
import type { ClaimValue, DevicePosture, Subject } from '../../../gateway/domain/subject.ts'
import { parseConditions } from '../../../gateway/pdp/conditions/condition-set.ts'
import { createDecisionPoint } from '../../../gateway/pdp/decision/decision-point.ts'
import { policyOf, requestOf, subjectOf, WORKDAY } from '../../support/policy.ts'

function conditionOf(yaml: string) {
  const text = `conditions:\n  c: { ${yaml} }\n`
  const loaded = parseConditions({ file: 'conditions.yaml', text })
  if (!loaded.ok) throw new Error(loaded.diagnostics.map((d) => d.message).join())
  return loaded.value.get('c')
}
const truth = (yaml: string, request: AccessRequest) => conditionOf(yaml).test(request).truth
const by = (more: Partial<Subject>) => requestOf('read model:x', { subject: subjectOf(more) })

describe('geo', () => {
  const at = (code?: string) =>
    requestOf('read model:x', {
      environment: code === undefined ? {} : { country: { code, source: 'database' } },
    })
  it.each([
    ['DE', 'true'],
    ['FR', 'true'],
    ['CH', 'false'],
    ['de', 'false'],
    ['', 'unknown'],
    [undefined, 'unknown'],
  ])('of %j is %s', (code, expected) => {
    expect(truth('kind: geo, countries: [DE, FR]', at(code))).toBe(expected)
  })

  it.each([
    ['de', /write DE/],
    ['UK', /write GB/],
    ['EL', /write GR/],
    ['EU', /not an ISO 3166-1/],
    ['XX', /not an ISO 3166-1/],
    ['T1', /not an ISO 3166-1/],
    ['DEU', /not an ISO 3166-1/],
    ['', /not an ISO 3166-1/],
    ['DE, DE', /twice/],
  ])('%j is refused when it is loaded', (code, message) => {
    expect(() => conditionOf(`kind: geo, countries: [${code || '""'}]`)).toThrow(message)
  })

  it('NO is Norway, and no boolean', () => {
    expect(truth('kind: geo, countries: [NO]', at('NO'))).toBe('true')
  })
})

describe('device sources', () => {
  const on = (source: DevicePosture['source']) =>
    requestOf('read model:x', { environment: { device: { managed: true, source } } })
  it.each<[string, DevicePosture['source'], string]>([
    ['sources: [assertion]', 'assertion', 'true'],
    ['sources: [assertion]', 'token', 'unknown'],
    ['sources: [assertion, mtls-hop]', 'mtls-hop', 'true'],
    ['sources: [assertion, token, mtls-hop]', 'trusted-hop', 'unknown'],
    ['', 'trusted-hop', 'true'],
  ])('%s of %s is %s', (yaml, source, expected) => {
    expect(truth(`kind: device, managed: true, ${yaml}`, on(source))).toBe(expected)
  })

  it.each(['sources: [assertion]', 'managed: true, sources: []', 'managed: true, sources: [hop]'])(
    '%s is refused when it is loaded',
    (yaml) => expect(() => conditionOf(`kind: device, ${yaml}`)).toThrow(),
  )
})

describe('the age of authentication by issuer', () => {
  const yaml = 'kind: mfa, max_age: { default: 1h, by_issuer: { corp: 15m } }'
  const authenticated = (issuerName: string, ago: number) =>
    by({ issuerName, authentication: { authTime: WORKDAY - ago } })
  it.each([
    ['corp', 900_000, 'true'],
    ['corp', 900_001, 'false'],
    ['kc', 3_600_000, 'true'],
    ['kc', 3_600_001, 'false'],
    ['Corp', 900_001, 'true'],
    ['constructor', 3_600_001, 'false'],
  ])('%s, %d ms ago, is %s', (issuer, ago, expected) => {
    expect(truth(yaml, authenticated(issuer, ago))).toBe(expected)
  })

  it('is asked for in the step-up of that issuer', () => {
    const { stepUp } = conditionOf(yaml)
    expect(stepUp?.(authenticated('corp', 0))).toEqual({ maxAge: 900 })
    expect(stepUp?.(authenticated('kc', 0))).toEqual({ maxAge: 3600 })
  })

  it('needs a default', () => {
    expect(() => conditionOf('kind: mfa, max_age: { by_issuer: { corp: 15m } }')).toThrow(
      /required|default/,
    )
  })
})

describe('authentication contexts', () => {
  const conditions = `conditions:
  payment: { kind: mfa, acrs: [c1, c2], max_age: 1h }
  vault: { kind: mfa, acrs: [c2] }
  other: { kind: mfa, acrs: [c9] }
`
  const policy = `p, role:r, export, model:a, payment, allow
p, role:r, export, model:b, payment & vault, allow
p, role:r, export, model:c, payment & other, allow
`
  const ask = async (model: string, acrs: string[]) => {
    const authentication = { acrs, authTime: WORKDAY - 7_200_000 }
    const subject = subjectOf({ roles: ['role:r'], authentication })
    const point = createDecisionPoint(await policyOf(policy, conditions))
    return point.decide(requestOf(`export model:${model}`, { subject })).stepUp
  }

  it('are asked for only when they are missing', async () => {
    expect(await ask('a', ['c7'])).toEqual({ acrs: ['c1', 'c2'], maxAge: 3600 })
    expect(await ask('a', ['c1'])).toEqual({ maxAge: 3600 })
  })

  it('are those that satisfy every condition, or one after the other', async () => {
    expect(await ask('b', [])).toMatchObject({ acrs: ['c2'] })
    expect(await ask('c', [])).toMatchObject({ acrs: ['c1', 'c2'] })
    expect(await ask('c', ['c1'])).toMatchObject({ acrs: ['c9'] })
  })

  it.each(['"c 1"', '"c\\"1"', '"c\\r\\nx: y"', '"é"', '""'])('%s is refused', (value) => {
    expect(() => conditionOf(`kind: mfa, acrs: [${value}]`)).toThrow(/printable ASCII/)
  })
})

describe('numbers in claims', () => {
  const claim = (value: unknown) => by({ claims: new Map([['risk', value as ClaimValue]]) })
  const max = 'kind: token, claims: { risk: { max: 50 } }'
  it.each<[unknown, string]>([
    [50, 'true'],
    [49.999, 'true'],
    [-0, 'true'],
    [1e-300, 'true'],
    [-1e300, 'true'],
    [50.0000000001, 'false'],
    [Number.MAX_VALUE, 'false'],
    [Infinity, 'unknown'],
    [-Infinity, 'unknown'],
    [Number.NaN, 'unknown'],
    [null, 'unknown'],
    [undefined, 'unknown'],
    ['', 'unknown'],
    ['9', 'unknown'],
    [true, 'unknown'],
    [[], 'unknown'],
    [[9], 'unknown'],
    [{}, 'unknown'],
  ])('%p at most 50 is %s', (value, expected) => expect(truth(max, claim(value))).toBe(expected))

  it.each<[string, unknown, string]>([
    ['{ min: 1 }', 1, 'true'],
    ['{ min: 1 }', 0.999, 'false'],
    ['{ min: 0 }', -0, 'true'],
    ['{ min: 0, max: 0 }', 0, 'true'],
    ['{ min: 1, max: 5 }', 6, 'false'],
    ['{ min: -1.5, max: 5 }', -1.5, 'true'],
  ])('%s of %p is %s', (range, value, expected) => {
    expect(truth(`kind: token, claims: { risk: ${range} }`, claim(value))).toBe(expected)
  })

  it.each([
    '{}',
    '{ min: 5, max: 1 }',
    '{ max: .inf }',
    '{ max: .nan }',
    '{ max: "5" }',
    '{ most: 5 }',
    '9007199254740993',
    'null',
  ])('%s is refused when it is loaded', (range) =>
    expect(() => conditionOf(`kind: token, claims: { risk: ${range} }`)).toThrow(),
  )

  it('negated and missing stays unknown, so that nothing is permitted and every deny applies', async () => {
    const conditions = `conditions:\n  risky: { kind: token, claims: { risk: { min: 50 } } }\n`
    for (const [effect, rows] of [
      ['deny', 'p, role:r, read, model:*, !risky, allow\n'],
      ['deny', 'p, role:r, read, model:*, always, allow\np, role:r, read, model:*, risky, deny\n'],
      ['deny', 'p, role:r, read, model:*, always, allow\np, role:r, read, model:*, !risky, deny\n'],
    ] as const) {
      const point = createDecisionPoint(await policyOf(rows, conditions))
      const subject = subjectOf({ roles: ['role:r'] })
      expect(point.decide(requestOf('read model:x', { subject })).effect).toBe(effect)
    }
  })
})

describe('the lifetime of a token', () => {
  const issued = (more: Partial<Subject>) => by({ issuedAt: WORKDAY, ...more })
  it.each([
    [WORKDAY + 600_000, 'true'],
    [WORKDAY + 600_001, 'false'],
    [WORKDAY - 1, 'unknown'],
    [Number.NaN, 'unknown'],
    [Infinity, 'unknown'],
  ])('until %d is %s', (expiresAt, expected) => {
    expect(truth('kind: token, max_lifetime: 10m', issued({ expiresAt }))).toBe(expected)
  })
})
