import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { compileShape } from '../../../gateway/audit/verify/record-shape.ts'
import { schemaProblems } from '../../support/record-schema.ts'

const FILE = new URL('../../../docs/reference/record.schema.json', import.meta.url)
const check = compileShape(JSON.parse(readFileSync(FILE, 'utf8')) as object)

const HASH = `${'A'.repeat(43)}=`
const envelope = {
  ...{ v: 1, log: 'test/audit/n1', seq: 7, ts: '2026-11-21T12:00:00.000Z', mono: '1', boot: 'b' },
  prev: HASH,
}
const decision = { ...envelope, type: 'decision', id: 'r1', effect: 'permit' }
const operation = { act: 'infer', res: 'model:m', effect: 'permit' }

describe('what records must be like', () => {
  it.each([
    [decision],
    [{ ...decision, groups: ['ml', { head: 'x', cut: 9, sha256: 'a'.repeat(64) }], iat: 1.5 }],
    [{ ...decision, ops: [operation, { left: 2, sha256: 'a'.repeat(64) }], env: { mfa: true } }],
    [{ ...envelope, type: 'decision', omitted: { cut: 70_000, sha256: 'a'.repeat(64) } }],
    [{ ...envelope, type: 'log.closed', signed: { size: 64, end: 900 } }],
    [{ ...envelope, type: 'clock.step', ms: -4000 }],
  ])('are kept by %j', (record) => {
    expect(check(record)).toBeUndefined()
    expect(schemaProblems(record)).toEqual([])
  })

  it.each<[string, object, string]>([
    ['no id', { ...envelope, type: 'decision', effect: 'deny' }, ' has no id'],
    ['another effect', { ...decision, effect: 'perhaps' }, ' effect is none of those known'],
    ['a number for a text', { ...decision, path: 7 }, ' path is no string'],
    ['a text for a list', { ...decision, groups: 'ml' }, ' groups is no array'],
    [
      'a wrong operation',
      { ...decision, ops: [operation, { act: 'x' }] },
      ' ops item 1 has no res',
    ],
    ['a wrong circumstance', { ...decision, env: { mfa: 'yes' } }, ' env mfa is no boolean'],
    ['a time that is none', { ...decision, env: { now: 'then' } }, ' env now is no time'],
    ['a negative number', { ...decision, groups_left: -1 }, ' groups_left is too small'],
    ['an unknown type', { ...envelope, type: 'telepathy' }, ' type is none of those known'],
    ['another version', { ...decision, v: 2 }, ' v is not 1'],
    ['no beginning', { type: 'decision', id: 'r1', effect: 'deny' }, ' has no v'],
  ])('are broken by %s', (_, record, problem) => {
    expect(check(record)).toBe(problem)
    expect(schemaProblems(record)).not.toEqual([])
  })

  it('allow fields that came later', () => {
    expect(check({ ...decision, mood: 'good' })).toBeUndefined()
  })
})

describe('a schema that says more than is understood', () => {
  it.each([
    [{ properties: { a: { oneOf: [] } } }, 'the keyword oneOf is not known'],
    [{ type: 'date' }, 'the type date is not known'],
    [
      { if: { properties: { a: { const: 1 }, b: { const: 1 } } }, then: {} },
      'a condition is of one',
    ],
  ])('is refused: %j', (schema, message) => {
    expect(() => compileShape(schema)).toThrow(message)
  })
})
