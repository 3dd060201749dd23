/** `explain --token-file`: a token from a file or from standard input, verified with real keys. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createDevIssuer, type DevIssuer } from '../../gateway/authn/dev-issuer.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { writeGatewayFiles, type GatewayFiles } from '../support/built-gateway.ts'
import { inProcess } from '../support/cli.ts'

let issuer: DevIssuer
let stranger: DevIssuer
let files: GatewayFiles
beforeAll(async () => {
  const options = { host: '127.0.0.1', port: 0, clock: systemClock }
  issuer = await createDevIssuer(options)
  stranger = await createDevIssuer(options)
  const urls = { issuer: issuer.issuer, upstream: 'http://127.0.0.1:1' }
  files = await writeGatewayFiles({}, urls)
})
afterAll(async () => {
  await Promise.all([issuer.close(), stranger.close()])
  await rm(files.dir, { recursive: true, force: true })
})

const CLAIMS = { sub: 'alice', aud: 'modelgate', client_id: 'cli', roles: ['reader'] }
const explain = (file: string, stdin?: AsyncIterable<Uint8Array>, ...more: string[]) =>
  inProcess(
    [
      ...['explain', '--config', files.configFile, '--token-file', file],
      ...['--action', 'read', '--resource', 'model:fraud', ...more],
    ],
    { cwd: files.dir, ...(stdin === undefined ? {} : { stdin }) },
  )

/** Standard input in which `text` comes in two pieces. */
async function* piped(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text.slice(0, 20))
  await Promise.resolve()
  yield Buffer.from(text.slice(20))
}

async function inFile(token: string): Promise<string> {
  await writeFile(join(files.dir, 'token.txt'), `${token}\n`)
  return 'token.txt'
}

describe('a token of an issuer of the configuration', () => {
  it('is verified, and its roles are judged', async () => {
    const file = await inFile(await issuer.mint(CLAIMS, { lifetimeS: 600 }))
    const { code, stdout, stderr } = await explain(file)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^PERMIT {2}user:dev\/alice read model:fraud\n/)
    expect(stdout).toContain('role:reader')
  })

  it('is taken from standard input with -', async () => {
    const token = await issuer.mint(CLAIMS, { lifetimeS: 600 })
    const { code, stdout, stderr } = await explain('-', piped(`${token}\n`))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^PERMIT {2}user:dev\/alice read model:fraud\n/)
    expect(stdout).not.toContain(token)
    expect(await explain('-')).toMatchObject({ code: 2 })
  })

  it('that has expired is not verified, but was at a time within its life', async () => {
    const iat = Math.floor(Date.now() / 1000) - 7_200
    const old = await issuer.mint({ ...CLAIMS, iat, exp: iat + 600 }, { lifetimeS: 600 })
    const file = await inFile(old)
    const { code, stdout } = await explain(file)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^NOT VERIFIED: authn_expired: /)
    const then = new Date((iat + 60) * 1000).toISOString()
    expect(await explain(file, undefined, '--at', then)).toMatchObject({ code: 0 })
  })
})

describe('a token of an unknown issuer', () => {
  it.each(['text', 'json'])('is refused without being shown, as %s', async (format) => {
    const token = await stranger.mint(CLAIMS, { lifetimeS: 600 })
    const { code, stdout, stderr } = await explain(
      await inFile(token),
      undefined,
      ...['--format', format],
    )
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('authn_issuer')
    expect(stderr).not.toContain(token)
  })
})
