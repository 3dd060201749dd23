import { describe, expect, it } from '@jest/globals'
import {
  whatWouldPermit,
  type Way,
  type WhatWouldPermit,
} from '../../../gateway/pdp/decision/what-would-permit.ts'
import { policyOf, requestOf, subjectOf } from '../../support/policy.ts'

const CONDITIONS = `conditions:
  net: { kind: network, cidrs: [203.0.113.0/24] }
  dev: { kind: device, managed: true }
  mfa: { kind: mfa, required: true }
  clm: { kind: token, claims: { tier: gold } }
`
const READER = subjectOf({ roles: ['role:reader'] })

async function waysOf(
  rules: readonly string[],
  more: Parameters<typeof requestOf>[1] = { subject: READER },
): Promise<{ ways: string[]; found: WhatWouldPermit }> {
  const policy = await policyOf(rules.join('\n'), CONDITIONS)
  const found = whatWouldPermit(policy, requestOf('read model:m', more))
  return { ways: found.ways.map(shortly), found }
}

function shortly({ rule, hold, conditions }: Way): string {
  const changes = conditions.map(({ name, now, needed }) => `${name} ${now}>${needed}`)
  return [`${rule.line}:`, ...(hold === undefined ? [] : [hold]), ...changes].join(' ')
}

describe('what would permit a refused request', () => {
  it('is each condition that is missing, and no other', async () => {
    const { ways, found } = await waysOf(['p, role:reader, read, model:*, net & mfa & dev, allow'])
    expect(ways).toEqual(['1: mfa unknown>true dev unknown>true'])
    expect(found).toMatchObject({ complete: true, denies: [] })
    expect(found.ways[0]?.conditions[0]).toEqual({
      name: 'mfa',
      kind: 'mfa',
      now: 'unknown',
      needed: 'true',
      detail: 'whether a second factor was used is not known',
    })
  })

  it('is any of several alternatives, the fewest changes first, and none that asks for more', async () => {
    const { ways } = await waysOf([
      'p, role:reader, read, model:*, (mfa & dev) | clm | (clm & mfa), allow',
      'p, role:reader, read, model:*, !net, allow',
    ])
    expect(ways).toEqual([
      '1: clm unknown>true',
      '2: net true>false',
      '1: mfa unknown>true dev unknown>true',
    ])
  })

  it('is a role or group that is not held, with what its rule and its denies ask for', async () => {
    const { ways } = await waysOf([
      'p, role:writer, read, model:*, mfa, allow',
      'p, group:ops, read, model:*, always, allow',
      'p, role:writer, read, model:*, !dev, deny',
      'p, user:kc/zoe, read, model:*, always, allow',
      'p, role:elsewhere, read, model:other, always, allow',
    ])
    expect(ways).toEqual(['2: group:ops', '1: role:writer mfa unknown>true dev unknown>true'])
  })

  it('gets past every deny, and says which stand in the way', async () => {
    const { ways, found } = await waysOf([
      'p, role:reader, read, model:*, always, allow',
      'p, role:anyone, read, model:m, net, deny',
      'p, role:anyone, read, model:m, !mfa, deny',
      'p, role:anyone, read, model:m, net & !net, deny',
    ])
    expect(ways).toEqual(['1: net true>false mfa unknown>true'])
    expect(found.denies.map(({ rule, about, canEnd }) => [rule.line, about, canEnd])).toEqual([
      [2, 'role:anyone', true],
      [3, 'role:anyone', true],
    ])
  })

  it('is nothing where a deny stands for good, or a condition would have to be both', async () => {
    const forGood = await waysOf([
      'p, role:reader, read, model:*, mfa, allow',
      'p, role:anyone, read, model:*, always, deny',
    ])
    expect(forGood.ways).toEqual([])
    expect(forGood.found.denies).toMatchObject([{ canEnd: false }])
    const both = await waysOf([
      'p, role:reader, read, model:*, mfa, allow',
      'p, role:anyone, read, model:*, mfa, deny',
    ])
    expect(both.ways).toEqual([])
  })

  it('is bounded, and says so', async () => {
    const pairs = Array.from({ length: 20 }, (_, i) => `(a${i} | b${i})`)
    const names = pairs.flatMap((_, i) => [`a${i}`, `b${i}`])
    const conditions = names.map((n) => `  ${n}: { kind: device, managed: true }`).join('\n')
    const policy = await policyOf(
      `p, role:reader, read, model:*, ${pairs.join(' & ')}, allow`,
      `conditions:\n${conditions}\n`,
    )
    const found = whatWouldPermit(policy, requestOf('read model:m', { subject: READER }))
    expect(found.complete).toBe(false)
    expect(found.ways).toHaveLength(16)
    expect(found.ways[0]?.conditions).toHaveLength(20)
  })
})
