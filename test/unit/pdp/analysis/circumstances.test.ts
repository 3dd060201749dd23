import { describe, expect, it } from '@jest/globals'
import { circumstancesOf, exampleOf } from '../../../../gateway/pdp/analysis/circumstances.ts'
import { ALWAYS, createDiagrams, NEVER } from '../../../../gateway/pdp/analysis/diagrams.ts'

const diagrams = createDiagrams()
const { and, or, not, test } = diagrams
const [a, b, c] = [0, 1, 2].map((variable) => test(variable, 'true')) as [number, number, number]
const textOf = (diagram: number) =>
  circumstancesOf(diagrams, diagram, (variable) => 'abc'[variable] ?? '').text

describe('diagrams', () => {
  it('are equal exactly when they mean the same', () => {
    expect(and(a, or(b, c))).toBe(or(and(a, b), and(a, c)))
    expect(not(and(a, b))).toBe(or(not(a), not(b)))
    expect(and(a, not(a))).toBe(NEVER)
    expect(or(a, not(a))).toBe(ALWAYS)
    // Not true is not yet false.
    expect(not(a)).not.toBe(test(0, 'false'))
  })

  it('refuse to grow past their bound', () => {
    const small = createDiagrams(16)
    const build = () =>
      Array.from({ length: 10 }, (_, i) => small.test(i, 'true')).reduce((x, y) => small.and(x, y))
    expect(build).toThrow(/Nothing was compared/)
  })
})

describe('circumstances', () => {
  it.each([
    [ALWAYS, 'always'],
    [NEVER, 'never'],
    [and(a, b), 'a & b'],
    [and(a, test(1, 'false')), 'a & !b'],
    [and(a, not(b)), 'a & b not met'],
    [test(0, 'unknown'), 'a unknown'],
    [test(0, 'true', 'false'), 'a known'],
    [not(test(0, 'false')), 'a not ruled out'],
    [or(and(a, b), and(a, not(b))), 'a'],
    [or(and(a, b), c), 'c | a & b'],
    [or(and(a, b), and(not(a), b)), 'b'],
  ])('%#: %s is %s', (diagram, text) => {
    expect(textOf(diagram)).toBe(text)
  })

  it('fall back to plain words when there are too many terms', () => {
    const wide = createDiagrams()
    const pairs = Array.from({ length: 7 }, (_, i) =>
      wide.or(wide.test(2 * i, 'true'), wide.test(2 * i + 1, 'true')),
    ).reduce((x, y) => wide.and(x, y))
    expect(circumstancesOf(wide, pairs, String, 'in many ways')).toEqual({ text: 'in many ways' })
  })

  it('come with an example', () => {
    const truths = exampleOf(diagrams, and(a, test(1, 'false')))
    expect(Object.fromEntries(truths)).toEqual({ 0: 'true', 1: 'false' })
  })
})
