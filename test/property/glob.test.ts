import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { globMatches } from '../../gateway/domain/glob.ts'

/** The definition, row by row: which prefixes of `text` each prefix of `glob` matches. */
function byDefinition(glob: string, text: string): boolean {
  let row = Array.from({ length: text.length + 1 }, (_, i) => i === 0)
  for (const sign of glob) {
    const next: boolean[] = []
    for (let i = 0; i <= text.length; i++) {
      const before = sign === '*' ? next[i - 1] === true : false
      next[i] =
        sign === '*'
          ? before || row[i] === true
          : i > 0 && row[i - 1] === true && text[i - 1] === sign
    }
    row = next
  }
  return row[text.length] === true
}

describe('a glob', () => {
  it('matches what its definition says', () => {
    let matches = 0
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 10 }),
        fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 }),
        (glob, text) => {
          const matched = globMatches(glob, text)
          matches += Number(matched)
          expect(matched).toBe(byDefinition(glob, text))
        },
      ),
      { numRuns: 20_000 },
    )
    expect(matches).toBeGreaterThan(500)
  })

  it('is anchored, case-sensitive, and reads nothing but the star', () => {
    expect(globMatches('*', '')).toBe(true)
    expect(globMatches('', '')).toBe(true)
    expect(globMatches('a*a', 'a')).toBe(false)
    expect(globMatches('A*', 'a')).toBe(false)
    expect(globMatches('a?[b]', 'a?[b]')).toBe(true)
    expect(globMatches('a.', 'ab')).toBe(false)
    expect(globMatches('*\n*', 'a\nb')).toBe(true)
  })
})
