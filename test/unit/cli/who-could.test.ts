/** `who-can --at DAY`: the rules of that day, from the ledger and what is kept of them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readRuleFiles } from '../../../gateway/assembly/rule-files.ts'
import { createHistoryIndex } from '../../../gateway/assembly/revisions/history-index.ts'
import { createRevisionStore } from '../../../gateway/assembly/revisions/revision-store.ts'
import { inProcess } from '../../support/cli.ts'
import { writeTrail, type TimedRecord } from '../../support/trail.ts'
import { configOf, writeRules } from '../../support/world-files.ts'

let dir: string
const revisions: string[] = []
const at = (text: string) => Date.parse(`2026-07-${text}Z`)
const changed = (when: string, pol: string): TimedRecord => ({
  at: at(when),
  type: 'policy.changed',
  fields: { pol, cfg: 'sha256:0', how: 'file', by: 'os:jo' },
})
const ask = (day: string, ...more: string[]) =>
  inProcess(
    ['who-can', 'export', 'model:crown', '--at', day, '--config', 'gateway.yaml', ...more],
    { cwd: dir },
  )

async function keep(policy: string): Promise<string> {
  const folder = join(dir, `rules-${revisions.length}`)
  await writeRules(folder, { policy })
  const files = await readRuleFiles(folder)
  if (!files.ok) throw new Error('the rules of the test do not load')
  await createRevisionStore(join(dir, 'kept')).keep({ files: files.value, signature: undefined })
  revisions.push(files.value.revision)
  return files.value.revision
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-who-could-'))
  const strict = await keep('p, role:owner, export, model:crown, always, allow\n')
  const loose = await keep('p, role:anyone, export, model:crown, always, allow\n')
  const lost = `sha256:${'a'.repeat(64)}`
  writeTrail(
    [
      { at: at('10T08:00:00'), type: 'log.opened', fields: { previous: null } },
      changed('10T08:00:01', strict),
      changed('12T10:00:00', loose),
      changed('12T11:00:00', loose),
      changed('12T12:00:00', strict),
      changed('20T12:00:00', lost),
    ],
    { dir: join(dir, 'audit'), segmentRecords: 4 },
  )
  const config = {
    audit: { dir: 'audit' },
    rules: { dir: 'rules-0', history_dir: 'kept' },
  }
  const urls = { issuer: 'http://127.0.0.1:1', upstream: 'http://127.0.0.1:1' }
  await writeFile(join(dir, 'gateway.yaml'), JSON.stringify(configOf({ config }, urls)))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

describe('who could have', () => {
  it('under the one rule set of a day', async () => {
    const { code, stdout, stderr } = await ask('2026-07-11')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`In force from 2026-07-10T08:00:01.000Z, by os:jo: ${revisions[0]}`)
    expect(stdout).toContain('role:owner')
    expect(stdout).not.toContain('role:anyone')
  })

  it('under each of several, in their order, so that an hour of carelessness shows', async () => {
    const { stdout } = await ask('2026-07-12', '--format', 'json')
    const { complete, answers } = JSON.parse(stdout) as {
      complete: boolean
      answers: { since: string; until?: string; found: { permitted: { principal: string }[] } }[]
    }
    expect(complete).toBe(true)
    expect(
      answers.map(({ since, until, found }) => [
        since,
        until,
        found.permitted.map((p) => p.principal),
      ]),
    ).toEqual([
      ['2026-07-10T08:00:01.000Z', '2026-07-12T10:00:00.000Z', ['role:owner']],
      ['2026-07-12T10:00:00.000Z', '2026-07-12T12:00:00.000Z', ['role:anyone']],
      ['2026-07-12T12:00:00.000Z', undefined, ['role:owner']],
    ])
  })

  it('on the day the gateway first ran is known whole', async () => {
    expect(await ask('2026-07-10')).toMatchObject({ code: 0, stderr: '' })
  })

  it('before the ledger began is asked of the history, or not known', async () => {
    const nothing = await ask('2026-07-01')
    expect(nothing.code).toBe(1)
    expect(nothing.stderr).toContain('the ledger says nothing of that day')
    await mkdir(join(dir, 'kept'), { recursive: true })
    const entry = {
      at: '2026-06-01T00:00:00.000Z',
      how: 'start',
      by: 'os:al',
      previous: null,
      rules: 1,
    } as const
    await createHistoryIndex(join(dir, 'kept')).append({ ...entry, revision: revisions[0] ?? '' })
    const known = await ask('2026-07-01')
    expect(known.stdout).toContain('(by the history; the ledger has no record of it)')
    expect(known.code).toBe(0)
  })

  it('under rules that are not kept any more is not known, and that is said', async () => {
    const { code, stdout, stderr } = await ask('2026-07-21')
    expect(code).toBe(1)
    expect(stdout).toContain('It cannot be read any more.')
    expect(stderr).toContain('1 of 1 rule sets are not kept (rules.history_max)')
  })

  it('takes no other rules and no address', async () => {
    expect(await ask('2026-07-11', '--ip', '10.0.0.1')).toMatchObject({ code: 2 })
    expect(await ask('2026-02-30')).toMatchObject({ code: 2 })
  })
})
