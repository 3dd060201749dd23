import { afterEach, describe, expect, it } from '@jest/globals'
import {
  createAuthenticator,
  type RunningAuthenticator,
} from '../../../gateway/authn/authenticator.ts'
import { createDevIssuer, type DevIssuer } from '../../../gateway/authn/dev-issuer.ts'
import type { DevIssuerOptions } from '../../../gateway/authn/dev-issuer.ts'
import { fetchJson } from '../../../gateway/authn/http-fetch.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { ManualTime } from './support.ts'

const clock = new ManualTime()
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const issuer of open.splice(0)) await issuer.close()
})
const start = async (more: Partial<DevIssuerOptions> = {}): Promise<DevIssuer> => {
  const issuer = await createDevIssuer({ host: '127.0.0.1', port: 0, clock, ...more })
  open.push(issuer)
  return issuer
}
const gateway = async (dev: DevIssuer): Promise<RunningAuthenticator> => {
  const auth = createAuthenticator({
    issuers: [
      {
        issuer: dev.issuer,
        name: 'dev',
        preset: 'generic',
        audience: 'modelgate',
        algorithms: ['ES256', 'RS256', 'EdDSA'],
        keys: { cooldownMs: 1 },
      },
    ],
    clock,
    fetchJson,
  })
  // Started and stopped: the first fetch, without the background.
  await auth.start()
  auth.stop()
  return auth
}
const verdict = async (auth: RunningAuthenticator, token: string): Promise<string> => {
  const result = await auth.authenticate(`Bearer ${token}`)
  return isRefusal(result) ? result.reason : result.id
}
const claims = { sub: 'alice', aud: 'modelgate' }

describe('the development issuer', () => {
  it('is found by discovery, and its tokens are accepted, in every algorithm', async () => {
    for (const algorithm of ['ES256', 'RS256', 'EdDSA'] as const) {
      const dev = await start({ algorithm })
      const auth = await gateway(dev)
      expect(await verdict(auth, await dev.mint(claims, { lifetimeS: 60 }))).toBe('user:dev/alice')
    }
  })

  it('mints what it is told: life, type, audience', async () => {
    const dev = await start()
    const auth = await gateway(dev)
    expect(await verdict(auth, await dev.mint(claims, { lifetimeS: 7200 }))).toBe('authn_lifetime')
    expect(await verdict(auth, await dev.mint(claims, { lifetimeS: 60, typ: 'JWT' }))).toBe(
      'authn_type',
    )
    const other = { ...claims, aud: 'other' }
    expect(await verdict(auth, await dev.mint(other, { lifetimeS: 60 }))).toBe('authn_audience')
  })

  it('rotates: old tokens stay good for one rotation, new ones are good at once', async () => {
    const dev = await start()
    const auth = await gateway(dev)
    const old = await dev.mint(claims, { lifetimeS: 60 })
    await dev.rotate()
    expect(await auth.refreshKeys()).toBe(true)
    for (const token of [old, await dev.mint(claims, { lifetimeS: 60 })]) {
      expect(await verdict(auth, token)).toBe('user:dev/alice')
    }
    await dev.rotate()
    await auth.refreshKeys()
    await clock.advance(10)
    expect(await verdict(auth, old)).toBe('authn_key_unknown')
  })

  it('publishes no private member, and keeps its key across runs when asked', async () => {
    const first = await start()
    const kept = await first.privateJwk()
    const second = await start({ privateJwk: kept })
    const options = { timeoutMs: 2000, bytesMax: 10_000 }
    const [a, b] = await Promise.all(
      [first, second].map(({ issuer }) => fetchJson(`${issuer}/jwks`, options)),
    )
    expect(a).toEqual(b)
    expect(JSON.stringify(a)).not.toContain('"d"')
    expect(kept.d).toBeDefined()
    await expect(start({ privateJwk: { kty: 'EC' } })).rejects.toMatchObject({ code: 'ERR_USAGE' })
  })

  it('serves nothing else', async () => {
    const dev = await start()
    const options = { timeoutMs: 2000, bytesMax: 10_000 }
    for (const path of ['/', '/token', '/jwks?x', '//jwks']) {
      await expect(fetchJson(dev.issuer + path, options)).rejects.toThrow(/404/)
    }
  })

  it('listens on loopback only', async () => {
    for (const host of ['0.0.0.0', '::', 'localhost', '192.168.0.1', '', 'example.com']) {
      await expect(start({ host })).rejects.toMatchObject({ code: 'ERR_USAGE' })
    }
    const dev = await start()
    expect(dev.issuer).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    const taken = start({ port: Number(new URL(dev.issuer).port) })
    await expect(taken).rejects.toMatchObject({ code: 'ERR_LISTEN' })
  })
})
