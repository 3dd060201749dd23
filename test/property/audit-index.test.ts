/** Whatever records hold, an index finds what reading everything finds. */
import { afterAll, describe, expect, it } from '@jest/globals'
import { array, assert, asyncProperty, constantFrom, oneof, record as object } from 'fast-check'
import { findRecords, type RecordOpener } from '../../gateway/audit/read/find.ts'
import { indexLedger } from '../../gateway/audit/read/index-build.ts'
import type { RecordFilter } from '../../gateway/audit/read/terms.ts'
import type { LedgerRecord } from '../../gateway/domain/ports.ts'
import { newDirectory, removeDirectories } from '../support/audit-harness.ts'
import { TRAIL_START, writeTrail, type TimedRecord } from '../support/trail.ts'

afterAll(removeDirectories)

const SUBJECTS = ['user:corp/a', 'user:corp/b', 'user:corp/"\u2028', 'kid-of-a']
const MODELS = ['model:m', 'model:m@1', 'model:n@2', 'dataset:m', 'server:s']
/** Texts, texts that were cut, and what no gateway writes. */
const odd = (texts: readonly string[]) =>
  oneof(
    { weight: 6, arbitrary: constantFrom(...texts) },
    {
      weight: 1,
      arbitrary: constantFrom(undefined, null, 7, [...texts], { head: texts[0] ?? '' }),
    },
  )

const fields = object({
  id: odd(['1', '2', '3']),
  sub: odd(SUBJECTS),
  by: constantFrom(undefined, 'user:corp/a', ['user:corp/b']),
  effect: odd(['permit', 'deny']),
  reason: odd(['locked_out', 'expired']),
  ip: odd(['10.0.0.1', '::1']),
  lock: odd(['1', '2']),
  grant: odd(['g']),
  res: odd([...MODELS, 'model:k']),
  ver: constantFrom(undefined, '1', '2'),
  env: constantFrom(undefined, null, 'x', { grant: { id: 'g' } }, { grant: { id: 'h' } }),
  enc: constantFrom(
    undefined,
    undefined,
    [{ kid: 'kid-of-a' }],
    [{ kid: 'x' }, { kid: 'kid-of-a' }],
    'x',
  ),
  ops: oneof(
    constantFrom(undefined, 'cut', [], [{}], [null]),
    array(object({ act: odd(['infer', 'export']), res: odd(MODELS) }), { maxLength: 3 }),
  ),
})

const filters: readonly RecordFilter[] = [
  ...SUBJECTS.map((subject) => ({ subject: [subject] })),
  ...MODELS.map((resource) => ({ resource: [resource] })),
  { action: ['export'] },
  { effect: ['deny'], reason: ['locked_out', 'expired'] },
  { ip: ['::1'] },
  { ip: ['10.9.9.9'] },
  { id: ['2'], grant: ['g'] },
  { lock: ['1'] },
  { type: ['export'], since: TRAIL_START + 500, until: TRAIL_START + 900 },
]

/** Finds `user:corp/a`, and an address where there is none, in whatever is encrypted with its key. */
const opener: RecordOpener = {
  keyIdOf: (subject) => (subject === 'user:corp/a' ? 'kid-of-a' : undefined),
  record: ({ enc, ...rest }) =>
    JSON.stringify([enc]).includes('kid-of-a')
      ? { ...rest, sub: 'user:corp/a', ip: rest['ip'] ?? '10.9.9.9' }
      : { ...rest, enc },
}

async function seqs(dir: string, filter: RecordFilter, options: object): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { record } of findRecords(dir, filter, options)) found.push(record['seq'])
  return found
}

describe('an index', () => {
  it('leaves out nothing and adds nothing', async () => {
    const shapes = array(fields, { minLength: 90, maxLength: 120 })
    await assert(
      asyncProperty(shapes, async (some) => {
        const dir = newDirectory()
        const records = Array.from({ length: 1_100 }, (_, at): TimedRecord => {
          const type = ['decision', 'outcome', 'export'][at % 3] ?? ''
          const shape = some[(at * 31) % some.length] as LedgerRecord['fields']
          return { at: TRAIL_START + at, type, fields: shape }
        })
        writeTrail(records, { dir, segmentRecords: 1_060 })
        expect((await indexLedger(dir)).records).toBe(1_024)
        for (const filter of filters) {
          for (const keys of [{}, { opener }]) {
            const whole = await seqs(dir, filter, { ...keys, withoutIndex: true })
            expect(await seqs(dir, filter, keys)).toEqual(whole)
          }
        }
      }),
      { numRuns: 4, endOnFailure: true },
    )
  }, 60_000)
})
