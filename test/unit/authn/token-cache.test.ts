import { beforeAll, describe, expect, it } from '@jest/globals'
import type { JwksKeeper } from '../../../gateway/authn/jwks-keeper.ts'
import { createTokenCache } from '../../../gateway/authn/token-cache.ts'
import type { VerifiedToken } from '../../../gateway/authn/verify.ts'
import { bench, forge, makeKey, ManualTime, NOW_MS, subjectOf, withClaims } from './support.ts'
import type { TestKey } from './support.ts'

let key: TestKey
beforeAll(() => {
  key = makeKey('ES256', 'k1')
})

describe('a token seen before', () => {
  it('gives the same subject, synchronously', async () => {
    const b = await bench([key])
    const token = forge(key)
    const first = subjectOf(await b.check(`Bearer ${token}`))
    const again = b.auth.authenticate(`bearer ${token}`)
    expect(again).toBe(first)
    expect(b.auth.cacheStats()).toEqual({ entries: 1, hits: 1, misses: 1 })
  })

  it('is not remembered past exp, whatever the tolerated skew', async () => {
    const b = await bench([key])
    const token = forge(key)
    await b.check(`Bearer ${token}`)
    await b.time.advance(599_999)
    expect(b.auth.authenticate(`Bearer ${token}`)).not.toBeInstanceOf(Promise)
    await b.time.advance(1)
    expect(b.auth.authenticate(`Bearer ${token}`)).toBeInstanceOf(Promise)
    await b.time.advance(30_000)
    expect(await b.verdict(token)).toBe('authn_expired')
    expect(b.auth.cacheStats().entries).toBe(0)
  })

  it('is verified anew when the key set changed', async () => {
    const b = await bench([key])
    const token = forge(key)
    await b.check(`Bearer ${token}`)
    b.network = () => ({ keys: [key.jwk, makeKey('ES256', 'k2').jwk] })
    await b.auth.refreshKeys()
    expect(b.auth.authenticate(`Bearer ${token}`)).toBeInstanceOf(Promise)
    expect(await b.verdict(token)).toBe('user:corp/alice')
  })

  it('shares nothing with a token that differs in one character (CVE-2026-35030)', async () => {
    const b = await bench([key])
    const token = forge(key)
    await b.check(`Bearer ${token}`)
    const [h = '', p = '', s = ''] = token.split('.')
    const other = `${h}.${p}.${s.startsWith('A') ? 'B' : 'A'}${s.slice(1)}`
    expect(await b.verdict(other)).toBe('authn_signature')
    const alike = forge(key, withClaims({ sub: 'mallory' }))
    expect(alike.slice(0, 60)).toBe(token.slice(0, 60))
    expect(await b.verdict(alike)).toBe('user:corp/mallory')
  })

  it('is never a refusal: those are judged anew each time', async () => {
    const b = await bench([key])
    const early = forge(key, withClaims({ nbf: NOW_MS / 1000 + 60 }))
    expect(await b.verdict(early)).toBe('authn_not_yet_valid')
    expect(b.auth.cacheStats().entries).toBe(0)
    await b.time.advance(60_000)
    expect(await b.verdict(early)).toBe('user:corp/alice')
  })

  it('can be switched off', async () => {
    const b = await bench([key], {}, { cacheEntriesMax: 0 })
    const token = forge(key)
    await b.check(`Bearer ${token}`)
    expect(b.auth.authenticate(`Bearer ${token}`)).toBeInstanceOf(Promise)
  })
})

describe('createTokenCache', () => {
  const entry = (keeper: Partial<JwksKeeper> = {}): VerifiedToken => ({
    subject: { id: 'x' } as VerifiedToken['subject'],
    issuer: {
      profile: {} as VerifiedToken['issuer']['profile'],
      keeper: { generation: 1, usable: () => true, ...keeper } as JwksKeeper,
    },
    generation: 1,
    validFromMs: NOW_MS - 1000,
    validUntilMs: NOW_MS + 1000,
  })

  it('is bounded and forgets what was used least recently', () => {
    const cache = createTokenCache({ clock: new ManualTime(), entriesMax: 2 })
    cache.put('a', entry())
    cache.put('b', entry())
    expect(cache.get('a')).toBeDefined()
    cache.put('c', entry())
    expect(['a', 'b', 'c'].map((text) => cache.get(text) !== undefined)).toEqual([
      true,
      false,
      true,
    ])
    for (let i = 0; i < 1000; i++) cache.put(`x${i}`, entry())
    expect(cache.stats().entries).toBe(2)
    cache.clear()
    expect(cache.stats().entries).toBe(0)
  })

  it('neither keeps nor gives what does not stand now', () => {
    const cache = createTokenCache({ clock: new ManualTime(), entriesMax: 10 })
    cache.put('expired', { ...entry(), validUntilMs: NOW_MS })
    cache.put('early', { ...entry(), validFromMs: NOW_MS + 1 })
    cache.put('old keys', { ...entry(), generation: 0 })
    cache.put('stale keys', entry({ usable: () => false }))
    expect(cache.stats().entries).toBe(0)
  })
})
