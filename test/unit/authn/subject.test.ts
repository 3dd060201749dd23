import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Subject } from '../../../gateway/domain/subject.ts'
import { bench, forge, makeKey, NOW_MS, NOW_S, subjectOf, withClaims } from './support.ts'
import type { Bench, TestKey } from './support.ts'

let key: TestKey
let b: Bench

beforeAll(async () => {
  key = makeKey('EdDSA', 'k1')
  b = await bench([key], {
    roleNames: ['reader', 'inference'],
    roles: ['roles', 'realm_access.roles'],
    mfa: { acr: ['gold'], acrs: ['c1'] },
    posture: {
      id: 'device.id',
      managed: 'device.managed',
      compliant: 'device.compliant',
      os: 'device.os',
      assessedAt: 'device.at',
    },
  })
})

const subject = async (changes: Record<string, unknown>): Promise<Subject> =>
  subjectOf(await b.check(`Bearer ${forge(key, withClaims(changes))}`))

describe('the subject', () => {
  it('says who, from where and until when', async () => {
    expect(await subject({ client_id: 'notebook' })).toEqual({
      id: 'user:corp/alice',
      issuer: 'https://idp.example.com/realms/ml',
      issuerName: 'corp',
      clientId: 'notebook',
      groups: [],
      roles: [],
      tokenId: 'token-1',
      person: 'person:user:corp/alice',
      issuedAt: NOW_MS - 60_000,
      // exp and the tolerated skew: from then on the token is refused.
      expiresAt: NOW_MS + 630_000,
      authentication: {},
      claims: new Map(),
    })
  })

  it('is frozen, lists included', async () => {
    const found = await subject({ groups: ['a'], amr: ['mfa'] })
    for (const part of [found, found.groups, found.roles, found.authentication]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  it('has groups from a list or from text, each once, prefixed', async () => {
    expect((await subject({ groups: ['a', 'b c', 'a'] })).groups).toEqual(['group:a', 'group:b c'])
    expect((await subject({ groups: 'a b' })).groups).toEqual(['group:a', 'group:b'])
    expect((await subject({ groups: ['role:admin'] })).groups).toEqual(['group:role:admin'])
  })

  it('has only the roles its issuer is configured to assert, from every path', async () => {
    const found = await subject({
      roles: ['reader', 'admin', 'Reader'],
      realm_access: { roles: ['inference', 'offline_access'] },
    })
    expect(found.roles).toEqual(['role:reader', 'role:inference'])
  })

  it('leaves out names that rules cannot hold, and says how many', async () => {
    const found = await subject({ groups: ['ok', 'a,b', 'a\nb', '', 1, null, ' a', { a: 1 }] })
    expect(found.groups).toEqual(['group:ok'])
    expect(b.events.at(-1)).toEqual({
      type: 'names_dropped',
      issuer: 'corp',
      kind: 'group',
      count: 7,
    })
    expect((await subject({ groups: { a: 1 } })).groups).toEqual([])
  })

  it('has unknown groups, and says so, when Entra left them out', async () => {
    for (const mark of [{ _claim_names: { groups: 'src1' } }, { hasgroups: true }]) {
      const found = await subject({ ...mark, groups: ['a'] })
      expect(found.groups).toEqual([])
      expect(found.claims.get('groups_overage')).toBe(true)
    }
    expect((await subject({ _claim_names: { other: 'src1' }, groups: ['a'] })).groups).toEqual([
      'group:a',
    ])
  })
})

describe('authentication strength', () => {
  const strength = async (changes: Record<string, unknown>): Promise<unknown> =>
    (await subject(changes)).authentication.mfa

  it('is known from amr, acr or acrs', async () => {
    expect(await strength({ amr: ['pwd', 'otp'] })).toBe(true)
    expect(await strength({ acr: 'gold' })).toBe(true)
    expect(await strength({ acrs: ['c2', 'c1'] })).toBe(true)
    expect(await strength({ amr: ['pwd'], acr: 'gold' })).toBe(true)
  })

  it('is no when they say less', async () => {
    expect(await strength({ amr: ['pwd'] })).toBe(false)
    expect(await strength({ amr: [] })).toBe(false)
    expect(await strength({ acr: '0' })).toBe(false)
    expect(await strength({ amr: ['MFA', 'mfa '] })).toBe(false)
  })

  it('is unknown, not no, when nothing readable is there', async () => {
    expect(await strength({})).toBeUndefined()
    for (const amr of ['mfa', ['mfa', 1], { mfa: true }, null]) {
      const { authentication } = await subject({ amr })
      expect([authentication.mfa, authentication.amr]).toEqual([undefined, undefined])
    }
  })

  it('ignores a list that the rule does not read', async () => {
    const plain = await bench([key])
    const found = subjectOf(await plain.check(`Bearer ${forge(key, withClaims({ acr: '1' }))}`))
    expect([found.authentication.acr, found.authentication.mfa]).toEqual(['1', undefined])
  })

  it('carries auth_time in milliseconds', async () => {
    expect((await subject({ auth_time: NOW_S - 5 })).authentication.authTime).toBe(NOW_MS - 5_000)
  })
})

describe('device posture', () => {
  it('is read from configured claims, without coercion', async () => {
    const device = { id: 'd1', managed: true, compliant: 'true', os: 'linux', at: NOW_S }
    expect((await subject({ device })).device).toEqual({
      id: 'd1',
      managed: true,
      os: 'linux',
      assessedAt: NOW_MS,
      source: 'token',
    })
  })

  it('is absent when the token says nothing or the issuer is not trusted with it', async () => {
    expect((await subject({})).device).toBeUndefined()
    expect((await subject({ device: { managed: 1, at: '1', os: 'x'.repeat(200) } })).device).toBe(
      undefined,
    )
    const plain = await bench([key])
    const token = forge(key, withClaims({ device: { managed: true } }))
    expect(subjectOf(await plain.check(`Bearer ${token}`)).device).toBeUndefined()
  })
})
