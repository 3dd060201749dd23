import { appendFile, chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  createHistoryIndex,
  type HistoryEntry,
} from '../../../gateway/assembly/revisions/history-index.ts'
import { pinPath, readPin, writePin } from '../../../gateway/assembly/revisions/pin.ts'
import { resolveRevision } from '../../../gateway/assembly/revisions/revision.ts'
import { createRevisionStore } from '../../../gateway/assembly/revisions/revision-store.ts'
import { ruleFilesOf, type RuleFiles } from '../../../gateway/assembly/rule-files.ts'

let dir: string
beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'modelgate-revisions-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

/** A set whose texts are told apart by `text`; it need not load. */
function setOf(text: string): RuleFiles {
  const names = ['model.conf', 'policy.csv', 'conditions.yaml', 'resources.yaml', 'routes/x.yaml']
  const files = ruleFilesOf(names.map((file) => ({ file, text: `${file} ${text}\n` })))
  if (!files.ok) throw new Error('no set')
  return files.value
}

describe('the store of rule sets', () => {
  it('gives back what it was given, signature included, under its digest', async () => {
    const store = createRevisionStore(join(dir, 'new'))
    const files = setOf('one')
    await store.keep({ files, signature: '{}' })
    expect(await readdir(join(dir, 'new'))).toEqual([
      `sha256-${files.revision.slice('sha256:'.length)}.json`,
    ])
    expect(await store.read(files.revision)).toMatchObject({
      ok: true,
      value: { files, signature: '{}' },
    })
    expect(await store.list()).toEqual([files.revision])
  })

  it.each([
    ['changed', (text: string) => text.replace('policy.csv one', 'policy.csv two')],
    ['cut off', (text: string) => text.slice(0, 100)],
    ['of another format', (text: string) => text.replace('modelgate-rules/1', 'x')],
    [
      'with a file too many',
      (text: string) => text.replace('"files":[', '"files":[{"file":"../x","text":""},'),
    ],
    ['no object', () => '[]'],
  ])('refuses one that was %s, with a remedy', async (_, change) => {
    const store = createRevisionStore(dir)
    const { revision } = setOf('one')
    await store.keep({ files: setOf('one'), signature: undefined })
    const path = store.pathOf(revision)
    await writeFile(path, change(await readFile(path, 'utf8')))
    const read = await store.read(revision)
    expect(read).toMatchObject({
      ok: false,
      diagnostics: [{ file: path, code: 'unusable-revision' }],
    })
    expect(JSON.stringify(read)).toContain('modelgate unpin')
    await store.keep({ files: setOf('one'), signature: undefined })
    expect(await store.read(revision)).toMatchObject({ ok: true })
  })

  it('has no revision that is not kept, and none outside its folder', async () => {
    const store = createRevisionStore(dir)
    for (const name of ['sha256:' + '0'.repeat(64), 'sha256:../../etc/passwd', '']) {
      expect(await store.read(name)).toMatchObject({ ok: false })
    }
  })

  it('keeps so many, the pinned and the current one whatever their age', async () => {
    const store = createRevisionStore(dir)
    const sets = Array.from({ length: 6 }, (_, i) => setOf(String(i)))
    for (const files of sets) await store.keep({ files, signature: undefined })
    const oldestFirst = sets.map(({ revision }) => revision)
    const always = new Set([oldestFirst[0] ?? ''])
    await store.prune({ max: 3, oldestFirst, always })
    expect(new Set(await store.list())).toEqual(
      new Set([oldestFirst[0], oldestFirst[4], oldestFirst[5]]),
    )
  })
})

const REVISIONS = ['a', 'b', 'c'].map((digit) => `sha256:${digit.repeat(64)}`)
const [A = '', B = '', C = ''] = REVISIONS

describe('a name of a revision', () => {
  const known = { kept: REVISIONS, accepted: [A, A, B, A, C] }
  it.each([
    [A, A],
    ['bbbbbbbb', B],
    [`sha256:${'c'.repeat(9)}`, C],
    ['previous', A],
    ['~0', C],
    ['~2', B],
  ])('%s is found', (name, revision) => {
    expect(resolveRevision(name, known)).toEqual({ revision })
  })

  it.each(['', 'a', 'aaaaaaa', 'latest', '~', '~9', 'AAAAAAAA', `${A}0`, '../x', 'dddddddd'])(
    '%j means none',
    (name) => {
      expect(resolveRevision(name, known)).toHaveProperty('remedy')
    },
  )

  it('that fits two, or that is not kept any more, means none', () => {
    const twins = [`sha256:${'a'.repeat(63)}b`, A]
    expect(resolveRevision('aaaaaaaa', { kept: twins, accepted: [] })).toHaveProperty('problem')
    const problem = expect.stringContaining('not kept any more') as unknown
    expect(resolveRevision('~1', { kept: [C], accepted: [A, C] })).toMatchObject({ problem })
  })
})

describe('the history', () => {
  const entry = (revision: string): HistoryEntry => ({
    revision,
    at: '2026-01-02T03:04:05.000Z',
    how: 'file',
    by: 'os:jo',
    previous: null,
    rules: 2,
  })

  it('is appended to, and survives a line that was torn', async () => {
    const index = createHistoryIndex(join(dir, 'new'))
    expect(await index.read()).toEqual([])
    await index.append(entry(A))
    await appendFile(join(dir, 'new/history.jsonl'), '{"revision":"sha256:aa')
    await index.append({ ...entry(B), reason: 'because' })
    expect(await index.read()).toEqual([entry(A), { ...entry(B), reason: 'because' }])
  })

  it('passes over lines that nobody wrote', async () => {
    const index = createHistoryIndex(dir)
    const bad = [{}, null, { ...entry(A), how: 'magic' }, { ...entry(A), by: '\u001b[2J' }]
    await writeFile(join(dir, 'history.jsonl'), bad.map((one) => JSON.stringify(one)).join('\n'))
    expect(await index.read()).toEqual([])
  })
})

describe('the pin', () => {
  const PIN = { revision: A, by: 'os:jo', at: '2026-01-02T03:04:05.000Z', reason: 'audit' }

  it('is read as it was written; none is none', async () => {
    expect(await readPin(dir)).toMatchObject({ ok: true, value: undefined })
    await writePin(dir, PIN)
    expect(await readPin(dir)).toMatchObject({ ok: true, value: PIN })
    expect((await readdir(dir)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it.each(['', '{', '{}', 'null', '{"revision":"latest","by":"a","at":"b","reason":"c"}'])(
    'of %j is refused, never taken for none',
    async (text) => {
      await writeFile(pinPath(dir), text)
      expect(await readPin(dir)).toMatchObject({
        ok: false,
        diagnostics: [{ code: 'unusable-pin' }],
      })
    },
  )

  it('counts only where not everyone may write it', async () => {
    await writePin(dir, PIN)
    await chmod(dir, 0o777)
    expect(await readPin(dir)).toMatchObject({ ok: false })
  })
})
