/** A list is filtered as by a parser and a writer, wherever it is cut, and leaves the rest alone. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { ListingShape } from '../../gateway/domain/watch.ts'
import { ListingText } from '../../gateway/egress/listing/listing-text.ts'

const SHAPE: ListingShape = {
  items: ['a', 'data'],
  read: (element) => {
    const { id } = (element ?? {}) as { id?: unknown }
    return typeof id === 'string' ? { kind: 'model', name: id } : undefined
  },
}

const isVisible = (element: unknown): boolean => {
  const resource = SHAPE.read(element)
  return resource !== undefined && resource.name.length % 2 === 0
}

function filter(pieces: readonly Buffer[]): string | undefined {
  const text = new ListingText([SHAPE], (_, element) => element !== undefined && isVisible(element))
  const out: Buffer[] = []
  for (const piece of pieces) {
    const left = text.push(piece)
    if (left === undefined) return undefined
    out.push(left)
  }
  const last = text.end()
  return last === undefined ? undefined : Buffer.concat([...out, last]).toString()
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, at) => bytes.subarray(from, places[at] ?? bytes.length))
}

const element = fc.oneof(
  fc.record({ id: fc.string({ unit: 'binary' }), more: fc.jsonValue({ maxDepth: 3 }) }),
  fc.jsonValue({ maxDepth: 2 }),
)
const answer = fc.record({
  before: fc.jsonValue({ maxDepth: 3 }),
  a: fc.record({ x: fc.jsonValue({ maxDepth: 2 }), data: fc.array(element, { maxLength: 12 }) }),
  total: fc.nat(),
})
const space = fc.constantFrom(undefined, ' ', '\t', 3)
const cuts = fc.array(fc.nat(), { maxLength: 6 })

interface Answer {
  readonly a: { readonly data: readonly unknown[] }
}

describe('a filtered list', () => {
  it('is what a parser, a filter and a writer would make of it', () => {
    fc.assert(
      fc.property(answer, space, cuts, (value, indent, places) => {
        const text = JSON.stringify(value, null, indent)
        const out = filter(cutAt(Buffer.from(text), places))
        // Values as a parser gives them, so that -0 and the like are compared as they are written.
        const read = JSON.parse(text) as Answer
        const data = read.a.data.filter(isVisible)
        expect(JSON.parse(out ?? '')).toEqual({ ...read, a: { ...read.a, data } })
        if (data.length === read.a.data.length) expect(out).toBe(text)
      }),
      { numRuns: 400 },
    )
  })

  it('never shows what may not be seen, whatever is done to the text', () => {
    const mutation = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) })
    const list =
      '{"a":{"data":[{"id":"ab"},{"id":"secret!"},{"id":"cd","n":[1,{"k":null}]}]},"t":1}'
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 3 }), cuts, (mutations, places) => {
        const bytes = Buffer.from(list)
        for (const { at, byte } of mutations) bytes[at % bytes.length] = byte
        const out = filter(cutAt(bytes, places))
        if (out === undefined) return
        const read = JSON.parse(bytes.toString()) as Partial<Answer>
        const data = (read.a?.data ?? []).filter(isVisible)
        const left = JSON.parse(out) as Partial<Answer>
        expect(left.a?.data ?? []).toEqual(data)
      }),
      { numRuns: 2_000 },
    )
  })
})
