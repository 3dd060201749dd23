/** Names that look like a tagged one, and documents that would take all day. */
import { describe, expect, it } from '@jest/globals'
import { editClasses } from '../../../gateway/pep/classes/class-edit.ts'
import { rulesOf, TOKENS, treat } from '../../support/classes.ts'

const SECRET = 'alice@example.org'

describe('a name that reads like a tagged one', () => {
  it.each([
    'email ',
    ' email',
    'e-mail',
    'email\u200b',
    '\ufeffemail',
    'ｅmail',
    'email\0',
    'EMAIL',
  ])('is that one: %j', (name) => {
    for (const field of ['email', '$..email', '$.email']) {
      expect(treat(JSON.stringify({ [name]: SECRET }), { [field]: 'mask' }).text).not.toContain(
        SECRET,
      )
    }
  })

  it('may have a table before it', () => {
    for (const name of ['users/email', 'users.email', 'users:email', 'users__email']) {
      const { text } = treat(JSON.stringify({ [name]: SECRET }), { email: 'mask' })
      expect(text).not.toContain(SECRET)
    }
  })

  it.each([
    { k: 'email', v: SECRET },
    { col: 'email', val: SECRET },
    { label: 'email', value: SECRET },
    { attribute: 'email', values: [SECRET] },
  ])('stands beside its value: %j', (pair) => {
    expect(treat(JSON.stringify({ list: [pair] }), { email: 'mask' }).text).not.toContain(SECRET)
  })

  it('leaves other names alone', () => {
    const text = JSON.stringify({ emails_sent: 3, 'e mai': 1, label: 'x', v: 2 })
    expect(treat(text, { email: 'mask' }).text).toBe(text)
  })
})

describe('many lists of names beside a large table', () => {
  const options = { tokens: TOKENS, onTreated: () => undefined, isPart: false }
  const withLists = (lists: number, rows: number): Buffer => {
    const named = Array.from({ length: lists }, (_, i) => [`a${i}`, ['email', 'x', 'y', 'z']])
    const data = Array.from({ length: rows }, () => [1, 2, 3])
    return Buffer.from(JSON.stringify({ ...(Object.fromEntries(named) as object), data }))
  }

  it('are refused before they take long', () => {
    expect(editClasses(withLists(2_000, 100_000), rulesOf({ email: 'mask' }), options)).toBe(
      undefined,
    )
  })

  it('are read when they are few', () => {
    const document = withLists(10, 1_000)
    expect(editClasses(document, rulesOf({ email: 'mask' }), options)).toBe(document)
  })
})
