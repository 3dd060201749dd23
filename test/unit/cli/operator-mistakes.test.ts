/** Mistakes that operators make, and files that would have them believe something else. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readRuleFiles } from '../../../gateway/assembly/rule-files.ts'
import { createRevisionStore } from '../../../gateway/assembly/revisions/revision-store.ts'
import { inProcess } from '../../support/cli.ts'
import { configOf, writeRules } from '../../support/world-files.ts'

let dir: string
const run = (...args: string[]) => inProcess(args, { cwd: dir })

async function writeConfig(file: string, config: Readonly<Record<string, unknown>>): Promise<void> {
  const urls = { issuer: 'http://127.0.0.1:1', upstream: 'http://127.0.0.1:1' }
  await writeFile(join(dir, file), JSON.stringify(configOf({ config }, urls)))
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-mistakes-'))
  await writeRules(join(dir, 'rules'), {})
  await writeConfig('gateway.yaml', {})
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const ASK = ['explain', '--rules', 'rules', '--subject', 'user:dev/a', '--action', 'read']

describe('names and addresses that no request can have', () => {
  it.each([
    [[...ASK, '--resource', 'model:*']],
    [[...ASK, '--resource', 'model:\u001b[31mx']],
    [[...ASK, '--resource', 'model:x', '--ip', '999.1.1.1']],
    [['who-can', 'read', 'model:\u001b[31mx', '--rules', 'rules']],
  ])('%j is a mistake of the command line', async (args) => {
    const { code, stderr } = await run(...args)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^modelgate: (--|RESOURCE)/)])
  })

  it('says which group or role no row names', async () => {
    const note = 'note: no row of policy.csv names role:raeder; did you mean role:reader?\n'
    const asked = await run(...ASK, '--resource', 'model:x', '--role', 'raeder')
    expect([asked.code, asked.stderr]).toEqual([1, note])
    const listed = await run('what-can', 'role:raeder', 'role:reader', '--rules', 'rules')
    expect([listed.code, listed.stderr]).toEqual([0, note])
  })
})

describe('what a terminal would act on', () => {
  it('is spelt out in names of files and in what findings quote', async () => {
    await writeRules(join(dir, 'hostile'), { rules: { 'routes/a\u001b[31m\nb.yaml': 'bogus: 1' } })
    const { code, stderr } = await run('check', '--rules', 'hostile')
    expect(code).toBe(3)
    expect(stderr).toContain(String.raw`routes/a\u001b[31m\u000ab.yaml:1:1: error:`)
    expect(stderr).not.toContain('\u001b')
  })

  it('is spelt out in the documented matrix', async () => {
    const conditions = await readFile(join(dir, 'rules/conditions.yaml'), 'utf8')
    const hostile = `conditions:\n  own:\n    description: "a\\u001b[31m"\n    kind: network\n    cidrs: [10.9.0.0/16]\n`
    await writeRules(join(dir, 'described'), {
      policy: 'p, role:a, read, model:*, own, allow\n',
      rules: { 'conditions.yaml': conditions.replace('conditions:\n', hostile) },
    })
    for (const format of ['markdown', 'html']) {
      const { code, stdout } = await run('docs', '--rules', 'described', '--format', format)
      expect([code, stdout.includes('\u001b')]).toEqual([0, false])
    }
  })

  it('is spelt out in what a caller is called', async () => {
    const { stdout } = await run('what-can', 'user:dev/\u001b[31mx', '--rules', 'rules')
    expect(stdout).toContain(String.raw`user:dev/\u001b[31mx`)
    expect(stdout).not.toContain('\u001b')
  })
})

describe('findings', () => {
  it('say once that the folder is not there', async () => {
    const { code, stderr } = await run('check', '--rules', 'nowhere')
    expect(code).toBe(3)
    expect(stderr).toMatch(
      /^nowhere:1:1: error: there is no such folder \[unreadable-file\]\n.*\n$/,
    )
  })

  it('say that a file is empty, and what belongs into it', async () => {
    await writeRules(join(dir, 'empty'), { rules: { 'conditions.yaml': '' } })
    const { stderr } = await run('check', '--rules', 'empty')
    expect(stderr).toContain('conditions.yaml:1:1: error: there is nothing in this file')
    expect(stderr).toMatch(/under: .*conditions/)
  })

  it('know the keys of a closed list', async () => {
    const test = `name: x
options: { now: '2026-11-04T10:00:00Z' }
principals: { e: { groups: [group:a] } }
resources: { m: { kind: model, name: llama } }
environments: { o: { ip: 10.1.2.3 } }
tests:
  - name: t
    input: { principals: [e], resources: [m], actions: all, environments: [o] }
    expected: [{ principal: e, resource: m, actions: { reed: permit } }]
`
    await writeRules(join(dir, 'tested'), { rules: { 'tests/a_test.yaml': test } })
    const { code, stderr } = await run('test', '--rules', 'tested')
    expect([code, stderr]).toEqual([3, expect.stringContaining('Did you mean `read`?')])
  })

  it('are told of areas of the control API that there are not', async () => {
    const check = async (area: string) => {
      const policy = `p, role:admin, read, server:gate:${area}, always, allow\n`
      await writeRules(join(dir, area), { policy })
      return (await run('check', '--rules', area, '--config', 'gateway.yaml')).stderr
    }
    expect(await check('policy')).not.toContain('unknown-upstream')
    expect(await check('lockouts')).not.toContain('unknown-upstream')
    expect(await check('polcy')).toContain('unknown-upstream')
  })
})

describe('signatures', () => {
  it('are asked for by check when serve would ask for them, of the configured folder', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    await writeFile(join(dir, 'key.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }))
    await writeFile(join(dir, 'key.pub.pem'), publicKey.export({ format: 'pem', type: 'spki' }))
    await writeRules(join(dir, 'released'), {})
    const rules = { dir: 'released', trusted_keys_files: [join(dir, 'key.pub.pem')] }
    await writeConfig('signed.yaml', { rules })
    const check = () => run('check', '--config', 'signed.yaml')
    const verify = () => run('rules', 'verify', '--config', 'signed.yaml')
    expect([await check(), await verify()]).toMatchObject([
      { code: 3, stderr: expect.stringContaining('the rule set is not signed') as unknown },
      { code: 3 },
    ])
    const signed = await run('rules', 'sign', '--key', 'key.pem', '--config', 'signed.yaml')
    expect(signed.code).toBe(0)
    expect([await check(), await verify()]).toMatchObject([{ code: 0 }, { code: 0 }])
  })
})

describe('a damaged history folder', () => {
  it('has its pin written anew by pin, as the finding about it says, and by unpin', async () => {
    await writeConfig('kept.yaml', { rules: { dir: 'rules', history_dir: 'kept' } })
    const files = await readRuleFiles(join(dir, 'rules'))
    if (!files.ok) throw new Error('the rules of the test do not load')
    await createRevisionStore(join(dir, 'kept')).keep({ files: files.value, signature: undefined })
    const { revision } = files.value
    const damage = () => writeFile(join(dir, 'kept/pin.json'), '{garbage')
    await damage()
    const pinned = await run('pin', revision, '--config', 'kept.yaml')
    expect([pinned.code, pinned.stdout]).toEqual([0, expect.stringContaining('is pinned')])
    await damage()
    const free = await run('unpin', '--config', 'kept.yaml')
    expect([free.code, free.stdout]).toEqual([0, expect.stringContaining('could not be read')])
  })

  it('is named when the history cannot be read', async () => {
    await mkdir(join(dir, 'odd/history.jsonl'), { recursive: true })
    await writeConfig('odd.yaml', { rules: { dir: 'rules', history_dir: 'odd' } })
    const { code, stderr } = await run('history', '--config', 'odd.yaml')
    expect([code, stderr]).toEqual([3, expect.stringContaining('odd: the history cannot be read')])
  })
})

describe('no ledger, and an empty one', () => {
  it('are said to be that', async () => {
    const shown = await run('explain', '--decision', 'x', '--config', 'gateway.yaml')
    expect([shown.code, shown.stderr]).toEqual([
      2,
      expect.stringContaining('there is no ledger in'),
    ])
    await mkdir(join(dir, 'quiet/seg'), { recursive: true })
    const { code, stdout } = await run('replay', '--rules', 'rules', '--dir', 'quiet')
    expect([code, stdout]).toEqual([0, expect.stringContaining('Nothing was judged')])
  })
})

describe('a ledger of which nothing can be read', () => {
  it('is no proof that nothing would change, and is counted', async () => {
    await mkdir(join(dir, 'torn/seg'), { recursive: true })
    await writeFile(join(dir, 'torn/seg/0000000000000000.jsonl'), 'no record\n{"type":"decision"\n')
    const replayed = await run('replay', '--rules', 'rules', '--dir', 'torn')
    expect([replayed.code, replayed.stdout]).toEqual([1, expect.stringContaining('2 lines')])
    const { code, stdout } = await run('shadow', 'report', '--dir', 'torn', '--format', 'json')
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ unreadable: 2 })])
  })
})
