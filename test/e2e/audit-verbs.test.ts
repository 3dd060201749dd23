/** The verbs of the ledger as the built program, on what a gateway has written. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { startAuditWorld, startVerb, whenSigned, type AuditWorld } from '../support/audit-world.ts'
import { runModelgate } from '../support/built-gateway.ts'
import { indexFolder, TRAIL_START, writeTrail } from '../support/trail.ts'

// Each command is a process, on a machine that may have other work.
jest.setTimeout(60_000)

let at: AuditWorld
let permitted: string
let denied: string
let vkey: string
let live: Awaited<ReturnType<typeof startVerb>>

beforeAll(async () => {
  at = await startAuditWorld()
  vkey = join(at.dir, 'keys/ledger.key.pub')
  live = await startVerb(['audit', 'tail', '-f', '--dir', 'audit', '-n', '1'], at.dir)
  await live.whenSaid('policy.changed')
  permitted = await at.infer('fraud', ['inference'])
  denied = await at.infer('crown-jewels', ['reader'])
  await live.whenSaid(denied)
  await whenSigned(join(at.dir, 'audit'), 5)
  at.world.signal('SIGTERM')
  await at.world.exited
}, 120_000)

afterAll(async () => {
  await at.close()
}, 30_000)

describe('audit tail', () => {
  it('-f shows records as they are written, and ends with 0 when it is stopped', async () => {
    const lines = live.stdout().split('\n')
    expect(lines.findIndex((line) => line.includes(permitted))).toBeLessThan(
      lines.findIndex((line) => line.includes(denied)),
    )
    expect(live.stdout()).not.toContain('\x1b[')
    expect(await live.stop()).toBe(0)
    expect(live.stderr()).toBe('')
  })

  it('gives lines as they are stored', async () => {
    const { code, stdout } = await at.audit('tail', '-n', '2', '--format', 'jsonl')
    expect(code).toBe(0)
    const stored = await readFile(join(at.dir, 'audit/seg/0000000000000000.jsonl'), 'utf8')
    expect(stored.endsWith(stdout)).toBe(true)
    expect(stdout.split('\n').length).toBe(3)
  })
})

describe('audit query', () => {
  it('finds by what was decided, and says what became of it', async () => {
    const text = await at.audit('query', '--effect', 'permit', '--action', 'infer', '--outcomes')
    expect(text).toMatchObject({ code: 0 })
    expect(text.stdout).toContain('model:fraud')
    expect(text.stdout).toContain('outcome')
    expect(text.stdout).not.toContain(denied)
    const json = await at.audit('query', '--id', denied, '--format', 'json')
    expect(JSON.stringify(JSON.parse(json.stdout))).toContain('"effect":"deny"')
    const csv = await at.audit('query', '--type', 'decision', '--format', 'csv')
    expect(csv.stdout.split('\r\n').filter(Boolean)).toHaveLength(3)
  })

  it('has no colours for a pipe, with or without NO_COLOR', async () => {
    for (const env of [{}, { NO_COLOR: '1' }]) {
      const found = await runModelgate(['audit', 'query', '--dir', 'audit'], { cwd: at.dir, env })
      expect(found.stdout).not.toContain('\x1b[')
    }
  })

  it('says what is wrong with a filter', async () => {
    const wrong = await at.audit('query', '--efect', 'deny')
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toContain('Did you mean --effect?')
    const period = await at.audit('query', '--during', 'someday')
    expect(period.code).toBe(2)
    expect(period.stderr).toContain('--during')
    const nowhere = await at.audit('query', '--dir', 'nowhere')
    expect(nowhere.code).toBe(2)
    expect(nowhere.stderr).toContain('there is no ledger in')
  })
})

describe('audit stats and index', () => {
  it('count what is there', async () => {
    const text = await at.audit('stats')
    expect(text).toMatchObject({ code: 0 })
    expect(text.stdout).toContain('decision')
    const { stdout } = await at.audit('stats', '--format', 'json')
    const { types } = JSON.parse(stdout) as { types: unknown[] }
    expect(types).toContainEqual({ name: 'decision', count: 2 })
    expect(await at.audit('index')).toMatchObject({ code: 0 })
    expect(await at.audit('index', '--check')).toMatchObject({ code: 0 })
  })
})

describe('audit export', () => {
  it.each([
    ['ocsf', '"class_uid":6003'],
    ['cloudevents', '"specversion":"1.0"'],
    ['ecs', '"ecs"'],
  ])('writes %s, a document a line', async (format, mark) => {
    const { code, stdout, stderr } = await at.audit(
      'export',
      '--format',
      format,
      '--type',
      'decision',
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.split('\n').slice(0, -1)
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(JSON.stringify(JSON.parse(line))).toContain(mark)
  })

  it('writes a table, and refuses what it does not know', async () => {
    const { stdout } = await at.audit('export', '--format', 'csv', '--id', permitted)
    expect(stdout.split('\r\n').filter(Boolean)).toHaveLength(3)
    const wrong = await at.audit('export', '--format', 'ocfs')
    expect(wrong).toMatchObject({ code: 2 })
    expect(wrong.stderr).toContain('Did you mean ocsf?')
  })

  it('brings the index up to date, like every verb that asks', async () => {
    const dir = join(at.dir, 'longer')
    // Fewer than some thousand records fill no block of an index.
    const records = Array.from({ length: 3_000 }, (_, n) => ({
      ...{ type: 'decision', at: TRAIL_START + n },
      fields: { id: `r${n}`, effect: n === 7 ? 'deny' : 'permit' },
    }))
    writeTrail(records, { dir, segmentRecords: 1_500 })
    const wanted = ['export', '--dir', dir, '--effect', 'deny', '--format', 'csv'] as const
    const unindexed = await at.audit(...wanted, '--no-index')
    expect(await readdir(dir)).toEqual(['seg'])
    const indexed = await at.audit(...wanted)
    expect(indexed).toEqual(unindexed)
    expect(indexed.stdout).toContain('r7')
    expect((await readdir(indexFolder(dir))).length).toBeGreaterThan(0)
    expect(await at.audit('index', '--dir', dir, '--check')).toMatchObject({ code: 0 })
  })
})

describe('audit prove and verify-proof', () => {
  it('prove a record to somebody who has nothing but the key', async () => {
    const proof = await at.audit('prove', '--seq', '2')
    expect(proof).toMatchObject({ code: 0, stderr: '' })
    expect(proof.stdout).toMatch(/^c2sp\.org\/tlog-proof@v1\n/)
    await writeFile(join(at.dir, '2.tlog-proof'), proof.stdout)
    const text = await at.audit('verify-proof', '--vkey', vkey, '2.tlog-proof')
    expect(text).toMatchObject({ code: 0 })
    expect(text.stdout).toContain('"seq":2,')
    expect(text.stderr).toContain('This is record 2 of modelgate/audit/n1')
    const json = await at.audit('verify-proof', '--vkey', vkey, '--format', 'json', '2.tlog-proof')
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: true,
      seq: 2,
      log: 'modelgate/audit/n1',
    })
    const record = (JSON.parse(json.stdout) as { record: string }).record
    const forged = proof.stdout.replace(/^extra .*$/m, () => {
      const line = record.replace('"effect":"permit"', '"effect":"deny"').replace('2026', '2025')
      return `extra ${Buffer.from(line).toString('base64')}`
    })
    expect(forged).not.toBe(proof.stdout)
    await writeFile(join(at.dir, 'forged'), forged)
    const refused = await at.audit('verify-proof', '--vkey', vkey, 'forged')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/^modelgate: forged: /)
    const said = await at.audit('verify-proof', '--vkey', vkey, 'forged', '--format', 'json')
    expect(JSON.parse(said.stdout)).toMatchObject({ valid: false })
  })

  it('say what is missing', async () => {
    const beyond = await at.audit('prove', '--seq', '4000')
    expect(beyond.code).not.toBe(0)
    expect(beyond.stderr).toContain('4000')
    expect((await at.audit('prove')).stderr).toContain('--seq N')
    expect((await at.audit('verify-proof', 'x')).stderr).toContain('--vkey FILE')
    expect(await at.audit('verify-proof', '--vkey', vkey, 'missing')).toMatchObject({ code: 2 })
    const noProof = await at.audit('verify-proof', '--vkey', vkey, vkey)
    expect(noProof).toMatchObject({ code: 1 })
  })
})

describe('audit', () => {
  it('helps', async () => {
    const group = await at.audit('--help')
    for (const verb of ['verify', 'prove', 'accept-gap', 'keygen', 'tail']) {
      expect(group.stdout).toContain(`audit ${verb}`)
      const help = await at.audit(verb, '--help')
      expect(help.code).toBe(0)
      expect(help.stdout).toContain(`Usage: modelgate audit ${verb}`)
    }
    const wrong = await at.audit('verfy')
    expect(wrong).toMatchObject({ code: 2 })
    expect(wrong.stderr).toContain('Did you mean audit verify?')
  })

  it('keygen makes a key once', async () => {
    const again = await at.audit('keygen', '--out', 'keys/ledger.key')
    expect(again.code).toBe(2)
    expect(again.stderr).toContain('never overwritten')
    expect((await stat(join(at.dir, 'keys/ledger.key'))).mode & 0o777).toBe(0o600)
    const made = await at.audit('keygen', '--name', 'a/b', '--out', 'k', '--format', 'json')
    expect(JSON.parse(made.stdout)).toMatchObject({
      name: 'a/b',
      public_key: join(at.dir, 'k.pub'),
    })
  })
})
