import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { prepared, PreparedRecord } from '../../gateway/audit/line/prepared.ts'
import { serializeRecord, GENESIS_HASH, LINE_BYTES_MAX } from '../../gateway/audit/line/record.ts'
import { verifyChain } from '../support/verify-chain.ts'
import type { LogPosition } from '../../gateway/audit/line/chain.ts'
import type { LedgerValue } from '../../gateway/domain/ports.ts'
import { harness, NOON, note, removeDirectories, segmentNames } from '../support/audit-harness.ts'

afterAll(removeDirectories)

let dir = ''
let head: LogPosition

beforeAll(async () => {
  const log = harness()
  dir = log.dir
  const ledger = await log.open({ segmentBytesMax: 4000 })
  for (let i = 0; i < 48; i++) await ledger.append(note(`r${i}`), 'kernel')
  await ledger.close()
  head = ledger.head()
})

it('every changed byte of a log of 50 records is detected', async () => {
  expect(await verifyChain({ dir, anchors: [head] })).toMatchObject({ intact: true, records: 50 })
  const names = segmentNames(dir)
  const flip = fc.record({
    file: fc.constantFrom(...names),
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    mask: fc.integer({ min: 1, max: 255 }),
  })
  await fc.assert(
    fc.asyncProperty(flip, async ({ file, at, mask }) => {
      const path = join(dir, 'seg', file)
      const original = readFileSync(path)
      const changed = Buffer.from(original)
      const index = Math.floor(at * changed.length)
      changed.writeUInt8((original[index] ?? 0) ^ mask, index)
      writeFileSync(path, changed)
      try {
        const { intact, fault } = await verifyChain({ dir, anchors: [head] })
        expect(intact).toBe(false)
        expect(fault?.file).toBeDefined()
        // Without an anchor, only a change within the very last record can go unseen.
        const alone = await verifyChain({ dir })
        const isLastLine = file === names.at(-1) && index >= original.lastIndexOf('\n', -2)
        expect(alone.intact && !isLastLine).toBe(false)
      } finally {
        writeFileSync(path, original)
      }
    }),
    { numRuns: 250 },
  )
})

const value = fc.letrec<{ any: LedgerValue }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 5 }),
    fc.dictionary(fc.string({ unit: 'binary', maxLength: 20 }), tie('any'), { maxKeys: 5 }),
  ),
})).any

// Lone surrogates and whatever else UTF-16 allows.
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
  .map((codes) => String.fromCharCode(...codes))

const STAMP = {
  log: 'l',
  seq: 0,
  ts: new Date(NOON).toISOString(),
  monotonicMs: 0,
  boot: 'b',
  prev: GENESIS_HASH,
}

const line = (fields: Record<string, LedgerValue>) =>
  serializeRecord(STAMP, { type: 'decision', fields })

it('any content comes back from one physical line', () => {
  fc.assert(
    fc.property(value, units, fc.boolean(), (any, text, isLong) => {
      const pad = isLong ? { pad: ['p'.repeat(4000), 'q'.repeat(200)] } : {}
      const written = line({ any, text, ...pad })
      // What a terminal, a pager or a splitter of any kind could take for a new line or a command.
      expect(written).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
      expect(Buffer.byteLength(written)).toBeLessThanOrEqual(LINE_BYTES_MAX)
      const read = JSON.parse(Buffer.from(written).toString('utf8')) as Record<string, unknown>
      if (isLong && JSON.stringify(any).length > 3000) return
      expect(read).toMatchObject({ text })
      expect(JSON.stringify(read['any'])).toBe(JSON.stringify(any))
    }),
    { numRuns: 500 },
  )
})

it('a record that comes from another thread is the same line', () => {
  fc.assert(
    fc.property(value, units, fc.nat(9_000), fc.boolean(), (any, text, length, isList) => {
      const pad = isList ? Array.from({ length: length / 20 }, () => text) : 'p'.repeat(length)
      const fields = { any, text, pad, gone: undefined, number: NaN }
      const record = { type: 'decision', fields }
      const there = new PreparedRecord('decision', prepared(record))
      expect(serializeRecord(STAMP, there)).toBe(serializeRecord(STAMP, record))
    }),
    { numRuns: 500 },
  )
})

it('any length stays within the line limit and stays JSON', () => {
  const piece = fc.tuple(
    fc.constantFrom('a', '"', '\n', '\u2028', 'é', '🙂', '\ud800'),
    fc.nat(30_000),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const texts = pieces.map(([unit, count]) => unit.repeat(count))
      const fields = Object.fromEntries(texts.map((text, i) => [`k${i}`, i % 2 ? [text] : text]))
      const written = line(fields)
      expect(Buffer.byteLength(written)).toBeLessThanOrEqual(LINE_BYTES_MAX)
      expect(JSON.parse(written)).toMatchObject({ type: 'decision' })
    }),
    { numRuns: 60 },
  )
})
