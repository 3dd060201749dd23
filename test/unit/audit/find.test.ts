import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  findRecords,
  newestRecords,
  type FindRecordsOptions,
} from '../../../gateway/audit/read/find.ts'
import { indexLedger } from '../../../gateway/audit/read/index-build.ts'
import type { StoredRecord } from '../../../gateway/audit/read/query.ts'
import { isWanted, type RecordFilter } from '../../../gateway/audit/read/terms.ts'
import {
  newDirectory,
  removeDirectories,
  segmentNames,
  storedRecords,
} from '../../support/audit-harness.ts'
import {
  caller,
  callerOf,
  idOf,
  indexFolder,
  madeUpTrail,
  TRAIL_START,
  writeTrail,
} from '../../support/trail.ts'

const DAY = 86_400_000
let dir: string
let all: readonly StoredRecord[]

beforeAll(() => {
  dir = newDirectory()
  writeTrail(madeUpTrail(6_000, { callers: 97 }), { dir, segmentRecords: 5_000 })
  all = storedRecords(dir)
})
afterAll(removeDirectories)

async function found(filter: RecordFilter, options: FindRecordsOptions = {}): Promise<unknown[]> {
  const seqs: unknown[] = []
  for await (const { record, line } of findRecords(dir, filter, options)) {
    if (line !== JSON.stringify(record)) throw new Error(line)
    seqs.push(record['seq'])
  }
  return seqs
}

const expected = (filter: RecordFilter) =>
  all.filter((record) => isWanted(record, filter)).map(({ seq }) => seq)

const FILTERS: readonly RecordFilter[] = [
  {},
  { subject: [caller(5)] },
  { subject: [caller(5), caller(6)], effect: ['deny'] },
  { resource: ['model:m-3'] },
  { resource: ['model:m-3@1'], action: ['infer'] },
  { action: ['export'] },
  { type: ['export'], grant: [`grant-${callerOf(3, 97) % 50}`] },
  { reason: ['locked_out'] },
  { id: [idOf(4321)] },
  { ip: ['10.1.1.5'] },
  { since: TRAIL_START + 20 * DAY, until: TRAIL_START + 21 * DAY },
  { type: ['decision'], since: TRAIL_START + 89 * DAY },
  { reason: ['locked_out'], lock: [idOf(0)] },
  { subject: ['user:corp/nobody'] },
]

describe.each(['reading everything', 'by index'])('finding records, %s', (how) => {
  beforeAll(async () => {
    if (how === 'by index') await indexLedger(dir)
  })

  it.each(FILTERS.map((filter) => [JSON.stringify(filter), filter]))('%s', async (_, filter) => {
    const wanted = expected(filter as RecordFilter)
    expect(await found(filter as RecordFilter)).toEqual(wanted)
    const newest = await newestRecords(dir, filter as RecordFilter, { countMax: 7 })
    expect(newest.map(({ record }) => record['seq'])).toEqual(wanted.slice(-7))
  })
})

describe('a filter', () => {
  it('finds something in most cases above, so that they mean something', () => {
    const counts = FILTERS.map((filter) => expected(filter).length)
    expect(counts.filter((count) => count === 0)).toHaveLength(1)
    // A request for two models is found by either.
    const both = all.find(({ ops }) => Array.isArray(ops) && ops.length === 2)
    const [, second] = both?.['ops'] as { res: string }[]
    expect(isWanted(both ?? {}, { resource: [second?.res.split('@')[0] ?? ''] })).toBe(true)
  })
})

describe('an index', () => {
  const folder = () => indexFolder(dir)

  it('holds full frames, goes on where it was left, and adds nothing twice', async () => {
    rmSync(folder(), { recursive: true })
    const first = await indexLedger(dir)
    expect(first).toEqual({ segments: 3, records: 9216, added: 9216 })
    expect(readdirSync(folder())).toHaveLength(3)
    expect(statSync(folder()).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder(), readdirSync(folder())[0] ?? '')).mode & 0o777).toBe(0o600)
    expect(await indexLedger(dir)).toEqual({ ...first, added: 0 })
  })

  it('is the same whether it was made at once or bit by bit', async () => {
    const whole = readFileSync(join(folder(), '0000000000000000.idx'))
    truncateSync(join(folder(), '0000000000000000.idx'), whole.length - 3 * 20_000)
    await indexLedger(dir)
    expect(readFileSync(join(folder(), '0000000000000000.idx')).equals(whole)).toBe(true)
    await indexLedger(dir, { rebuild: true })
    expect(readFileSync(join(folder(), '0000000000000000.idx')).equals(whole)).toBe(true)
  })

  it.each([0, 70, 9_000, 40_000, 80_000])(
    'is passed over where it is damaged, at byte %d',
    async (at) => {
      const path = join(folder(), '0000000000000000.idx')
      const whole = readFileSync(path)
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] ?? 0) ^ 1
      writeFileSync(path, damaged)
      const filter = { subject: [caller(5)] }
      expect(await found(filter)).toEqual(expected(filter))
      expect((await newestRecords(dir, filter, { countMax: 200 })).length).toBe(
        expected(filter).length,
      )
      writeFileSync(path, whole)
    },
  )

  it('of segments that are gone goes too', async () => {
    writeFileSync(join(folder(), '0000000000009999.idx'), 'x')
    await indexLedger(dir)
    expect(readdirSync(folder())).not.toContain('0000000000009999.idx')
  })

  it('is not relied on when the segment is of another history', async () => {
    const fork = newDirectory()
    const records = [...madeUpTrail(2_000)]
    writeTrail(records, { dir: fork, segmentRecords: 5_000 })
    await indexLedger(fork)
    rmSync(join(fork, 'seg'), { recursive: true })
    const renamed = records.map((one, at) =>
      at === 9 ? { ...one, fields: { ...one.fields, sub: caller(4711) } } : one,
    )
    writeTrail(renamed, { dir: fork, segmentRecords: 5_000 })
    const [hit, ...others] = await newestRecords(fork, { subject: [caller(4711)] }, { countMax: 9 })
    expect(hit?.record['seq']).toBe(9)
    expect(others).toEqual([])
    expect(await indexLedger(fork)).toMatchObject({ added: 3072 })
  })
})

describe('lines that are no records', () => {
  it('are told of, unless the last one is being written', async () => {
    const last = join(dir, 'seg', segmentNames(dir).at(-1) ?? '')
    const before = statSync(last).size
    appendFileSync(last, 'hello\n{"type":"decision","id":"late"}\n{"type":"deci')
    let unreadable = 0
    expect(await found({ id: ['late'] }, { onUnreadable: () => (unreadable += 1) })).toEqual([
      undefined,
    ])
    expect(unreadable).toBe(1)
    truncateSync(last, before)
  })
})
