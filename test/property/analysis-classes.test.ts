/** Classes of names and resources against brute force: each name in one, and like its witness. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { globMatches } from '../../gateway/domain/glob.ts'
import { createNameClasses } from '../../gateway/pdp/analysis/name-classes.ts'
import { createResourceClasses } from '../../gateway/pdp/analysis/resource-classes.ts'
import { coversResource, parseResourcePattern } from '../../gateway/pdp/policy/resource-pattern.ts'

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 300)

const glob = fc
  .array(fc.constantFrom('a', 'b', '-', '*'), { minLength: 1, maxLength: 6 })
  .map((characters) => characters.join('').replaceAll(/\*+/g, '*'))
const name = fc.string({
  unit: fc.constantFrom('a', 'b', '-', 'z', 'é', '*'),
  minLength: 1,
  maxLength: 9,
})

describe('classes of names', () => {
  it('hold every name exactly once, and it matches what its witness matches', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(glob, { maxLength: 6 }),
        fc.array(name, { minLength: 1, maxLength: 20 }),
        (globs, names) => {
          const { classes, classOf } = createNameClasses(globs)
          const matched = (text: string) =>
            globs.flatMap((one, i) => (globMatches(one, text) ? [i] : []))
          // No two classes match the same, so that a name has one place only.
          expect(new Set(classes.map(({ matches }) => matches.join())).size).toBe(classes.length)
          for (const { matches, witness, index } of classes) {
            expect(matched(witness)).toEqual(matches)
            expect(classOf(witness)?.index).toBe(index)
            expect(witness.length).toBeGreaterThan(0)
          }
          for (const text of names) expect(classOf(text)?.matches).toEqual(matched(text))
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('leave out none that a short name could be in', () => {
    const short = fc.sample(name, { numRuns: 400, seed: 7 })
    fc.assert(
      fc.property(fc.uniqueArray(glob, { maxLength: 5 }), (globs) => {
        const { classes } = createNameClasses(globs)
        const known = new Set(classes.map(({ matches }) => matches.join()))
        for (const text of short) {
          const matches = globs.flatMap((one, i) => (globMatches(one, text) ? [i] : []))
          expect(known.has(matches.join())).toBe(true)
        }
      }),
      { numRuns: Math.ceil(RUNS / 3) },
    )
  })
})

/** As an area of the control API is called. */
const inGate = (text: string): string => `gate:${text}`

const pattern = fc
  .record({
    kind: fc.constantFrom('model', 'model', 'dataset', 'server', '*'),
    name: fc.oneof(glob, glob.map(inGate)).filter((text) => !text.startsWith('.*')),
    version: fc.option(fc.constantFrom('1', '1*', '*', '2'), { nil: undefined }),
  })
  .map(({ kind, name: text, version }) => {
    const at = kind === 'model' && version !== undefined ? `@${version}` : ''
    const parsed = parseResourcePattern(kind === '*' ? '*' : `${kind}:${text}${at}`)
    if (!parsed.ok) throw new Error(parsed.message)
    return parsed.value
  })

describe('classes of resources', () => {
  it('are covered by what covers each of their members', () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 6 }),
        fc.record({
          kind: fc.constantFrom('model' as const, 'dataset' as const, 'server' as const),
          name: fc.oneof(name, name.map(inGate)),
          version: fc.option(fc.constantFrom('1', '12', '3', '*'), { nil: undefined }),
        }),
        (patterns, { kind, name: text, version }) => {
          const { classOf, classes } = createResourceClasses({ patterns, described: {} })
          const resource = {
            kind,
            name: text,
            ...(kind === 'model' && version !== undefined && { version }),
          }
          const found = classOf(resource)
          expect(found).toBeDefined()
          expect(classes[found?.index ?? -1]).toBe(found)
          for (const effect of ['allow', 'deny'] as const) {
            const covering = patterns.filter((one) => coversResource(one, resource, effect))
            expect([...(found?.coveredBy[effect] ?? [])].sort()).toEqual(
              [...new Set(covering.map((one) => one.text))].sort(),
            )
          }
        },
      ),
      { numRuns: RUNS },
    )
  })
})
