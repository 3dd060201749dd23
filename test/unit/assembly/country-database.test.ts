import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { databaseProblems, openDatabase } from '../../../gateway/assembly/country-database.ts'
import { loadRules } from '../../../gateway/assembly/load-rules.ts'
import { loadSettings } from '../../../gateway/settings/settings.ts'
import { countryRecord, mmdbOf } from '../../support/mmdb.ts'
import { configOf, writeRules } from '../../support/world-files.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-geo-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const database = (code: string) => mmdbOf({ '192.0.2.0/24': countryRecord(code) })
function settingsOf(
  config: Readonly<Record<string, unknown>> = { geo: { database_file: 'c.mmdb' } },
) {
  const urls = { issuer: 'http://127.0.0.1:1', upstream: 'http://127.0.0.1:2' }
  const text = JSON.stringify(configOf({ config }, urls), null, 2)
  const loaded = loadSettings({ file: join(dir, 'gateway.yaml'), text, env: {} })
  if (!loaded.ok) throw new Error('the configuration is not usable')
  return loaded.value
}

describe('the database of geo', () => {
  it('is read again only when its file has changed', async () => {
    const file = join(dir, 'c.mmdb')
    await writeFile(file, database('DE'))
    const first = await openDatabase(settingsOf(), undefined)
    expect(first?.database.countryOf('192.0.2.1')).toBe('DE')
    expect(await openDatabase(settingsOf(), first)).toBe(first)
    await writeFile(join(dir, 'next'), database('FR'))
    await rename(join(dir, 'next'), file)
    const second = await openDatabase(settingsOf(), first)
    expect(second?.database.countryOf('192.0.2.1')).toBe('FR')
    expect(first?.database.countryOf('192.0.2.1')).toBe('DE')
  })

  it.each<[string, (file: string) => Promise<unknown>, RegExp]>([
    ['missing', () => Promise.resolve(), /c\.mmdb cannot be read: .*ENOENT/],
    ['a folder', (file) => mkdir(file), /c\.mmdb (is not a regular file|cannot be read: .*EISDIR)/],
    ['text', (file) => writeFile(file, 'x'), /c\.mmdb is not a MaxMind DB file/],
    [
      'a FIFO that nobody writes to',
      (file) => Promise.resolve(execFileSync('mkfifo', [file])),
      /c\.mmdb is not a regular file/,
    ],
  ])('that is %s is a finding where it is named', async (_what, make, message) => {
    await make(join(dir, 'c.mmdb'))
    const [finding] = await databaseProblems(settingsOf())
    expect(finding).toMatchObject({ file: join(dir, 'gateway.yaml'), code: 'unusable-database' })
    expect(finding?.line).toBeGreaterThan(1)
    expect(finding?.message).toMatch(message)
    await expect(openDatabase(settingsOf(), undefined)).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      diagnostics: [finding],
    })
  })

  it('is none where none is configured', async () => {
    expect(await openDatabase(settingsOf({}), undefined)).toBeUndefined()
    expect(await databaseProblems(settingsOf({}))).toEqual([])
  })
})

describe('issuers that conditions name', () => {
  it('are warned of when the configuration does not know them', async () => {
    const conditions = `conditions:
  a: { kind: token, issuers: [dev, dve] }
  b: { kind: mfa, max_age: { default: 1h, by_issuer: { corp: 15m } } }
`
    const policy = 'p, role:reader, read, model:*, a & b, allow\n'
    await writeRules(join(dir, 'rules'), { policy, rules: { 'conditions.yaml': conditions } })
    const loaded = await loadRules(join(dir, 'rules'), settingsOf({}))
    if (!loaded.ok) throw new Error(loaded.diagnostics[0]?.message)
    const found = loaded.warnings.filter(({ code }) => code === 'unknown-issuer')
    expect(found.map((d) => [d.line, d.column, d.remedy])).toEqual([
      [2, 36, 'Did you mean `dev`?'],
      [3, 62, 'Use one of: dev.'],
    ])
  })
})
