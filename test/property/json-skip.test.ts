/** The quick ways over JSON agree with the slow ones, on good texts and on bad ones. */
import { Buffer } from 'node:buffer'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { compileFieldTree } from '../../gateway/classify/body/body-fields.ts'
import { JsonFieldScanner } from '../../gateway/classify/body/json-fields.ts'
import { containerEnd } from '../../gateway/classify/body/json-skip.ts'
import { numberEnd, stringEnd, wordEnd } from '../../gateway/classify/body/json-scan.ts'
import { hashOfFolded, hashOfKey } from '../../gateway/classify/body/seen-keys.ts'
import { foldFieldName } from '../../gateway/classify/names.ts'

const BITS = [
  ...'{}[]",:\\ \n'.split(''),
  ...['"a"', '"a":', '[1,', '{"b":', 'null', 'true', 'nul', '-1.5e+3', '01', '1.', '-', '2E5'],
  ...['"\\u00e9"', '"\\ud8', '"\\x"', '\u0001', '\u007f', 'é', '[]', '{}', ',,', '[[[[', ']]]]'],
]
const broken = fc.array(fc.constantFrom(...BITS), { maxLength: 14 }).map((bits) => bits.join(''))
const whole = fc.json({ maxDepth: 6 })
/** A good text of which one character is another. */
const mutated = fc.tuple(whole, fc.nat(), fc.constantFrom(...BITS)).map(([text, at, bit]) => {
  const cut = at % (text.length + 1)
  return text.slice(0, cut) + bit + text.slice(cut + 1)
})
const text = fc.oneof(whole, mutated, broken)

function parses(json: string): boolean {
  try {
    JSON.parse(json)
    return true
  } catch {
    return false
  }
}

/** Whether it is good, byte by byte: what is cut everywhere has no quick way. */
function isGoodInPieces(bytes: Buffer): boolean {
  const scanner = new JsonFieldScanner(compileFieldTree(['model']))
  return [...bytes].every((byte) => scanner.push(Buffer.of(byte))) && scanner.end()
}

describe('what is skipped in one loop', () => {
  it('is what a strict parser takes, to its last byte', () => {
    fc.assert(
      fc.property(text, fc.constantFrom('', ']', ',1', 'x'), (inner, behind) => {
        const json = `[${inner}]`
        const bytes = Buffer.from(json + behind)
        const end = containerEnd(bytes, 0, 64)
        if (parses(json)) expect(end).toBe(bytes.length - behind.length)
        else if (end !== -1) expect(parses(bytes.toString('utf8', 0, end))).toBe(true)
      }),
      { numRuns: 4000 },
    )
  })

  it('is refused and taken as in pieces of one byte', () => {
    const tree = compileFieldTree(['model'])
    fc.assert(
      fc.property(text, (inner) => {
        const bytes = Buffer.from(`{"other":${inner},"model":"m"}`)
        const scanner = new JsonFieldScanner(tree)
        expect(scanner.push(bytes) && scanner.end()).toBe(isGoodInPieces(bytes))
      }),
      { numRuns: 2000 },
    )
  })

  it.each([1, 2, 63, 64])('is no deeper than it may be: %d', (depth) => {
    const nested = (levels: number) => Buffer.from('['.repeat(levels) + ']'.repeat(levels))
    expect(containerEnd(nested(depth), 0, depth)).toBe(2 * depth)
    expect(containerEnd(nested(depth + 1), 0, depth)).toBe(-1)
    expect(containerEnd(nested(65), 0, 1000)).toBe(-1)
  })

  it.each([numberEnd, stringEnd, wordEnd])(
    'is, as a scalar, what a strict parser takes: %p',
    (end) => {
      fc.assert(
        fc.property(fc.oneof(text, fc.double().map(String)), (json) => {
          const bytes = Buffer.from(json)
          const at = end(bytes, 0)
          if (at !== -1) expect(parses(bytes.toString('utf8', 0, at))).toBe(true)
        }),
      )
    },
  )
})

describe('keys told apart by hashes', () => {
  const part = fc.constantFrom('a', 'B', 'b', '_', '-', 'k', '\u212a', 's', 'ſ', 'é', '\u007f', '.')
  const key = fc.array(part, { maxLength: 4 }).map((parts) => parts.join(''))

  it('have the hash of what they fold to', () => {
    fc.assert(
      fc.property(fc.oneof(key, fc.string()), (name) => {
        const written = JSON.stringify(name).slice(1, -1)
        const bytes = Buffer.from(written)
        const hash = hashOfKey(bytes, 0, bytes.length)
        if (hash !== -1) expect(hash).toBe(hashOfFolded(foldFieldName(name)))
      }),
      { numRuns: 2000 },
    )
  })

  it('are refused exactly when two fold alike, however they are written and cut', () => {
    const member = fc.tuple(key, fc.boolean())
    fc.assert(
      fc.property(fc.array(member, { maxLength: 50 }), fc.nat(600), (members, at) => {
        const bodies = members.map(
          ([name, isEscaped]) => `${isEscaped ? escaped(name) : JSON.stringify(name)}:0`,
        )
        const bytes = Buffer.from(`{${bodies.join(',')}}`)
        const scanner = new JsonFieldScanner(compileFieldTree(['wanted']))
        const pieces = [bytes.subarray(0, at), bytes.subarray(at)]
        const isGood = pieces.every((piece) => scanner.push(piece)) && scanner.end()
        const folded = new Set(members.map(([name]) => foldFieldName(name)))
        expect(isGood).toBe(folded.size === members.length)
      }),
      { numRuns: 1500 },
    )
  })

  it('of one hash are told apart as texts', () => {
    const twins = ['b!', 'a@'].map((name) => hashOfKey(Buffer.from(name), 0, 2))
    expect(twins[0]).toBe(twins[1])
    const isGood = (body: string) => {
      const scanner = new JsonFieldScanner(compileFieldTree(['model']))
      return scanner.push(Buffer.from(body)) && scanner.end()
    }
    expect(isGood('{"b!":1,"a@":2,"c":3}')).toBe(true)
    expect(isGood('{"b!":1,"a@":2,"B!":3}')).toBe(false)
    expect(isGood('{"b!":1,"a@":2,"A\\u0040":3}')).toBe(false)
  })

  it('are at most 1024 in one object', () => {
    const object = (count: number) =>
      Buffer.from(`{${Array.from({ length: count }, (_, at) => `"k${at}":1`).join(',')}}`)
    const isGood = (count: number) => {
      const scanner = new JsonFieldScanner(compileFieldTree(['model']))
      return scanner.push(object(count)) && scanner.end()
    }
    expect([1024, 1025].map(isGood)).toEqual([true, false])
  })
})

/** Every character as `\uXXXX`. */
function escaped(name: string): string {
  const units = Array.from({ length: name.length }, (_, at) => name.charCodeAt(at))
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`
}
