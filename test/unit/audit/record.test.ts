import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import {
  GENESIS_HASH,
  isLogOrigin,
  leafHash,
  LINE_BYTES_MAX,
  serializeRecord,
} from '../../../gateway/audit/line/record.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'

const STAMP = {
  log: 'gw-prod/audit/n1',
  seq: 1041,
  ts: '2026-11-21T19:48:11.123Z',
  monotonicMs: 81234.56789,
  boot: 'f4b1',
  prev: GENESIS_HASH,
}

const line = (fields: LedgerRecord['fields'], type = 'decision') =>
  serializeRecord(STAMP, { type, fields })

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('the line of a record', () => {
  it('has the envelope first, in one order, then the fields as given', () => {
    expect(line({ id: 'r1', why: null, n: 1.5, ok: true, none: undefined })).toBe(
      `{"v":1,"log":"gw-prod/audit/n1","seq":1041,"ts":"2026-11-21T19:48:11.123Z",` +
        `"mono":"81234567890","boot":"f4b1","prev":"${GENESIS_HASH}","type":"decision",` +
        `"id":"r1","why":null,"n":1.5,"ok":true}`,
    )
    expect(line({})).toMatch(/"type":"decision"}$/)
  })

  it('starts a log with the hash of nothing and links by RFC 6962 leaf hashes', () => {
    expect(GENESIS_HASH).toBe('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=')
    // The leaf hash of the empty string, from the reference roots of Certificate Transparency.
    const empty = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'
    expect(leafHash('')).toBe(Buffer.from(empty, 'hex').toString('base64'))
    expect(leafHash(Buffer.from('a→b'))).toBe(leafHash('a→b'))
  })

  it('keeps log injection on one physical line of plain characters', () => {
    const attack =
      'x\n{"seq":1}\r\u0000\u001b[31m\u007f\u0085\u009b\u2028\u2029\u202e\ufeff\ud800"\\\udfff'
    const text = line({ path: attack, [attack]: 'key' })
    expect(text).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(text)).toMatchObject({ path: attack, [attack]: 'key' })
    // The long form is as strict as the short one.
    const long = line({ path: attack, [attack]: 'key', pad: ['p'.repeat(4000), 'q'.repeat(500)] })
    expect(long).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(long)).toMatchObject({ path: attack, [attack]: 'key' })
  })

  it('keeps ordinary text of any language as it is', () => {
    expect(line({ name: 'Zoë 模型 🙂' })).toContain('"name":"Zoë 模型 🙂"')
  })

  it('cuts what is too long, keeping its length and hash', () => {
    const path = 'é'.repeat(500_000)
    const record = JSON.parse(line({ path, id: 'r1' })) as Record<string, unknown>
    expect(record).toMatchObject({
      path: { head: 'é'.repeat(4096), cut: 1_000_000, sha256: sha256(path) },
      id: 'r1',
    })
    const list = Array.from({ length: 5000 }, (_, i) => i)
    const cut = (JSON.parse(line({ list })) as { list: unknown[] }).list
    expect(cut).toHaveLength(257)
    expect(cut.at(-1)).toEqual({ left: 4744, sha256: sha256(list.slice(256).join(',')) })
  })

  it('never exceeds the line limit, whatever a record holds', () => {
    const hostile = '\u2028'.repeat(20_000)
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, hostile]))
    const text = line({ id: 'r1', groups: Array.from({ length: 300 }, () => hostile), ...many })
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(LINE_BYTES_MAX)
    expect(JSON.parse(text)).toMatchObject({ id: 'r1', omitted: { cut: expect.any(Number) } })
    const keys = line({
      [hostile]: { [hostile]: [[[[[[[[[[['deep']]]]]]]]]]] },
      big: 'b'.repeat(5e5),
    })
    expect(Buffer.byteLength(keys)).toBeLessThanOrEqual(LINE_BYTES_MAX)
    expect(keys).toContain('{"cut":"depth"}')
  })

  it('refuses types and field names that are its own', () => {
    expect(() => line({}, 'Decision"')).toThrow(/record type/)
    for (const name of ['seq', 'prev', 'type', 'omitted']) {
      expect(() => line({ [name]: 1 })).toThrow(/field name/)
      expect(() => line({ [name]: 'x'.repeat(5000) })).toThrow(/field name/)
    }
  })

  it('accepts only origins that need no escaping anywhere', () => {
    expect(isLogOrigin('gw.example.org/audit/n1')).toBe(true)
    for (const bad of ['', ' a', 'a b', 'a+b', 'a"b', 'ä', 'a'.repeat(201)]) {
      expect(isLogOrigin(bad)).toBe(false)
    }
  })
})
