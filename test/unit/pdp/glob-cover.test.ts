import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { globCovers, GlobIndex } from '../../../gateway/pdp/policy/glob-cover.ts'

/** What of `globs` covers `inner`, in the order in which it was offered. */
function offered(index: GlobIndex<string>, inner: string): string[] {
  const seen: string[] = []
  const accept = (value: string) => {
    seen.push(value)
    return false
  }
  index.find(inner, accept, () => true)
  return seen
}

function indexOf(globs: readonly string[]): GlobIndex<string> {
  const index = new GlobIndex<string>()
  for (const glob of globs) index.set(glob, glob)
  return index
}

describe('the index of globs that cover others', () => {
  const glob = fc
    .array(fc.constantFrom('a', 'b', 'ab', '*'), { minLength: 1, maxLength: 7 })
    .map((parts) => parts.join('').replace(/\*+/g, '*'))

  it('offers each that covers, and no other', () => {
    fc.assert(
      fc.property(fc.array(glob, { maxLength: 60 }), glob, (globs, inner) => {
        const covering = [...new Set(globs)].filter((outer) => globCovers(outer, inner))
        expect(offered(indexOf(globs), inner).sort()).toEqual(covering.sort())
      }),
      { numRuns: 500 },
    )
  })

  it('offers globs with the same ends in their order, also those added after a search', () => {
    const many = Array.from({ length: 40 }, (_, i) => `*-lab${i}-*`)
    const index = indexOf(many)
    expect(offered(index, 'x-lab31-lab7-y')).toEqual(['*-lab7-*', '*-lab31-*'])
    index.set('*-lab31-lab*', 'late')
    expect(offered(index, 'x-lab31-lab7-y')).toEqual(['*-lab7-*', '*-lab31-*', 'late'])
  })

  it('looks at few of many globs that are open at both ends', () => {
    const index = indexOf(Array.from({ length: 10_000 }, (_, i) => `*-lab${i}-*`))
    let steps = 0
    const step = () => ++steps < 100
    expect(index.find('x-lab9999-y', () => true, step)).toBe(true)
    expect(index.find('x-lab-y', () => true, step)).toBe(false)
    expect(steps).toBeLessThan(10)
  })
})
