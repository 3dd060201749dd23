import { describe, expect, it } from '@jest/globals'
import type { Truth } from '../../../gateway/domain/access.ts'
import {
  blamesIn,
  evaluate,
  expressionText,
  parseExpression,
  type Expression,
} from '../../../gateway/pdp/policy/expression.ts'
import { and, not, or } from '../../../gateway/pdp/policy/truth.ts'

function parsed(text: string): Expression {
  const result = parseExpression(text)
  if (!result.ok) throw new Error(result.problem.message)
  return result.value
}

const TRUTHS: Record<string, Truth> = { t: 'true', f: 'false', u: 'unknown' }
const truthOf = (name: string): Truth => TRUTHS[name.charAt(0)] ?? 'unknown'

describe('three-valued logic', () => {
  it.each<[Truth, Truth, Truth, Truth]>([
    ['true', 'true', 'true', 'true'],
    ['true', 'false', 'false', 'true'],
    ['true', 'unknown', 'unknown', 'true'],
    ['false', 'true', 'false', 'true'],
    ['false', 'false', 'false', 'false'],
    ['false', 'unknown', 'false', 'unknown'],
    ['unknown', 'true', 'unknown', 'true'],
    ['unknown', 'false', 'false', 'unknown'],
    ['unknown', 'unknown', 'unknown', 'unknown'],
  ])('%s with %s is %s for and, %s for or', (a, b, both, either) => {
    expect(and(a, b)).toBe(both)
    expect(or(a, b)).toBe(either)
    expect(not(and(a, b))).toBe(or(not(a), not(b)))
  })

  it('keeps what is unknown unknown when it is negated', () => {
    expect([not('true'), not('false'), not('unknown')]).toEqual(['false', 'true', 'unknown'])
  })
})

describe('the when column', () => {
  it.each([
    ['t', 'true'],
    ['!t & f | t', 'true'],
    ['!(t & f | t)', 'false'],
    ['t | f & f', 'true'],
    ['(t | f) & f', 'false'],
    ['!!u', 'unknown'],
    ['u & f', 'false'],
    ['u | t', 'true'],
    ['!u & t', 'unknown'],
    ['t-1&!f-2', 'true'],
  ])('%s is %s', (text, truth) => {
    expect(evaluate(parsed(text), truthOf)).toBe(truth)
  })

  it.each([
    ['a&b|c', 'a & b | c'],
    ['(a|b)&c', '(a | b) & c'],
    ['!(a&b)', '!(a & b)'],
    ['((a))', 'a'],
    ['!(a)', '!a'],
  ])('%s has one spelling: %s', (text, canonical) => {
    expect(expressionText(parsed(text))).toBe(canonical)
    expect(expressionText(parsed(canonical))).toBe(canonical)
  })

  it.each([
    ['', 0],
    ['a &', 3],
    ['a b', 2],
    ['& a', 0],
    ['a || b', 3],
    ['(a', 2],
    ['a)', 1],
    ['()', 1],
    ['Office', 0],
    ['a and b', 2],
    ['a.b', 1],
    ['a == b', 2],
    ['eval(p)', 4],
    ['!'.repeat(40) + 'a', 17],
    ['('.repeat(40) + 'a' + ')'.repeat(40), 17],
    [Array.from({ length: 90 }, () => 'a').join('&'), 128],
  ])('%s is refused at offset %i', (text, offset) => {
    const result = parseExpression(text)
    expect(result.ok ? undefined : result.problem.offset).toBe(offset)
  })

  it('blames what keeps it from being true, through negations', () => {
    expect(blamesIn(parsed('t & f & u'), truthOf)).toEqual([
      { name: 'f', negated: false, truth: 'false' },
      { name: 'u', negated: false, truth: 'unknown' },
    ])
    expect(blamesIn(parsed('!(t | f)'), truthOf)).toEqual([
      { name: 't', negated: true, truth: 'false' },
    ])
    expect(blamesIn(parsed('f | u | f'), truthOf).map((b) => b.name)).toEqual(['f', 'u'])
    expect(blamesIn(parsed('t | f'), truthOf)).toEqual([])
  })
})
