import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { globMatches } from '../../../gateway/domain/glob.ts'
import { createGlobIndex } from '../../../gateway/pdp/engine/glob-index.ts'
import { IntList } from '../../../gateway/pdp/engine/int-list.ts'

/** Finds the globs that match a text, in the order given. */
function finderOf(globs: readonly string[]): (text: string) => string[] {
  const index = createGlobIndex(new Map(globs.map((glob, i) => [glob, i])))
  const numbers = new IntList()
  return (text) => {
    numbers.clear()
    index.find(text, numbers)
    return [...numbers.sorted()].map((i) => globs[i] ?? '?')
  }
}

const found = (globs: readonly string[], text: string) => finderOf(globs)(text)

/** Enough others that the index does not compare all of them one by one. */
const FILLER = ['zq1', 'zq2-*', '*-zq3', '*zq4*', 'zq5*zq6', 'zq7@']

describe('an index of globs', () => {
  it('finds exact names, beginnings, ends and what is inside', () => {
    const globs = ['*', 'fraud', 'fraud-*', '*-eu', '*-lab-*', 'f*u', 'fraud-*-eu', ...FILLER]
    expect(found(globs, 'fraud')).toEqual(['*', 'fraud'])
    expect(found(globs, 'fraud-eu')).toEqual(['*', 'fraud-*', '*-eu', 'f*u'])
    expect(found(globs, 'fraud-lab-eu')).toEqual(
      globs.filter((glob) => globMatches(glob, 'fraud-lab-eu')),
    )
    expect(found(globs, '')).toEqual(['*'])
  })

  it('never counts a character twice', () => {
    const globs = ['ab*ba', 'a*a', '*ab*ab*', ...FILLER]
    expect(found(globs, 'aba')).toEqual(['a*a'])
    expect(found(globs, 'a')).toEqual([])
    expect(found(globs, 'xabab')).toEqual(['*ab*ab*'])
  })

  it('takes names of any characters and lengths', () => {
    const globs = ['a*', '*a', '*a*', 'é', ...FILLER]
    const long = `a${'\u{1f600}'.repeat(255)}a`
    expect(found(globs.slice(0, 3).concat(FILLER), long)).toEqual(['a*', '*a', '*a*'])
    expect(found(FILLER, '\u0000\uffff')).toEqual([])
  })

  it('agrees with the definition on random globs, few or many', () => {
    const part = fc.constantFrom('a', 'b', 'ab', 'ba', 'aab', 'bab', 'abab', '-', 'a-b')
    const glob = fc
      .array(fc.oneof({ weight: 2, arbitrary: part }, { weight: 1, arbitrary: fc.constant('*') }), {
        minLength: 1,
        maxLength: 7,
      })
      .map((parts) => parts.join('').replace(/\*+/g, '*'))
    const text = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(
        fc.uniqueArray(glob, { maxLength: 60, size: 'max' }),
        fc.array(text, { minLength: 1, maxLength: 20 }),
        (globs, texts) => {
          const find = finderOf(globs)
          for (const one of texts) {
            expect(find(one)).toEqual(globs.filter((g) => globMatches(g, one)))
          }
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('works in time that depends on the text alone: 20,000 globs add no steps', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => [
      `m${i}`,
      `t${i}-*`,
      `*-r${i}`,
      `*-l${i}-*`,
    ])
    const globs = many.flat()
    const index = createGlobIndex(new Map(globs.map((glob, i) => [glob, i])))
    const numbers = new IntList()
    let reads = 0
    const text = 't7-x-l19999-r3'
    const counted = {
      length: text.length,
      charCodeAt: (i: number) => (reads++, text.charCodeAt(i)),
      startsWith: (part: string) => text.startsWith(part),
      endsWith: (part: string) => text.endsWith(part),
      indexOf: (part: string, from: number) => text.indexOf(part, from),
    } as unknown as string
    index.find(counted, numbers)
    expect([...numbers.sorted()].map((i) => globs[i]).sort()).toEqual([
      '*-l19999-*',
      '*-r3',
      't7-*',
    ])
    // One pass each for the four ways, and a comparison of what is found.
    expect(reads).toBeLessThan(text.length * 8)
  })
})
