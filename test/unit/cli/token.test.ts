import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { runCli } from '../../../gateway/cli/run.ts'
import type { CliIo } from '../../../gateway/cli/io.ts'
import { keyFrom } from '../../../gateway/cli/token-key.ts'

let folder: string
let key: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelgate-token-'))
  key = join(folder, 'dev.json')
})
afterAll(() => rm(folder, { recursive: true }))

/** A command line of its own, and what it printed. */
function cli(args: readonly string[]) {
  const printed = { out: '', err: '' }
  let stop = (): void => undefined
  const io: CliIo = {
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
    env: {},
    cwd: folder,
    interactive: false,
    colour: false,
    process: { pid: 1, host: 'test', uid: 0, nodeVersion: 'v0', isAlive: () => true },
    onSignal: (kind, listener) => {
      if (kind === 'stop') stop = listener
    },
  }
  return { printed, stop: () => stop(), exit: runCli(['token', ...args], io) }
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { printed, exit } = cli(args)
  return { code: await exit, ...printed }
}

async function freePort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return String(port)
}

describe('modelgate token mint', () => {
  it('prints one token that says what was asked for', async () => {
    const asked = '--subject alice --role reader --role inference --group data-science'
    const { code, out } = await run(
      ...['mint', '--key', key, '--amr', 'pwd,otp', '--lifetime', '1h', ...asked.split(' ')],
    )
    expect(code).toBe(0)
    expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const claims = decodeJwt(out.trim())
    expect(claims).toMatchObject({
      iss: 'http://127.0.0.1:9400',
      sub: 'alice',
      aud: 'modelgate',
      roles: ['reader', 'inference'],
      groups: ['data-science'],
      amr: ['pwd', 'otp'],
      client_id: 'modelgate-token',
    })
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(3600)
    expect(claims['auth_time']).toBe(claims.iat)
    expect(claims.jti).toEqual(expect.any(String))
  })

  it('reads the values of claims as JSON, or else as text', async () => {
    const claims = ['level=3', 'employee=true', 'tags=["a","b"]', 'team=fraud=ml', 'client_id=x']
    const { out } = await run(
      ...['mint', '--key', key, '--subject', 'a', '--format', 'json'],
      ...claims.flatMap((claim) => ['--claim', claim]),
    )
    const document = JSON.parse(out) as { token: string; expires: string; claims: object }
    expect(document.claims).toMatchObject({
      level: 3,
      employee: true,
      tags: ['a', 'b'],
      team: 'fraud=ml',
      client_id: 'x',
    })
    expect(decodeJwt(document.token)).toMatchObject(document.claims)
    expect(Date.parse(document.expires)).toBeGreaterThan(Date.now())
  })

  it('names an IPv6 issuer the way a URL does', async () => {
    const { out } = await run('mint', '--key', key, '--subject', 'a', '--host', '::1')
    expect(decodeJwt(out).iss).toBe('http://[::1]:9400')
  })

  it.each([
    [['mint'], '--subject'],
    [['mint', '--subject', 'a', '--host', '0.0.0.0'], 'loopback'],
    [['mint', '--subject', 'a', '--host', 'localhost.example.com'], 'loopback'],
    [['mint', '--subject', 'a', '--port', '0'], '--port'],
    [['mint', '--subject', 'a', '--port', '65536'], '--port'],
    [['mint', '--subject', 'a', '--lifetime', '25h'], '--lifetime'],
    [['mint', '--subject', 'a', '--lifetime', '0s'], '--lifetime'],
    [['mint', '--subject', 'a', '--amr', 'pwd,'], '--amr'],
    [['mint', '--subject', 'a', '--role', ''], '--role'],
    [['mint', '--subject', 'a', '--claim', 'novalue'], '--claim'],
    [['mint', '--subject', 'a', '--claim', 'iss=https://idp.example.com'], '--host and --port'],
    [['mint', '--subject', 'a', '--claim', 'roles=["admin"]'], '--role'],
    [['serve', '--host', '192.0.2.1'], 'loopback'],
    [['serve', '--subject', 'a'], '--subject is for token mint'],
    [['steal'], 'serve or mint'],
    [['serve', 'mint'], 'serve or mint'],
  ])('refuses %j as a wrong command line', async (args, part) => {
    const { code, out, err } = await run(...args, '--key', join(folder, 'never.json'))
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(part)
    expect(await readdir(folder)).not.toContain('never.json')
  })
})

describe('common options', () => {
  it('are taken by every verb, and said to change nothing here', async () => {
    const { code, err } = await run('mint', '--subject', 'a', '--config', 'x.yaml', '--key', key)
    expect(code).toBe(0)
    expect(err).toContain('--config is not used here')
  })
})

describe('modelgate token serve', () => {
  it('publishes the key that mint signs with, until it is stopped', async () => {
    const port = await freePort()
    const served = cli(['serve', '--key', key, '--port', port, '--format', 'json'])
    while (served.printed.out === '') await new Promise(setImmediate)
    const { issuer, jwks } = JSON.parse(served.printed.out) as { issuer: string; jwks: string }
    expect(issuer).toBe(`http://127.0.0.1:${port}`)
    const { out } = await run('mint', '--key', key, '--subject', 'alice', '--port', port)
    const { payload } = await jwtVerify(out.trim(), createRemoteJWKSet(new URL(jwks)), {
      issuer,
      audience: 'modelgate',
      typ: 'at+jwt',
    })
    expect(payload.sub).toBe('alice')
    served.stop()
    expect(await served.exit).toBe(0)
    await expect(fetch(jwks)).rejects.toThrow('fetch failed')
  })
})

describe('the key file', () => {
  it('is created for its owner alone, with the folders above it', async () => {
    const file = join(folder, 'data', 'dev-issuer.json')
    expect((await run('mint', '--subject', 'a')).code).toBe(0)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700)
    expect(await readdir(join(folder, 'data'))).toEqual(['dev-issuer.json'])
  })

  it('is the same for everybody who creates it at once', async () => {
    const file = join(folder, 'race.json')
    const keys = await Promise.all(Array.from({ length: 6 }, () => keyFrom(file, true)))
    expect(new Set(keys.map((one) => one.d)).size).toBe(1)
    expect(keys[0]).toEqual(await keyFrom(file, true))
    expect((await readdir(folder)).filter((name) => name.startsWith('race'))).toEqual(['race.json'])
  })

  it.each([0o644, 0o640, 0o604])('is refused with mode %o, and never quoted', async (mode) => {
    const file = join(folder, 'shared.json')
    const { d = '' } = await keyFrom(file, false)
    await chmod(file, mode)
    const { code, out, err } = await run('mint', '--subject', 'a', '--key', file)
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(err).toContain('chmod 600')
    expect(err).not.toContain(d)
    await chmod(file, 0o600)
  })

  it('is refused when it is a link, a folder or no key', async () => {
    const link = join(folder, 'link.json')
    await symlink(key, link)
    const text = join(folder, 'text.json')
    await writeFile(text, 'secret', { mode: 0o600 })
    const open = join(folder, 'public.json')
    await writeFile(open, '{"kty":"EC"}', { mode: 0o600 })
    for (const file of [link, folder, text, open]) {
      const { code, out, err } = await run('mint', '--subject', 'a', '--key', file)
      expect({ file, code, out }).toEqual({ file, code: 3, out: '' })
      expect(err).not.toContain('secret')
    }
  })
})
