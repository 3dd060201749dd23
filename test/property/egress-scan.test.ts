import { describe, expect, it } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { deflateRawSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { Inflate } from '../../gateway/egress/scan/inflate.ts'
import { DISGUISES } from '../support/artifacts/disguises.ts'
import { isStated, scan } from '../support/artifacts/found-table.ts'
import { TEXT_WEIGHTS, WEIGHTS } from '../support/artifacts/weights.ts'

const ALL = [...WEIGHTS, ...TEXT_WEIGHTS]
const pieces = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 8 })

describe('the scan of a body', () => {
  it('finds the same in whatever pieces it comes', () => {
    const disguise = fc.constantFrom(...DISGUISES)
    fc.assert(
      fc.property(disguise, fc.constantFrom(...ALL), pieces, (how, [format, artifact], lengths) => {
        fc.pre(isStated(format, how))
        expect(scan(how.dress(artifact), how.type, lengths).found).toBeDefined()
      }),
      { numRuns: 150 },
    )
  })

  it('finds nothing in random bytes, nor in their base64 and hexadecimal', () => {
    for (let round = 0; round < 40; round++) {
      const body = randomBytes(64 * 1024)
      expect(scan(body, 'application/x-tensors', [5000]).found).toBeUndefined()
      const text = JSON.stringify({ a: body.toString('base64'), b: body.toString('hex') })
      expect(scan(Buffer.from(text), 'application/json', [16_384]).found).toBeUndefined()
    }
  })

  it('finds nothing in any text', () => {
    const text = fc.string({ unit: 'binary', maxLength: 4000 })
    fc.assert(
      fc.property(text, pieces, (value, lengths) => {
        const body = Buffer.from(value.replaceAll('\0', ' '))
        expect(scan(body, 'text/plain', lengths).found).toBeUndefined()
      }),
      { numRuns: 200 },
    )
  })

  it('finds nothing in a gzip of random bytes or of text, in whatever pieces', () => {
    const data = fc.oneof(fc.uint8Array({ maxLength: 3000 }), fc.string({ maxLength: 3000 }))
    fc.assert(
      fc.property(data, pieces, (value, lengths) => {
        const body = gzipSync(typeof value === 'string' ? Buffer.from(value) : value)
        expect(scan(body, 'application/gzip', lengths).found).toBeUndefined()
      }),
      { numRuns: 150 },
    )
  })
})

describe('Inflate', () => {
  it('gives back what was deflated, and how much came behind it', () => {
    const data = fc.oneof(
      fc.uint8Array({ maxLength: 80_000 }).map((value) => Buffer.from(value)),
      fc.string({ maxLength: 200 }).map((value) => Buffer.from(value.repeat(500))),
    )
    const options = fc.record({
      level: fc.integer({ min: 0, max: 9 }),
      strategy: fc.constantFrom(0, 4),
    })
    fc.assert(
      fc.property(data, options, fc.integer({ min: 1, max: 5000 }), (value, how, step) => {
        const body = Buffer.concat([deflateRawSync(value, how), Buffer.from('behind')])
        const out: Buffer[] = []
        const inflate = new Inflate((bytes) => out.push(bytes))
        let rest = 0
        for (let at = 0; at < body.length && !inflate.isDone; at += step) {
          const piece = body.subarray(at, at + step)
          rest = inflate.push(piece) + body.length - at - piece.length
        }
        expect(inflate.isBad).toBe(false)
        expect(Buffer.concat(out).equals(value)).toBe(true)
        expect(rest).toBe(6)
      }),
      { numRuns: 60 },
    )
  })

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (value) => {
        new Inflate(() => undefined).push(Buffer.from(value))
      }),
    )
  })
})
