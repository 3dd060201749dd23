import { beforeAll, describe, expect, it } from '@jest/globals'
import { personOf } from '../../../gateway/access/person.ts'
import type { Subject } from '../../../gateway/domain/subject.ts'
import { bench, forge, makeKey, subjectOf, withClaims } from './support.ts'
import type { Bench, TestKey } from './support.ts'

let key: TestKey
let named: Bench
let plain: Bench

beforeAll(async () => {
  key = makeKey('EdDSA', 'k1')
  named = await bench([key], { person: 'hr.employee' })
  plain = await bench([key], {})
})

const tokenOf = (changes: Record<string, unknown>) => `Bearer ${forge(key, withClaims(changes))}`
const subject = async (b: Bench, changes: Record<string, unknown>): Promise<Subject> =>
  subjectOf(await b.check(tokenOf(changes)))
let count = 0
const personWith = async (employee: unknown) =>
  (await subject(named, { jti: `token-${(count += 1)}`, hr: { employee } })).person

describe('the person key', () => {
  it('is the account where the issuer names no claim', async () => {
    expect((await subject(plain, { sub: 'Bob' })).person).toBe('person:user:corp/Bob')
  })

  // §2.H 266: one human with two accounts is one person, however the value is written.
  it('is the value of the claim in one way of writing', async () => {
    const written = ['E-1042', ' e-1042 ', 'e-1042']
    for (const one of written) expect(await personWith(one)).toBe('person:e-1042')
    expect(await personWith('Zoe\u0308')).toBe('person:zo\u00eb')
    expect(await personWith(1042)).toBe('person:1042')
  })

  it.each([
    ['absent', undefined],
    ['empty', '  '],
    ['a list', ['e-1']],
    ['an object', { id: 'e-1' }],
    ['a fraction', 1.5],
    ['true', true],
    ['in two lines', 'e-1\ne-2'],
    ['two values', 'e-1,e-2'],
    ['with what is not seen', 'e-\u200b1'],
    ['with a turned direction', '\u202ee-1'],
    ['too long', 'e'.repeat(257)],
    ['much too long', 'e'.repeat(5_000)],
  ])('is absent when the claim is %s', async (_what, value) => {
    expect(await personWith(value)).toBeUndefined()
  })

  it('goes with the groups and roles of the token', async () => {
    const found = await subject(plain, { groups: ['owners'] })
    const holds = ['group:owners']
    expect(personOf(found)).toEqual({
      person: 'person:user:corp/alice',
      id: 'user:corp/alice',
      holds,
    })
    expect(personOf(await subject(named, { groups: ['owners'] }))).toBeUndefined()
  })
})

describe('the id of the login', () => {
  it('is that of the token, also when it is a number', async () => {
    expect((await subject(plain, { sid: 's-1' })).sessionId).toBe('s-1')
    expect((await subject(plain, { sid: 7 })).sessionId).toBe('7')
    expect((await subject(plain, {})).sessionId).toBeUndefined()
  })

  it('refuses a token whose login no lock could name', async () => {
    for (const sid of ['', 'a\nb', 'x'.repeat(257), ['s'], { s: 1 }]) {
      expect(await plain.check(tokenOf({ sid }))).toMatchObject({ reason: 'authn_claims' })
    }
  })
})
