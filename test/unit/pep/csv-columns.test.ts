import { describe, expect, it } from '@jest/globals'
import { frameCsv } from '../../../gateway/pep/classes/csv-columns.ts'
import { rulesOf, TOKENS } from '../../support/classes.ts'

/** What becomes of a text that comes in pieces of `size` bytes. */
function treat(
  text: string,
  fields: Readonly<Record<string, string>>,
  size = 7,
  hasHeader = false,
) {
  const { columns } = rulesOf(fields)
  if (columns === undefined) return undefined
  const framing = frameCsv({ columns, hasHeader, tokens: TOKENS, onTreated: () => undefined })
  const bytes = Buffer.from(text)
  const out: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) {
    const left = framing.push(bytes.subarray(at, at + size))
    if (left === undefined) return undefined
    out.push(left)
  }
  const last = framing.end()
  return last === undefined ? undefined : Buffer.concat([...out, last]).toString()
}

const MASK = { email: 'mask' }

describe('a column of a CSV text', () => {
  it('is treated row by row, wherever the text is cut', () => {
    const before = 'id,"E-Mail",note\r\n1,a@b,"x, ""y""\n"\r\n2,,z\r\n3,"c,d@e",'
    const after = 'id,"E-Mail",note\r\n1,***,"x, ""y""\n"\r\n2,,z\r\n3,***,'
    for (let size = 1; size <= before.length; size++) {
      expect(treat(before, MASK, size)).toBe(after)
    }
  })

  it('is found by the last name of a path', () => {
    expect(treat('id,email\n1,a\n', { '$.rows[*].email': 'mask' })).toBe('id,email\n1,***\n')
    expect(treat('id,email\n1,a\n', { '$..id': 'remove', email: 'generalise:initial' })).toBe(
      'id,email\n,a…\n',
    )
    expect(treat('id,email\n', { '$[*]': 'mask' })).toBeUndefined()
  })

  it.each([
    ['rows of another length', 'id,email\n1,a,b\n'],
    ['a quote within a field', 'id,email\n1,a"b\n'],
    ['text after a quote', 'id,email\n1,"a"b\n'],
    ['a quote that is not closed', 'id,email\n1,"a\n'],
    ['a lone CR', 'id,email\n1,a\r2,b\n'],
    ['NUL', 'id,email\n1,"a\0"\n'],
    ['another delimiter', 'id;email\n1;a\n'],
    ['tabs', 'id\temail\n1\ta\n'],
    ['a comment', '# a comment\nid,email\n1,a\n'],
    ['a second table', 'id,email\n1,a\n\nemail,id\nb,2\n'],
    ['no header', '1,a@b\n2,c@d\n'],
  ])('is not read: %s', (_, text) => {
    expect(treat(text, MASK)).toBeUndefined()
  })

  it('may be missing where there is a header for sure', () => {
    expect(treat('id,note\n1,a\n', MASK, 7, true)).toBe('id,note\n1,a\n')
  })
})
