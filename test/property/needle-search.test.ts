import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Carry } from '../../gateway/egress/scan/carry.ts'
import { weights } from '../../gateway/egress/scan/finding.ts'
import { compileNeedles, type Needle } from '../../gateway/egress/scan/needle-search.ts'

const NOTHING = Buffer.alloc(0)
const AROUND = { behind: 16, ahead: 64 }

/** Few different bytes, so that a needle is nearly there nearly everywhere. */
const letter = fc.constantFrom(0x00, 0x08, 0x28, 0x61, 0x69, 0x80, 0xff)
const bytes = (minLength: number, maxLength: number) =>
  fc.array(letter, { minLength, maxLength }).map((all) => Buffer.from(all))

/** The windows of binary bodies and of texts, and needles for them. */
const tables = fc.constantFrom(6, 14).chain((window) =>
  fc.record({
    window: fc.constant(window),
    needles: fc.array(bytes(window, window + 8), { minLength: 1, maxLength: 12 }),
  }),
)

/** A copy that begins at a place in memory which is no multiple of four but by chance. */
function aligned(data: Buffer, by: number): Buffer {
  const memory = Buffer.from(new ArrayBuffer(data.length + by))
  data.copy(memory, by)
  return memory.subarray(by)
}

const compiled = (needles: readonly Buffer[], window: number) =>
  compileNeedles(
    needles.map((needle, i): Needle => ({ finding: weights(String(i)), bytes: needle })),
    window,
  )

describe('the search for needles', () => {
  it('finds one where one is, and only there, however the bytes lie in memory', () => {
    const places = fc.record({
      by: fc.nat(7),
      from: fc.nat(40),
      filler: fc.constantFrom(0, 2300),
      isThere: fc.boolean(),
    })
    fc.assert(
      fc.property(tables, bytes(0, 120), bytes(0, 120), places, (table, head, tail, where) => {
        const { window, needles } = table
        const filler = Buffer.alloc(where.filler, 0x20)
        const planted = (where.isThere ? needles[0] : undefined) ?? NOTHING
        const data = aligned(Buffer.concat([head, filler, planted, tail]), where.by)
        const found = compiled(needles, window).search(data, where.from, data.length)
        const isThere = needles.some((needle) => data.includes(needle, where.from))
        if (isThere) {
          const needle = needles[Number(found?.found)]
          expect(needle !== undefined && data.includes(needle, where.from)).toBe(true)
        } else expect(found).toBeUndefined()
      }),
      { numRuns: 1500 },
    )
  })

  it('finds a needle at every offset of a long piece', () => {
    for (const window of [6, 14]) {
      const needle = Buffer.from('GGUF\x03\0\0\0behind'.slice(0, window), 'latin1')
      const table = compiled([needle], window)
      for (let by = 0; by < 4; by++) {
        const data = aligned(Buffer.alloc(2200 + by, 0x47), by)
        for (let at = 0; at + window <= data.length; at++) {
          needle.copy(data, at)
          // One comparison for each: an expectation for each would take most of the time.
          if (table.search(data, 0, data.length) === undefined) expect({ by, at }).toBe('found')
          if (table.search(data, at + 1, data.length) !== undefined) expect({ at }).toBe('none')
          data.fill(0x47, at, at + window)
        }
      }
    }
  })

  it('finds a needle over every split, and in pieces of any lengths', () => {
    const lengths = fc.array(fc.constantFrom(1, 2, 3, 7, 60, 500, 4097, 5003), { minLength: 1 })
    const before = fc.constantFrom(0, 1, 79, 80, 81, 4090, 4177, 9200)
    fc.assert(
      fc.property(tables, before, fc.nat(30), lengths, fc.boolean(), (...given) => {
        const [{ window, needles }, distance, more, pieces, isThere] = given
        const needle = (isThere ? needles[0] : needles[0]?.subarray(1)) ?? NOTHING
        const body = Buffer.concat([
          Buffer.alloc(distance + more, 1),
          needle,
          Buffer.alloc(5100, 2),
        ])
        const table = compiled(needles.slice(0, 1), window)
        const carry = new Carry((data, from, to) => table.search(data, from, to), AROUND)
        let isFound = false
        for (let at = 0, i = 0; at < body.length; i++) {
          const length = pieces[i % pieces.length] ?? 1
          isFound ||= carry.push(body.subarray(at, at + length)) !== undefined
          at += length
        }
        expect(isFound).toBe(isThere)
      }),
      { numRuns: 300 },
    )
  })

  it('finds a needle cut at any byte of it', () => {
    const needle = Buffer.from('"data_offsets":[', 'latin1')
    for (const window of [6, 14]) {
      const table = compiled([needle], window)
      const body = Buffer.concat([Buffer.alloc(4200, 0x22), needle, Buffer.alloc(4200, 0x22)])
      for (let cut = 4100; cut < 4320; cut++) {
        const carry = new Carry((data, from, to) => table.search(data, from, to), AROUND)
        const first = carry.push(body.subarray(0, cut))
        expect(first ?? carry.push(body.subarray(cut))).toEqual(weights('0'))
      }
    }
  })
})
