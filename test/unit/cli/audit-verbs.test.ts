/** `audit query|index|stats` and `exports`: what they print of a log, and how they end. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { indexPath } from '../../../gateway/audit/read/index-file.ts'
import { createStatistics } from '../../../gateway/audit/read/statistics.ts'
import { segmentPath } from '../../../gateway/audit/files/segments.ts'
import { newDirectory, removeDirectories } from '../../support/audit-harness.ts'
import { inProcess } from '../../support/cli.ts'
import { caller, callerOf, idOf, madeUpTrail, writeTrail } from '../../support/trail.ts'

const CALLERS = 50
let dir: string
const run = (...args: string[]) => inProcess([...args, '--dir', dir], { cwd: '/' })
const lines = (text: string) => text.trimEnd().split('\n')
const parsed = (text: string) =>
  lines(text).map((line) => JSON.parse(line) as Record<string, unknown>)

beforeAll(() => {
  dir = newDirectory()
  writeTrail(madeUpTrail(1_500, { callers: CALLERS }), { dir, segmentRecords: 2_000 })
})
afterAll(removeDirectories)

describe('audit query', () => {
  it('prints a line for each record, and how many there are', async () => {
    const { code, stdout, stderr } = await run('audit', 'query', '--id', idOf(3))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [decision, outcome, exported, total] = lines(stdout)
    const who = caller(callerOf(3, CALLERS))
    expect(decision).toMatch(
      /^2026-07-01T\S+ +6 {2}permit +export model:m-3@0 {2}user:corp\/person-/,
    )
    expect(decision).toContain(who)
    expect(outcome).toContain('status=200  bytes_out=183  ms=12.5')
    expect(exported).toContain('grant=grant-7  status=200  bytes=1000003')
    expect(total).toBe('3 records; the chain is not verified here')
  })

  it('shows everything one person did, with what came of it', async () => {
    const subject = caller(13)
    const plain = parsed(
      (await run('audit', 'query', '--subject', subject, '--format', 'jsonl')).stdout,
    )
    const whole = parsed(
      (await run('audit', 'query', '--subject', subject, '--outcomes', '--format', 'jsonl')).stdout,
    )
    expect(plain).toHaveLength(1_500 / CALLERS)
    const permitted = plain.filter(({ effect }) => effect === 'permit')
    expect(whole.filter(({ type }) => type === 'outcome')).toHaveLength(permitted.length)
    const seqs = whole.map(({ seq }) => Number(seq))
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
  })

  it('gives lines as they are stored', async () => {
    const { stdout } = await run('audit', 'query', '--id', idOf(7), '--format', 'jsonl')
    expect(readFileSync(segmentPath(dir, 0), 'utf8')).toContain(`\n${stdout}`)
  })

  it('shows what a lock stopped', async () => {
    const { stdout } = await run('audit', 'query', '--lock', idOf(0), '--limit', '5')
    const shown = lines(stdout)
    expect(shown).toHaveLength(6)
    for (const line of shown.slice(0, 5)) expect(line).toMatch(/deny +locked_out .*lock=9e3779b1-/)
  })

  it('as JSON is a list, as CSV a table', async () => {
    const asked = ['audit', 'query', '--type', 'export', '--during', '2026-07']
    const list = JSON.parse((await run(...asked, '--format', 'json')).stdout) as unknown[]
    expect(list).toHaveLength(1)
    const [head, row] = lines((await run(...asked, '--format', 'csv')).stdout)
    expect(head).toMatch(/^time,seq,type,id,effect/)
    expect(row).toContain(',export,')
    const none = await run('audit', 'query', '--subject', 'user:corp/nobody')
    expect(none).toMatchObject({ code: 0, stdout: 'Nothing is recorded.\n' })
  })

  it.each([
    [['--effect', 'dney'], 'is one of permit, deny'],
    [['--action', 'exprt'], 'Did you mean export?'],
    [['--during', '2026-Q3', '--since', '3d'], 'give one or those'],
    [['--during', 'soon'], 'takes a period'],
    [['--limit', '0'], 'whole number'],
    [['--subjct', 'x'], 'Did you mean --subject?'],
  ])('%j is a mistake', async (args, told) => {
    const { code, stderr } = await run('audit', 'query', ...args)
    expect(code).toBe(2)
    expect(stderr).toContain(told)
  })

  it('cannot be made to play tricks on a terminal, and tells of lines that are no records', async () => {
    const fresh = newDirectory()
    writeTrail([...madeUpTrail(3)], { dir: fresh, segmentRecords: 100 })
    const evil = JSON.stringify({
      type: 'decision',
      id: 'e',
      effect: 'permit',
      sub: 'x\u001b[2J\u202e',
    })
    appendFileSync(segmentPath(fresh, 0), `${evil.replace('\\u001b', '\\u001b')}\nnothing\n`)
    const told = await inProcess(['audit', 'query', '--id', 'e', '--dir', fresh], { cwd: '/' })
    expect(told.stdout).toContain(String.raw`x\u001b[2J\u202e`)
    expect(told.stderr).toBe('1 line not readable\n')
    expect(told.code).toBe(1)
  })
})

describe('exports', () => {
  it('of a quarter', async () => {
    const during = await run('exports', '--during', '2026-Q3', '--format', 'json')
    expect(JSON.parse(during.stdout)).toHaveLength(2)
    const before = await run('exports', '--until', '2026-Q2')
    expect(before.stdout).toBe('No export is recorded.\n')
  })
})

describe('audit stats', () => {
  it('counts', async () => {
    const { stdout } = await run('audit', 'stats', '--format', 'json', '--top', '3')
    const stats = JSON.parse(stdout) as Record<string, readonly { name: string; count: number }[]>
    expect(stats['effects']).toEqual([
      { name: 'permit', count: 1425 },
      { name: 'deny', count: 75 },
    ])
    expect(stats['subjects']).toHaveLength(3)
    expect(stats['exports']).toEqual({ count: 2, bytes: 2_001_006 })
    const text = (await run('audit', 'stats')).stdout
    expect(text).toContain('2927 records from 2026-07-01T00:00:00.000Z to 2026-09-2')
    expect(text).toContain('Refused for\n')
  })
})

describe('statistics', () => {
  it('count refusals that were recorded together one by one', () => {
    const counter = createStatistics()
    const refused = { type: 'decision.refused', effect: 'deny', reason: 'bad_token', count: 40 }
    counter.take(refused)
    counter.take({ type: 'decision', effect: 'deny', reason: 'bad_token' })
    const { records, effects, reasons } = counter.report(5)
    expect({ records, effects, reasons }).toEqual({
      records: 2,
      effects: [{ name: 'deny', count: 41 }],
      reasons: [{ name: 'bad_token', count: 41 }],
    })
  })
})

describe('audit index', () => {
  it('is made, checked, and found to be of other records', async () => {
    const made = await run('audit', 'index', '--rebuild')
    expect(made).toMatchObject({ code: 0 })
    expect(made.stdout).toBe('1024 records of 2 segments can be found by index, 1024 of them new\n')
    expect(await run('audit', 'index', '--check')).toMatchObject({ code: 0, stderr: '' })
    const path = indexPath(dir, { path: segmentPath(dir, 0), firstSeq: 0 })
    const bytes = readFileSync(path)
    writeFileSync(
      path,
      Buffer.concat([bytes.subarray(0, 9000), Buffer.of(9), bytes.subarray(9001)]),
    )
    const checked = await run('audit', 'index', '--check')
    expect(checked.code).toBe(1)
    expect(checked.stderr).toContain(join(dir, 'index'))
    writeFileSync(path, bytes)
  })
})
