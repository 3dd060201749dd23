import { describe, expect, it } from '@jest/globals'
import { RECORD_TYPES } from '../../../gateway/metrics/labels.ts'
import { knownTypes, schemaProblems } from '../../support/record-schema.ts'
import { ALL_KINDS, PERMIT, stored } from '../../support/stored-records.ts'

describe('the schema of records', () => {
  it.each(ALL_KINDS.map((record, at) => [`${String(record['type'])} ${at}`, record] as const))(
    'knows %s',
    (_name, record) => {
      expect(schemaProblems(record)).toEqual([])
    },
  )

  it.each([
    ['another version', { v: 2 }],
    ['a field nobody knows', { surprise: 1 }],
    ['an effect that is none', { effect: 'maybe' }],
    ['a hash that is none', { prev: 'x' }],
    ['a type nobody knows', { type: 'something.else' }],
    ['a local time', { ts: '2026-11-22T10:00:00.123+01:00' }],
  ])('refuses %s', (_what, fields) => {
    expect(schemaProblems({ ...PERMIT, ...fields })).not.toEqual([])
  })

  it('takes what the line format leaves of a record that is too long', () => {
    const omitted = { cut: 70_000, sha256: 'a'.repeat(64) }
    expect(schemaProblems(stored('decision', { omitted }))).toEqual([])
    const path = { head: '/v2', cut: 70_000, sha256: 'a'.repeat(64) }
    expect(schemaProblems({ ...PERMIT, path })).toEqual([])
  })

  it('takes a record that is encrypted', () => {
    const rest = Object.fromEntries(
      Object.entries(PERMIT).filter(([name]) => name !== 'sub' && name !== 'ip'),
    )
    const enc = [{ kid: 'A'.repeat(22), iv: 'A'.repeat(16), ct: 'AAAA' }]
    expect(schemaProblems({ ...rest, enc })).toEqual([])
  })

  it('knows every type once', () => {
    expect(new Set(knownTypes()).size).toBe(knownTypes().length)
  })

  it('knows the types that are counted by name, and no other', () => {
    expect([...knownTypes()].sort()).toEqual([...RECORD_TYPES].sort())
  })
})
