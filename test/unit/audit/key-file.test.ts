import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readKeyFile, type KeyFile } from '../../../gateway/audit/signing/key-file.ts'
import { generateSkey, parseVkey } from '../../../gateway/audit/tree/note.ts'
import { inProcess } from '../../support/cli.ts'
import { ORIGIN, removeWitnessing, witnessingDirectory } from '../../support/witnessing.ts'

const uid = process.getuid?.()
let dir: string
const skey = generateSkey(ORIGIN)
const read = (name: string, more: Partial<KeyFile> = {}) =>
  readKeyFile({ path: join(dir, name), uid, type: 'ed25519', name: ORIGIN, ...more })
const put = (name: string, text: string, mode = 0o600) => {
  writeFileSync(join(dir, name), text)
  chmodSync(join(dir, name), mode)
}
beforeAll(() => {
  dir = witnessingDirectory()
  put('good', `${skey}\n`)
})
afterAll(removeWitnessing)

describe('a key file', () => {
  it('signs with the name of the log', () => {
    expect(read('good').verifier.name).toBe(ORIGIN)
    expect(read('good', { apartFrom: join(dir, 'audit') }).verifier.name).toBe(ORIGIN)
  })

  it.each([0o640, 0o604, 0o660, 0o644, 0o601, 0o777])('is refused with mode %o', (mode) => {
    put('shared', skey, mode)
    expect(() => read('shared')).toThrow(/has mode 0.*chmod 600/)
  })

  it('is refused for what it is', () => {
    put('other', generateSkey('test/audit/n2'))
    put('witness', generateSkey(ORIGIN, 'cosignature'))
    put('long', `${skey}${' '.repeat(5000)}`)
    mkdirSync(join(dir, 'folder'))
    execFileSync('mkfifo', ['-m', '600', join(dir, 'pipe')])
    for (const [name, why] of [
      ['other', /is a key of test\/audit\/n2/],
      ['witness', /key of a witness/],
      ['long', /is no key file/],
      ['folder', /is no key file/],
      ['pipe', /is no key file/],
      ['missing', /audit keygen/],
    ] as const) {
      expect(() => read(name)).toThrow(why)
    }
    expect(() => read('good', { type: 'cosignature' })).toThrow(/key of a log/)
    put('foreign', skey)
    if (uid === 0) chownSync(join(dir, 'foreign'), 4242, 4242)
    expect(() => read('foreign', { uid: 4243 })).toThrow(/belongs to uid/)
  })

  it('is refused beside what it signs, links resolved', () => {
    const audit = join(dir, 'audit')
    mkdirSync(audit)
    put('audit/key', skey)
    symlinkSync(audit, join(dir, 'elsewhere'))
    expect(() => read('audit/key', { apartFrom: audit })).toThrow(/with the ledger/)
    expect(() => read('elsewhere/key', { apartFrom: audit })).toThrow(/with the ledger/)
    expect(() => read('good', { apartFrom: dir })).toThrow(/with the ledger/)
    expect(read('audit/key', { apartFrom: join(dir, 'audi') }).verifier.name).toBe(ORIGIN)
  })

  it('is never quoted', () => {
    const secret = skey.slice(skey.lastIndexOf('+') + 1)
    for (const text of [
      `x${skey}`,
      skey.replace('+KEY', ''),
      skey.slice(0, -4),
      `${skey}\n${skey}`,
    ]) {
      put('bad', text)
      let message = ''
      try {
        read('bad')
      } catch (error) {
        message = (error as Error).message
      }
      expect(message).toContain('key file')
      expect(message).not.toContain(secret.slice(0, 12))
    }
  })
})

describe('modelgate audit keygen', () => {
  const keygen = (...args: string[]) => inProcess(['audit', 'keygen', ...args], { cwd: dir })

  it('writes a key for one and its public half for all', async () => {
    const made = await keygen('--name', ORIGIN, '--out', 'keys/ledger.key', '--format', 'json')
    const told = JSON.parse(made.stdout) as Record<string, string>
    expect([made.code, told['name']]).toEqual([0, ORIGIN])
    expect(statSync(join(dir, 'keys/ledger.key')).mode & 0o777).toBe(0o600)
    expect(read('keys/ledger.key').verifier.vkey).toBe(told['vkey'])
    expect(readFileSync(join(dir, 'keys/ledger.key.pub'), 'utf8')).toBe(`${told['vkey']}\n`)
    expect(made.stdout + made.stderr).not.toContain('PRIVATE')
  })

  it('never overwrites', async () => {
    put('taken', 'mine')
    expect(await keygen('--name', ORIGIN, '--out', 'taken')).toMatchObject({ code: 2 })
    expect(readFileSync(join(dir, 'taken'), 'utf8')).toBe('mine')
  })

  it('makes keys of witnesses, which need a name', async () => {
    expect(await keygen('--witness', '--out', 'w')).toMatchObject({ code: 2 })
    const made = await keygen('--witness', '--name', 'w1.example.net', '--out', 'w')
    expect(parseVkey(made.stdout)).toMatchObject({ name: 'w1.example.net', type: 'cosignature' })
    expect(await keygen('--name', 'two words', '--out', 'v')).toMatchObject({ code: 2 })
    expect(await keygen('--name', 'x')).toMatchObject({ code: 2 })
  })
})
