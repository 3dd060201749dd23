/** Whatever a body is, limits change what they are about, and not one byte more. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isRefusal } from '../../gateway/domain/refusal.ts'
import { PARAMETERS } from '../../gateway/domain/parameters.ts'
import { dutiesOf } from '../../gateway/pep/obligations/duties.ts'
import { applyEdits, editsOf } from '../../gateway/pep/obligations/json-edit.ts'
import { limitBody } from '../../gateway/pep/obligations/limited-body.ts'
import { createRedaction } from '../../gateway/pep/obligations/redact-document.ts'
import { PERMIT } from '../support/pipeline.ts'

const MAX = 100

const duties = (() => {
  const source = 'limits.yaml:1'
  const obligations = [
    { type: 'parameter.cap', parameters: { parameter: 'max_tokens', max: MAX }, source },
    { type: 'parameter.strip', parameters: { parameter: 'logprobs' }, source },
  ]
  const resource = { kind: 'model', name: 'm' } as const
  const found = dutiesOf([{ action: 'infer', resource, decision: { ...PERMIT, obligations } }])
  if ('source' in found) throw new Error('an obligation is not understood')
  return found.parameters
})()

const capped = PARAMETERS.max_tokens.spellings.map(({ name }) => name)
const stripped = PARAMETERS.logprobs.spellings.map(({ name }) => name)
const neutral = ['model', 'messages', 'seed', 'a"b', 'é', 'x']

const value = fc.jsonValue({ maxDepth: 3, noUnicodeString: false })
const field = fc.oneof(
  fc.tuple(fc.constantFrom(...capped), fc.integer({ min: -5, max: 10_000 })),
  fc.tuple(fc.constantFrom(...stripped), value),
  fc.tuple(fc.constantFrom(...neutral), value),
)
const fields = fc.uniqueArray(field, { selector: ([key]) => key, maxLength: 8 })
const space = fc.constantFrom('', ' ', '\n\t', '\r\n ')

/** A JSON text with white space between all its tokens at the top. */
const body = fc.tuple(fields, fc.option(fields), space).map(([top, below, gap]) => {
  const texts = top.map(([key, one]) => `${JSON.stringify(key)}${gap}:${gap}${JSON.stringify(one)}`)
  if (below !== null) {
    texts.push(`"parameters":${gap}${JSON.stringify(Object.fromEntries(below), null, 1)}`)
  }
  return `${gap}{${gap}${texts.join(`${gap},${gap}`)}${gap}}${gap}`
})

/** What limits make of an object, done the plain way. */
function limitedPlainly(value: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(value).filter(([key]) => !stripped.includes(key as never))
  const limited = kept.map(([key, one]) => {
    if (key === 'parameters') return [key, limitedPlainly(one as Record<string, unknown>)]
    const isOver = capped.includes(key) && ((one as number) < 1 || (one as number) > MAX)
    return [key, isOver ? MAX : one]
  })
  return Object.fromEntries(limited) as Record<string, unknown>
}

describe('limitBody', () => {
  it('gives the document that was sent, limited', () => {
    fc.assert(
      fc.property(body, (text) => {
        const limited = limitBody(Buffer.from(text), { duties, addAt: ['max_tokens'] })
        if (isRefusal(limited)) throw new Error(limited.detail)
        const expected = limitedPlainly(JSON.parse(text) as Record<string, unknown>)
        const found: unknown = JSON.parse(limited.bytes.toString())
        expect(found).toEqual(expected)
        expect(Object.keys(found as object)).toEqual(Object.keys(expected))
      }),
      { numRuns: 2_000 },
    )
  })

  it('leaves every byte alone where there is nothing to limit', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...neutral), value), space, (object, gap) => {
        const bytes = Buffer.from(`${gap}${JSON.stringify(object, null, 2)}${gap}`)
        const limited = limitBody(bytes, { duties, addAt: ['max_tokens'] })
        expect(isRefusal(limited) ? limited.reason : limited.bytes).toBe(bytes)
      }),
    )
  })

  it('takes nothing that is not JSON, and never throws', () => {
    const noise = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '1', 'max_tokens', '\\', ' '))
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(noise, (text) => {
        const limited = limitBody(Buffer.from(text), { duties, addAt: ['max_tokens'] })
        if (isRefusal(limited)) return
        expect(() => JSON.parse(text) as unknown).not.toThrow()
        expect(() => JSON.parse(limited.bytes.toString()) as unknown).not.toThrow()
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('editsOf', () => {
  it('is right about what is JSON', () => {
    fc.assert(
      fc.property(value, (one) => {
        const bytes = Buffer.from(JSON.stringify(one))
        expect(applyEdits(bytes, editsOf(bytes, { strict: false }) ?? [])).toBe(bytes)
      }),
    )
  })
})

describe('redaction', () => {
  it('removes the fields, and tensors of their names, at any depth and nothing else', () => {
    const redact = createRedaction(['secret'])
    const key = fc.constantFrom('secret', 'Secret', 'outputs', 'name', 'a')
    const isTensor = (one: unknown): boolean =>
      typeof one === 'object' && one !== null && 'name' in one && one.name === 'secret'
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(1, 'secret', null, true),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
      ),
    }))
    const plainly = (one: unknown): unknown => {
      if (Array.isArray(one)) return one.map(plainly)
      if (typeof one !== 'object' || one === null) return one
      const kept = Object.entries(one).filter(([name]) => name.toLowerCase() !== 'secret')
      return Object.fromEntries(
        kept.map(([name, below]) => {
          const isList = name === 'outputs' && Array.isArray(below)
          return [name, plainly(isList ? below.filter((each) => !isTensor(each)) : below)]
        }),
      )
    }
    fc.assert(
      fc.property(tree, fc.constantFrom(0, 1), (one, indent) => {
        const bytes = Buffer.from(JSON.stringify(one, null, indent))
        expect(JSON.parse(redact(bytes)?.toString() ?? '')).toEqual(plainly(one))
      }),
      { numRuns: 2_000 },
    )
  })
})
