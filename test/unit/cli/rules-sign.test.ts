import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { inProcess } from '../../support/cli.ts'
import { configOf, writeRules } from '../../support/world-files.ts'

let dir: string
const run = (...args: string[]) => inProcess(args, { cwd: dir })
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-sign-'))
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  await writeFile(join(dir, 'key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }))
  await writeFile(join(dir, 'key.pub.pem'), publicKey.export({ format: 'pem', type: 'spki' }))
  await writeRules(join(dir, 'rules'), {})
  const urls = { issuer: 'http://127.0.0.1:1', upstream: 'http://127.0.0.1:1' }
  await writeFile(join(dir, 'gateway.yaml'), JSON.stringify(configOf({}, urls)))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const VERIFY = ['rules', 'verify', '--key', 'key.pub.pem', '--rules', 'rules'] as const

describe('modelgate rules', () => {
  it('signs a folder, and the signature holds until the rules are edited', async () => {
    expect(await run(...VERIFY)).toMatchObject({ code: 3 })
    const signed = await run('rules', 'sign', '--key', 'key.pem', '--rules', 'rules')
    expect([signed.code, signed.stdout]).toEqual([
      0,
      expect.stringMatching(/^sha256:[0-9a-f]{64} signed with key [\w-]{43}\n$/),
    ])
    expect((await stat(join(dir, 'rules/signature.json'))).mode & 0o777).toBe(0o644)
    expect(await run(...VERIFY)).toMatchObject({ code: 0 })
    await writeFile(join(dir, 'rules/policy.csv'), 'p, role:a, read, model:*, always, allow\n')
    const edited = await run(...VERIFY)
    expect([edited.code, edited.stderr]).toEqual([3, expect.stringContaining('changed since')])
  })

  it('signs nothing that cannot be loaded', async () => {
    await writeRules(join(dir, 'bad'), { policy: 'p, x\n' })
    expect(await run('rules', 'sign', '--key', 'key.pem', '--rules', 'bad')).toMatchObject({
      code: 3,
    })
  })

  it.each([
    ['rules'],
    ['rules sign'],
    ['rules sign --key missing.pem'],
    ['rules sign --key key.pub.pem'],
    ['rules forge'],
    ['history list --config gateway.yaml'],
    ['history --limit 0 --config gateway.yaml'],
    ['history show --config gateway.yaml'],
    ['pin --config gateway.yaml'],
    ['pin aaaaaaaa --config gateway.yaml'],
    ['rollback previous --config gateway.yaml'],
  ])('%s is a mistake of the command line', async (line) => {
    const { code, stderr } = await run(...line.split(' '))
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^modelgate: ./m)])
  })

  it('shows a history before there is one', async () => {
    const { code, stdout } = await run('history', '--config', 'gateway.yaml')
    expect([code, stdout]).toEqual([0, 'no rule set has been in force yet\n'])
    const free = await run('unpin', '--config', 'gateway.yaml')
    expect([free.code, free.stdout]).toEqual([0, 'nothing was pinned\n'])
  })
})
