import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { loadDocument } from '../../../gateway/settings/document.ts'
import { places } from './support.ts'

const schema = z.strictObject({
  name: z.string(),
  list: z.array(z.strictObject({ retries: z.int() })).optional(),
})

function diagnose(text: string): ReturnType<typeof places> {
  const result = loadDocument({ file: 'f.yaml', text }, schema)
  return result.ok ? [] : places(result.diagnostics)
}

describe('an operator file', () => {
  it('names an unknown key, where it is, and what was meant', () => {
    const text = 'name: a\nlist:\n  - retries: 1\n    retires: 2\n'
    const result = loadDocument({ file: 'f.yaml', text }, schema)
    expect(result).toMatchObject({
      ok: false,
      diagnostics: [
        {
          file: 'f.yaml',
          line: 4,
          column: 5,
          code: 'unknown-key',
          message: 'unknown key `retires` in list.0',
          remedy: 'Did you mean `retries`?',
        },
      ],
    })
  })

  it.each([
    [
      'a key of another form, spelt right',
      'store: { kind: redis, dir: x }\n',
      ['unknown key `dir` in store: Remove it here, or use one of: kind, url.'],
    ],
    [
      'a form that does not exist',
      'store: { kind: embeded }\n',
      [
        "store.kind: Invalid discriminator value. Expected 'embedded' | 'redis': Use one of: embedded, redis.",
      ],
    ],
    [
      'a key inside one entry that could also be a list',
      'budget: { bytes: { day: 1, second: 2 } }\n',
      ['unknown key `second` in budget.bytes: Remove it, or use one of: day.'],
    ],
  ])('says what to do about %s', (_, text, expected) => {
    const day = z.strictObject({ day: z.int() })
    const budget = z.strictObject({ bytes: day.optional() })
    const forms = z.strictObject({
      store: z
        .discriminatedUnion('kind', [
          z.strictObject({ kind: z.literal('embedded'), dir: z.string().optional() }),
          z.strictObject({ kind: z.literal('redis'), url: z.string().optional() }),
        ])
        .optional(),
      budget: z.union([budget, z.array(budget)]).optional(),
    })
    const result = loadDocument({ file: 'f.yaml', text }, forms)
    const said = result.ok ? [] : result.diagnostics
    expect(said.map(({ message, remedy }) => `${message}: ${remedy}`)).toEqual(expected)
  })

  it('lists the known keys when nothing is close', () => {
    const result = loadDocument({ file: 'f.yaml', text: 'name: a\nzzzzzzzz: 1\n' }, schema)
    expect(result.ok ? '' : result.diagnostics[0]?.remedy).toBe(
      'Remove it, or use one of: name, list.',
    )
  })

  it.each([
    ['duplicate keys', 'name: a\nname: b\n', ['2:1 duplicate-key']],
    ['a missing key', 'list: []\n', ['1:1 missing-key']],
    ['a wrong type', 'name: 5\n', ['1:7 invalid-value']],
    ['an empty file', '', ['1:1 invalid-value']],
    ['a tag of its own', 'name: !secret a\n', ['1:7 tag-resolve-failed']],
    ['two documents', 'name: a\n---\nname: b\n', ['2:1 multiple-docs']],
    ['an alias without anchor', 'name: *x\n', ['1:1 alias-invalid']],
    ['a key JavaScript knows', 'name: a\n__proto__: {}\n', ['2:1 unknown-key']],
  ])('refuses %s', (_, text, expected) => {
    expect(diagnose(text)).toEqual(expected)
  })

  it('refuses aliases that multiply', () => {
    const row = (name: string, of: string): string =>
      `${name}: &${name} [${Array.from({ length: 9 }, () => `*${of}`).join(', ')}]\n`
    const text = `a: &a [x, x]\n${row('b', 'a')}${row('c', 'b')}${row('d', 'c')}${row('e', 'd')}`
    expect(diagnose(text)).toEqual(['1:1 alias-invalid'])
  })

  it('survives nesting past the stack', () => {
    expect(diagnose(`name: ${'['.repeat(100_000)}`)).not.toEqual([])
  })

  it('refuses a file past its bound', () => {
    expect(diagnose(`name: ${'a'.repeat(9 * 1024 * 1024)}`)).toEqual(['1:1 file-too-large'])
  })
})
