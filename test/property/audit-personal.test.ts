import { afterAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { makeKeyOf, prepareKeys } from '../../gateway/audit/personal/key-files.ts'
import { createProtect } from '../../gateway/audit/personal/protect.ts'
import { createReveal } from '../../gateway/audit/personal/reveal.ts'
import type { PersonKey } from '../../gateway/audit/personal/sealed.ts'
import type { StoredRecord } from '../../gateway/audit/read/query.ts'
import { serializeRecord } from '../../gateway/audit/line/record.ts'
import type { LedgerValue } from '../../gateway/domain/ports.ts'
import { ocsfEventOf } from '../../gateway/audit/formats/ocsf.ts'
import { newDirectory, NOON, removeDirectories } from '../support/audit-harness.ts'
import { ocsfProblems } from '../support/published-schemas.ts'

afterAll(removeDirectories)

const person = fc.constantFrom('user:a/alice', 'user:a/bob', 'user:b/eve')
const word = fc.string({ maxLength: 12 })
const fields = fc.record(
  {
    id: word,
    sub: person,
    ip: fc.ipV4(),
    by: fc.oneof(person, word, fc.array(fc.oneof(person, word), { maxLength: 4 })),
    claims: fc.dictionary(fc.oneof(fc.constantFrom('email', 'name', 'ip'), word), word, {
      maxKeys: 4,
    }),
    env: fc.record(
      { mfa: fc.boolean(), approvals: fc.array(fc.record({ by: fc.oneof(person, word) })) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, LedgerValue>>

describe('what is personal in any record', () => {
  const dir = newDirectory()
  prepareKeys(dir, undefined)
  const known = new Map<string, PersonKey>()
  const keyOf = (one: string): PersonKey => {
    const key = known.get(one) ?? makeKeyOf(dir, one)
    known.set(one, key)
    return key
  }
  const protect = createProtect({ keyOf }, ['sub', 'email', 'name', 'ip'])
  const reveal = createReveal(dir)

  it('is not in the line, and comes back whole', () => {
    fc.assert(
      fc.property(fields, fc.nat(1_000_000), (given, seq) => {
        const place = { log: 'a/audit/b', seq, at: NOON }
        const stamp = {
          ...place,
          ts: '2026-11-22T10:00:00.000Z',
          monotonicMs: 1,
          boot: 'b',
          prev: '',
        }
        const line = serializeRecord(stamp, protect({ type: 'decision', fields: given }, place))
        expect(line).not.toMatch(/user:[ab]\//)
        const { ip } = given
        if (typeof ip === 'string') expect(line).not.toContain(ip)
        const record = JSON.parse(line) as StoredRecord
        const expected = JSON.parse(
          serializeRecord(stamp, { type: 'decision', fields: given }),
        ) as object
        expect(reveal.record(record)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })
})

describe('any record', () => {
  it('is a valid event of OCSF', () => {
    const record = fc.record(
      {
        type: fc.constantFrom('decision', 'outcome', 'export', 'incident', 'policy.changed', 'x'),
        seq: fc.oneof(fc.nat(), fc.jsonValue()),
        ts: fc.oneof(fc.constant('2026-11-22T10:00:00.000Z'), fc.jsonValue()),
        ...Object.fromEntries(
          ['id', 'sub', 'iss', 'ip', 'ops', 'claims', 'groups', 'env', 'reason', 'effect'].map(
            (name) => [name, fc.jsonValue({ maxDepth: 2 })],
          ),
        ),
        status: fc.oneof(fc.nat(600), fc.jsonValue()),
        ms: fc.jsonValue(),
        iat: fc.oneof(fc.nat(), fc.jsonValue()),
        res: fc.constantFrom('model:a@1', 'dataset:b', 'server:self', 'odd'),
      },
      { requiredKeys: ['type'] },
    )
    fc.assert(
      fc.property(record, (one) => {
        const event = ocsfEventOf(one, { version: '0.1.0', leafHash: '' })
        expect(ocsfProblems(event)).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
