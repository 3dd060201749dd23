import { describe, expect, it } from '@jest/globals'
import { createNameClasses } from '../../../../gateway/pdp/analysis/name-classes.ts'

const witnesses = (globs: string[]) =>
  createNameClasses(globs)
    .classes.map(({ matches, witness }) => `${witness}: ${matches.map((i) => globs[i]).join(' ')}`)
    .sort()

describe('classes of names', () => {
  it('are told apart by the globs that match, with names that people recognise', () => {
    expect(witnesses(['*', 'fraud-*', 'fraud-detector'])).toEqual([
      'example: *',
      'fraud-detector: * fraud-* fraud-detector',
      'fraud-example: * fraud-*',
    ])
  })

  it('include overlaps that nobody wrote', () => {
    expect(witnesses(['fraud-*', '*-prod'])).toEqual([
      'example-prod: *-prod',
      'example: ',
      'fraud-example: fraud-*',
      'fraud-prod: fraud-* *-prod',
    ])
  })

  it('are one when there is no glob, and none is for the empty name', () => {
    const { classes, classOf } = createNameClasses([])
    expect(classes).toHaveLength(1)
    expect(classOf('')).toBeUndefined()
    expect(classOf('x'.repeat(512))).toBe(classes[0])
    expect(classOf('x'.repeat(513))).toBeUndefined()
  })

  it('leave out names longer than a name may be', () => {
    const long = `${'a'.repeat(250)}*`
    const { classes } = createNameClasses([long, `*${'b'.repeat(250)}`, `*${'c'.repeat(250)}*`])
    // Any two fit into 512 characters; all three at once would need 750.
    expect(classes.map(({ matches }) => matches.length).sort()).toEqual([0, 1, 1, 1, 2, 2, 2])
  })

  it('stay linear for prefixes and literals', () => {
    const globs = Array.from({ length: 500 }, (_, i) => `team-${i}-*`)
    expect(createNameClasses(globs).classes).toHaveLength(501)
  })

  it('say so when there are too many to count', () => {
    const globs = Array.from({ length: 30 }, (_, i) => `*a${i}b*`)
    const bounds = { statesMax: 5_000, placesMax: 1_000_000 }
    expect(() => createNameClasses(globs, ['x'], bounds)).toThrow(
      /30 patterns .* Nothing was compared/,
    )
  })
})
