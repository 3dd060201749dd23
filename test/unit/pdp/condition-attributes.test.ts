import { describe, expect, it } from '@jest/globals'
import type { AccessRequest } from '../../../gateway/domain/access.ts'
import type { DevicePosture, Subject } from '../../../gateway/domain/subject.ts'
import { parseConditions } from '../../../gateway/pdp/conditions/condition-set.ts'
import { requestOf, subjectOf, WORKDAY } from '../../support/policy.ts'

function conditionOf(yaml: string) {
  const text = `conditions:\n  c: { ${yaml} }\n`
  const loaded = parseConditions({ file: 'conditions.yaml', text })
  if (!loaded.ok) throw new Error(loaded.diagnostics[0]?.message)
  return loaded.value.get('c')
}

const from = (ip: string) =>
  requestOf('read model:x', { environment: { client: { ip, source: 'peer' } } })
const on = (device: Omit<DevicePosture, 'source'>) =>
  requestOf('read model:x', { environment: { device: { ...device, source: 'token' } } })
const by = (more: Partial<Subject>) => requestOf('read model:x', { subject: subjectOf(more) })
const truth = (yaml: string, request: AccessRequest) => conditionOf(yaml).test(request).truth

describe('network', () => {
  it.each([
    ['10.0.0.0/8', '10.255.255.255', 'true'],
    ['10.0.0.0/8', '11.0.0.0', 'false'],
    ['10.0.0.0/8', '::ffff:10.1.2.3', 'true'],
    ['10.0.0.0/8', '::ffff:a01:203', 'true'],
    ['10.0.0.0/8', '2001:db8::1', 'false'],
    ['192.0.2.1/32', '192.0.2.1', 'true'],
    ['192.0.2.1/32', '192.0.2.2', 'false'],
    ['192.0.2.0/31', '192.0.2.1', 'true'],
    ['192.0.2.0/31', '192.0.2.2', 'false'],
    ['192.0.2.128/25', '192.0.2.127', 'false'],
    ['"2001:db8::/32"', '2001:db8:ffff::1', 'true'],
    ['"2001:db8::/32"', '2001:db9::', 'false'],
    ['"2001:db8::1/128"', '2001:DB8:0::0:1', 'true'],
    ['"fe80::/10"', 'fe80::1%eth0', 'unknown'],
    ['10.0.0.0/8', '', 'unknown'],
    ['10.0.0.0/8', '010.0.0.1', 'unknown'],
    ['10.0.0.0/8', 'not an address', 'unknown'],
  ])('%s of %s is %s', (cidr, ip, expected) => {
    expect(truth(`kind: network, cidrs: [${cidr}]`, from(ip))).toBe(expected)
  })

  it.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    ' 10.0.0.0/8',
    '10.0.0.0 /8',
    '10/8',
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/abc',
    '0.0.0.0/0',
    '::/0',
    '2001:db8::1/32',
    '2001:db8::/129',
    '::ffff:10.0.0.0/104',
    'fe80::%eth0/64',
    '',
  ])('%j is refused when it is loaded', (cidr) => {
    expect(() => conditionOf(`kind: network, cidrs: ["${cidr}"]`)).toThrow()
  })
})

describe('device', () => {
  const healthy = { managed: true, compliant: true, encrypted: true, os: 'macos' }
  const all = 'managed: true, compliant: true, encrypted: true, os: [macos]'
  it.each([
    [all, healthy, 'true'],
    [all, { ...healthy, compliant: false }, 'false'],
    [all, { managed: true, compliant: false }, 'false'],
    [all, { managed: true, compliant: true, os: 'macos' }, 'unknown'],
    [all, { ...healthy, os: 'MacOS' }, 'false'],
    [all, { ...healthy, os: '' }, 'unknown'],
    [all, {}, 'unknown'],
    [all, { ...healthy, managed: 'true' as unknown as boolean }, 'unknown'],
    [all, { ...healthy, managed: null as unknown as boolean }, 'unknown'],
    ['os_version_min: { macos: "14.5" }', { os: 'macos', osVersion: '14.5' }, 'true'],
    ['os_version_min: { macos: "14.5" }', { os: 'macos', osVersion: '14.10.1' }, 'true'],
    ['os_version_min: { macos: "14.5" }', { os: 'macos', osVersion: '14' }, 'false'],
    ['os_version_min: { macos: "14.5" }', { os: 'linux', osVersion: '99' }, 'false'],
    ['os_version_min: { macos: "14.5" }', { os: 'macos', osVersion: '14.5b' }, 'unknown'],
    ['os_version_min: { macos: "14.5" }', { os: 'macos' }, 'unknown'],
    ['max_age: 1h', { assessedAt: WORKDAY - 3_600_000 }, 'true'],
    ['max_age: 1h', { assessedAt: WORKDAY - 3_600_001 }, 'false'],
    ['max_age: 1h', { assessedAt: WORKDAY + 60_000 }, 'true'],
    ['max_age: 1h', { assessedAt: WORKDAY + 60_001 }, 'unknown'],
    ['max_age: 1h', { assessedAt: Number.NaN }, 'unknown'],
    ['max_age: 1h', {}, 'unknown'],
  ])('%s of %j is %s', (yaml, device, expected) => {
    expect(truth(`kind: device, ${yaml}`, on(device))).toBe(expected)
  })

  it('is unknown without any posture', () => {
    expect(truth(`kind: device, ${all}`, from('192.0.2.1'))).toBe('unknown')
  })
})

describe('mfa', () => {
  it.each([
    ['required: true', { mfa: true }, 'true'],
    ['required: true', { mfa: false }, 'false'],
    ['required: true', {}, 'unknown'],
    ['required: true', { amr: ['mfa'] }, 'unknown'],
    ['amr: [hwk, otp]', { amr: ['pwd', 'otp'] }, 'true'],
    ['amr: [hwk, otp]', { amr: ['pwd'] }, 'false'],
    ['amr: [hwk, otp]', { amr: [] }, 'unknown'],
    ['acr: [phr, phrh]', { acr: 'phr' }, 'true'],
    ['acr: [phr, phrh]', { acr: 'PHR' }, 'false'],
    ['acrs: [c1]', { acrs: ['c1', 'c2'] }, 'true'],
    ['acrs: [c1]', {}, 'unknown'],
    ['max_age: 15m', { authTime: WORKDAY - 900_000 }, 'true'],
    ['max_age: 15m', { authTime: WORKDAY - 900_001 }, 'false'],
    ['max_age: 15m', {}, 'unknown'],
    ['required: true, max_age: 15m', { mfa: false }, 'false'],
    ['required: true, max_age: 15m', { mfa: true }, 'unknown'],
  ])('%s of %j is %s', (yaml, authentication, expected) => {
    expect(truth(`kind: mfa, ${yaml}`, by({ authentication }))).toBe(expected)
  })

  it('says which step-up would satisfy it', () => {
    const { stepUp } = conditionOf('kind: mfa, acr: [phr, phrh], max_age: 15m')
    expect(stepUp?.(by({}))).toEqual({ acrValues: 'phr phrh', maxAge: 900 })
  })
})

describe('token', () => {
  const claims = new Map<string, string | number | boolean | string[]>([
    ['tier', 'gold'],
    ['level', 9],
    ['empty', ''],
    ['odd', Number.NaN],
    ['list', ['a', 'b']],
    ['none', []],
  ])
  it.each([
    ['issuers: [kc]', 'true'],
    ['issuers: [KC]', 'false'],
    ['clients: [ci]', 'unknown'],
    ['claims: { tier: gold }', 'true'],
    ['claims: { tier: [silver, gold] }', 'true'],
    ['claims: { tier: Gold }', 'false'],
    ['claims: { level: 9 }', 'true'],
    ['claims: { level: "9" }', 'unknown'],
    ['claims: { tier: true }', 'unknown'],
    ['claims: { list: b }', 'true'],
    ['claims: { list: c }', 'false'],
    ['claims: { none: c }', 'unknown'],
    ['claims: { empty: gold }', 'unknown'],
    ['claims: { odd: 50 }', 'unknown'],
    ['claims: { constructor: x }', 'unknown'],
    ['max_age: 1m', 'true'],
    ['max_age: 59s', 'false'],
    ['max_remaining: 10m', 'true'],
    ['max_remaining: 9m', 'false'],
  ])('%s is %s', (yaml, expected) => {
    expect(truth(`kind: token, ${yaml}`, by({ claims }))).toBe(expected)
  })
})

describe('resource and approval', () => {
  const known = { classification: 'restricted', tags: ['pii', 'eu'] }
  it.each([
    ['classification: [restricted]', 'true'],
    ['classification: [public]', 'false'],
    ['environment: [production]', 'unknown'],
    ['owner: [group:a]', 'unknown'],
    ['tags_any: [eu, us]', 'true'],
    ['tags_any: [us]', 'false'],
    ['tags_all: [eu, pii]', 'true'],
    ['tags_all: [eu, us]', 'false'],
  ])('%s is %s', (yaml, expected) => {
    const request = requestOf('read model:x', { resourceAttributes: known })
    expect(truth(`kind: resource, ${yaml}`, request)).toBe(expected)
    expect(truth(`kind: resource, ${yaml}`, requestOf('read model:x'))).toBe('unknown')
  })

  it('is unknown where no approvals are kept, and says so', () => {
    expect(conditionOf('kind: approval, count: 2').test(from('192.0.2.1'))).toEqual({
      truth: 'unknown',
      detail: 'no approval is on record',
    })
  })
})

describe('conditions.yaml', () => {
  it.each([
    'conditions: { always: { kind: mfa, required: true } }',
    'conditions: { Office: { kind: mfa, required: true } }',
    'conditions: { a: { kind: mfa } }',
    'conditions: { a: { kind: device, managed: false } }',
    'conditions: { a: { kind: geo } }',
    'conditions: { a: { kind: mfa, required: true, requird: true } }',
    'conditions: { a: { kind: token, max_age: -1s } }',
    'conditions: { a: { kind: mfa, required: true }, a: { kind: mfa, required: true } }',
    '',
    '- a',
  ])('refuses %s', (text) => {
    expect(parseConditions({ file: 'conditions.yaml', text }).ok).toBe(false)
  })
  it('does not let a name reach a prototype', () => {
    const text = 'conditions: { __proto__: { kind: mfa, required: true } }'
    const loaded = parseConditions({ file: 'conditions.yaml', text })
    expect(loaded.ok ? [...loaded.value.names] : []).toEqual([])
    if (loaded.ok) expect(() => loaded.value.get('__proto__')).toThrow()
  })
})
