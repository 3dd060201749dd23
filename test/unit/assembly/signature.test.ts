import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createRuleRevisions } from '../../../gateway/assembly/revisions/rule-revisions.ts'
import {
  readTrustedKeys,
  signatureProblem,
  signRevision,
  type TrustedKey,
} from '../../../gateway/assembly/revisions/signature.ts'
import { readRuleFiles } from '../../../gateway/assembly/rule-files.ts'
import { writeRules } from '../../support/world-files.ts'

const REVISION = `sha256:${'a'.repeat(64)}`
const pemOf = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    key: privateKey,
    secret: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    open: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  }
}
const [one, two] = [pemOf(), pemOf()]

let dir: string
let keys: readonly TrustedKey[] = []
const keyFile = (name: string) => join(dir, `${name}.pem`)
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-signature-'))
  await writeFile(keyFile('one'), one.open)
  await writeFile(keyFile('two'), two.open)
  await writeFile(keyFile('secret'), one.secret)
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  await writeFile(keyFile('rsa'), rsa.export({ format: 'pem', type: 'spki' }))
  await writeFile(keyFile('text'), 'hello')
  const loaded = await readTrustedKeys([keyFile('one')])
  if (!loaded.ok) throw new Error('no keys')
  keys = loaded.value
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const problemOf = (text: string | undefined, revision = REVISION) =>
  signatureProblem({ file: 'signature.json', text, revision }, keys)?.message

describe('a signature of a rule set', () => {
  const { text } = signRevision(REVISION, one.secret)
  const changed = (change: object) => JSON.stringify({ ...(JSON.parse(text) as object), ...change })

  it('holds for that set and that key', () => {
    expect(problemOf(text)).toBeUndefined()
  })

  it.each([
    ['is not there', undefined, 'not signed'],
    [
      'is of another set',
      signRevision(`sha256:${'b'.repeat(64)}`, one.secret).text,
      'changed since',
    ],
    ['is of another key', signRevision(REVISION, two.secret).text, 'not trusted'],
    [
      'names a trusted key that did not make it',
      changed({ signature: `${'A'.repeat(86)}==` }),
      'not verify',
    ],
    ['is no signature', '{"revision":"x"}', 'no signature'],
    ['is no JSON', 'x', 'no signature'],
    ['is a list', '[]', 'no signature'],
  ])('does not hold when it %s', (_, given, words) => {
    expect(problemOf(given)).toContain(words)
  })

  it('made for something else does not count here', () => {
    const signature = sign(null, Buffer.from(REVISION), one.key).toString('base64')
    expect(problemOf(changed({ signature }))).toContain('not verify')
  })

  it('is made with Ed25519 alone', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const pem = rsa.export({ format: 'pem', type: 'pkcs8' }).toString()
    expect(() => signRevision(REVISION, pem)).toThrow('not Ed25519')
    expect(() => signRevision(REVISION, one.open)).toThrow('no private key')
  })
})

describe('trusted keys', () => {
  it.each(['secret', 'rsa', 'text', 'missing'])('are refused when one is %s', async (name) => {
    const loaded = await readTrustedKeys([keyFile('one'), keyFile(name)])
    expect(loaded).toMatchObject({ ok: false, diagnostics: [{ file: keyFile(name) }] })
  })
})

describe('a gateway with trusted keys', () => {
  it('loads what one of them signed, from the folder and from the store, and nothing else', async () => {
    const rulesDir = join(dir, 'rules')
    await writeRules(rulesDir, {})
    const trustedKeysFiles = [keyFile('one'), keyFile('two')]
    const revisions = createRuleRevisions({
      rulesDir,
      historyDir: join(dir, 'history'),
      historyMax: 10,
      trustedKeysFiles,
      now: () => Date.now(),
      wait: () => Promise.resolve(),
    })
    const load = () => revisions.load(undefined)
    expect(await load()).toMatchObject({ ok: false, diagnostics: [{ code: 'unsigned' }] })
    const files = await readRuleFiles(rulesDir)
    const revision = files.ok ? files.value.revision : ''
    for (const { secret } of [one, two]) {
      await writeFile(join(rulesDir, 'signature.json'), signRevision(revision, secret).text)
      expect(await load()).toMatchObject({ ok: true, value: { rules: { revision } } })
    }
    if (files.ok) await revisions.store.keep({ files: files.value, signature: undefined })
    expect(await revisions.loadKept(revision, undefined)).toMatchObject({ ok: false })
    const active = await load()
    if (active.ok) await revisions.accepted({ active: active.value, how: 'start', by: 'os:jo' })
    expect(await revisions.loadKept(revision, undefined)).toMatchObject({ ok: true })
    await writeFile(join(rulesDir, 'policy.csv'), 'p, role:anyone, read, model:*, always, allow\n')
    expect(await load()).toMatchObject({ ok: false, diagnostics: [{ code: 'unsigned' }] })
  })
})
