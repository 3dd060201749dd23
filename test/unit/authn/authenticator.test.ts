import { beforeAll, describe, expect, it } from '@jest/globals'
import { createAuthenticator } from '../../../gateway/authn/authenticator.ts'
import type { IssuerOptions } from '../../../gateway/authn/issuer.ts'
import { bench, forge, ISSUER_OPTIONS, makeKey, ManualTime, subjectOf } from './support.ts'
import { goodClaims, settle, withClaims, type TestKey } from './support.ts'

let one: TestKey
let two: TestKey
beforeAll(() => {
  one = makeKey('EdDSA', 'one')
  two = makeKey('EdDSA', 'two')
})
const ACCEPTED = 'user:corp/alice'
const down = (): never => {
  throw new Error('down')
}

describe('key rotation', () => {
  it('a token with a new key is accepted without a restart, and never refused', async () => {
    const b = await bench([one])
    expect(await b.verdict(forge(one))).toBe(ACCEPTED)
    b.network = () => ({ keys: [one.jwk, two.jwk] })
    const verdict = b.verdict(forge(two))
    await b.time.advance(2_000)
    expect(await verdict).toBe(ACCEPTED)
    expect(b.fetched).toHaveLength(2)
  })

  it('a token without kid is tried again with fresh keys before it is refused', async () => {
    const b = await bench([one])
    const header = { alg: 'EdDSA', typ: 'at+jwt' }
    expect(await b.verdict(forge(one, goodClaims(), header))).toBe(ACCEPTED)
    b.network = () => ({ keys: [two.jwk] })
    const rotated = b.verdict(forge(two, goodClaims(), header))
    await b.time.advance(2_000)
    expect(await rotated).toBe(ACCEPTED)
    const forged = b.verdict(forge(makeKey('EdDSA', 'x'), goodClaims(), header))
    await b.time.advance(2_000)
    expect(await forged).toBe('authn_signature')
  })

  it('a withdrawn key stops working at the next refresh, cached tokens included', async () => {
    const b = await bench([one], { keys: { jwksUri: 'https://i/jwks', refreshMs: 60_000 } })
    const token = forge(one)
    expect(await b.verdict(token)).toBe(ACCEPTED)
    b.network = () => ({ keys: [two.jwk] })
    await b.time.advance(66_000)
    const verdict = b.verdict(token)
    await b.time.advance(2_000)
    expect(await verdict).toBe('authn_key_unknown')
  })
})

describe('an issuer that is down', () => {
  it('at start: not ready, 503 with Retry-After, never 401', async () => {
    const b = await bench([one])
    const off = await bench([], {}, { fetchJson: () => Promise.reject(new Error('down')) })
    expect([b.auth.ready(), off.auth.ready()]).toEqual([true, false])
    expect(await off.check(`Bearer ${forge(one)}`)).toEqual({
      outcome: 'refused',
      reason: 'authn_keys_unavailable',
      retryAfter: 1,
    })
    expect(off.auth.issuers()).toEqual([{ name: 'corp', generation: 0, usable: false }])
  })

  it('past the staleness bound: known tokens are refused too, then accepted again', async () => {
    const keys = { jwksUri: 'https://i/jwks', refreshMs: 60_000, maxStaleMs: 120_000 }
    const b = await bench([one], { keys })
    const token = forge(one)
    expect(await b.verdict(token)).toBe(ACCEPTED)
    b.network = down
    await b.time.advance(120_000)
    expect(await b.verdict(token)).toBe(ACCEPTED)
    await b.time.advance(1)
    expect(await b.verdict(token)).toBe('authn_keys_unavailable')
    expect(b.auth.ready()).toBe(true)
    b.network = () => ({ keys: [one.jwk] })
    expect(await b.auth.refreshKeys()).toBe(true)
    expect(await b.verdict(token)).toBe(ACCEPTED)
  })

  it('a token before start waits for the first fetch', async () => {
    const time = new ManualTime()
    const auth = createAuthenticator({
      issuers: [ISSUER_OPTIONS],
      clock: time,
      timers: time,
      fetchJson: () => Promise.resolve({ keys: [one.jwk] }),
    })
    expect(subjectOf(await auth.authenticate(`Bearer ${forge(one)}`)).id).toBe(ACCEPTED)
  })
})

describe('several issuers', () => {
  const partner: IssuerOptions = {
    ...ISSUER_OPTIONS,
    issuer: 'https://partner.example',
    name: 'partner',
    keys: { jwksUri: 'https://partner.example/jwks' },
  }

  it('keep their keys apart: a key of one never signs for another', async () => {
    const b = await bench([], {}, { issuers: [ISSUER_OPTIONS, partner] })
    b.network = (url) => ({ keys: [url.includes('partner') ? two.jwk : one.jwk] })
    await b.auth.refreshKeys()
    const claims = withClaims({ iss: partner.issuer })
    expect(await b.verdict(forge(two, claims))).toBe('user:partner/alice')
    const header = { alg: 'EdDSA', kid: 'two', typ: 'at+jwt' }
    expect(await b.verdict(forge(one, claims, header))).toBe('authn_signature')
  })

  it('are refused at start when two share a name or an iss', () => {
    const build =
      (...issuers: IssuerOptions[]) =>
      (): unknown =>
        createAuthenticator({
          issuers,
          clock: new ManualTime(),
          fetchJson: () => Promise.resolve(),
        })
    expect(build(ISSUER_OPTIONS, partner)).not.toThrow()
    expect(build(ISSUER_OPTIONS, { ...partner, name: 'corp' })).toThrow(/twice/)
    expect(build(ISSUER_OPTIONS, { ...ISSUER_OPTIONS, name: 'again' })).toThrow(/twice/)
  })
})

describe('configuration', () => {
  it('that cannot be right is an error with the issuer named', () => {
    const build = (changes: object) => (): unknown =>
      createAuthenticator({
        issuers: [{ ...ISSUER_OPTIONS, ...changes }],
        clock: new ManualTime(),
        fetchJson: () => Promise.resolve(),
      })
    for (const changes of [
      { name: 'A/b' },
      { name: '' },
      { issuer: '' },
      { audience: [] },
      { audience: '' },
      { algorithms: ['HS256'] },
      { algorithms: [] },
      { preset: 'spiffe' },
      { groups: ['a..b'] },
      { posture: { id: '.' } },
      { clockSkewMs: 600_000 },
      { maxLifetimeMs: Number.NaN },
    ]) {
      expect(build(changes)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }))
    }
  })
})

describe('robustness', () => {
  it('an event listener that throws harms nothing', async () => {
    const b = await bench([one], {}, { onEvent: down })
    expect(await b.verdict(forge(one, withClaims({ groups: [1] })))).toBe(ACCEPTED)
    expect(b.auth.ready()).toBe(true)
  })

  it('a clock that fails is a refusal, not an exception', async () => {
    const time = new ManualTime()
    const auth = createAuthenticator({
      issuers: [ISSUER_OPTIONS],
      clock: { now: down, monotonicMs: () => 0 },
      timers: time,
      fetchJson: () => Promise.resolve({ keys: [one.jwk] }),
    })
    await auth.start()
    await settle()
    const result = await auth.authenticate(`Bearer ${forge(one)}`)
    expect(result).toMatchObject({ reason: 'authn_keys_unavailable' })
  })
})
