/** Treatments of tagged fields, and what cannot hide a field from them. */
import { describe, expect, it } from '@jest/globals'
import { stricter } from '../../../gateway/domain/data-classes.ts'
import { TOKENS, treat, treated } from '../../support/classes.ts'

describe('a field that is tagged by a path', () => {
  it('is removed from objects, and is null in lists', () => {
    const fields = { '$..ssn': 'remove', '$.list[*]': 'remove' }
    const before = '{ "a": 1.50, "ssn": "x" , "b":{"ssn":1},"c":[{"ssn":[1,2]},2], "list":["x",2] }'
    const after = '{ "a": 1.50 , "b":{},"c":[{},2], "list":[null,null] }'
    expect(treat(before, fields).text).toBe(after)
    expect(treat('{"ssn":1,"a":2,"ssn":3,"ssn":4}', fields).text).toBe('{"a":2}')
  })

  it('is masked, keeping nothing', () => {
    const before = { a: 'x', b: 12, c: true, d: null, e: ['x', 1, [false]], f: { g: 'x' }, h: 'x' }
    const fields = Object.fromEntries('abcdef'.split('').map((name) => [`$.${name}`, 'mask']))
    const after = { a: '***', b: null, c: null, d: null, e: ['***', null, [null]], f: null, h: 'x' }
    expect(treated(before, fields)).toEqual(after)
  })

  it.each([
    ['year', '"1987-05-03"', '"1987"'],
    ['month', '"1987-05-03T10:00:00Z"', '"1987-05"'],
    ['year', '546998400', '536457600'],
    ['month', '546998400000', '546825600000'],
    ['year', '1987', '1987'],
    ['year', '41', 'null'],
    ['year', '"tomorrow"', '"***"'],
    ['decade', '47', '40'],
    ['decade', '"47"', '"40"'],
    ['decade', '-1.5', '-10'],
    ['hundred', '1.25e3', '1200'],
    ['thousand', '123456789012345678901234567', '123456789012345678901234000'],
    ['thousand', '1e400', 'null'],
    ['decade', 'true', 'null'],
    ['network', '"203.0.113.77"', '"203.0.113.0/24"'],
    ['network', '"2001:DB8:1:2::3"', '"2001:db8:1::/48"'],
    ['network', '"10.0.0.1:80"', '"***"'],
    ['initial', '"Ärger"', '"Ä…"'],
    ['initial', '"7 of 9"', '"***"'],
    ['initial', '""', '"***"'],
  ])('is generalised to its %s: %s becomes %s', (as, before, after) => {
    const { text } = treat(`{"v":${before}}`, { '$.v': `generalise:${as}` })
    expect(text).toBe(`{"v":${after}}`)
  })

  it('is tokenised so that every type comes back', () => {
    const values = ['a@b', '', 12.5, 1e300, false, { a: [1] }, '\ud800', 'naïve "x"']
    const out = treated(values, { '$[*]': 'tokenise' }) as string[]
    expect(out.every((token) => token.startsWith('mgt1.'))).toBe(true)
    const back = out.map((token) => {
      const value = TOKENS.reveal('dataset:d', token)
      return value?.kind === 'json' ? (JSON.parse(value.text) as unknown) : value?.text
    })
    expect(back).toEqual(values)
    expect(treated(values, { '$[*]': 'tokenise' })).toEqual(out)
  })

  it('is masked when it is too long for a token', () => {
    expect(treated({ a: 'x'.repeat(70_000) }, { '$.a': 'tokenise' })).toEqual({ a: '***' })
  })

  it('is not carried out within a token of a whole', () => {
    const fields = { '$.person': 'tokenise', '$..ssn': 'remove' }
    expect(treated({ person: { ssn: '1' } }, fields)).toEqual({ person: null })
    expect(treated({ person: [{ ssn: '1', a: 2 }] }, fields)).toEqual({ person: [null] })
  })

  it('is matched step by step', () => {
    const fields = { '$.rows[*].email': 'mask', "$['a b'].c": 'mask', '$..x[*]..y': 'mask' }
    const before = {
      email: 1,
      rows: [{ email: 1, r: { email: 1 } }],
      'a b': { c: 1 },
      x: { y: 1, z: [{ q: { y: 1 } }] },
    }
    const after = {
      email: 1,
      rows: [{ email: null, r: { email: 1 } }],
      'a b': { c: null },
      x: { y: 1, z: [{ q: { y: null } }] },
    }
    expect(treated(before, fields)).toEqual(after)
  })
})

describe('what does not hide a field', () => {
  it.each([
    ['an escape in its name', '{"em\\u0061il":"SECRET"}'],
    ['a second member of its name', '{"email":"x","email":"SECRET"}'],
    ['another spelling', '{"E_Mail":"SECRET","eMail":"SECRET"}'],
    ['a number beyond all numbers', '{"n":1e99999,"email":"SECRET"}'],
    ['white space', '{\n\t"email" \r\n: "SECRET" }'],
    ['a value before its name', '[{"value":"SECRET","name":"email"}]'],
    ['two names', '[{"name":"x","name":"email","value":"SECRET"}]'],
    ['depth', `${'[{"a":'.repeat(20)}{"email":"SECRET"}${'}]'.repeat(20)}`],
  ])('%s', (_, document) => {
    for (const path of ['email', '$..email']) {
      const isNamed = document.includes('name')
      const { text } = treat(document, { [path]: 'mask' })
      expect(text).toBeDefined()
      if (!isNamed || path === 'email') expect(text).not.toContain('SECRET')
    }
  })

  it.each([
    ['depth beyond the bound', `${'['.repeat(65)}"x"${']'.repeat(65)}`],
    ['a text that is cut', '{"email":"SECRET"'],
    ['two texts', '{"a":1}{"email":"SECRET"}'],
    ['a byte order mark', '\ufeff{"email":"SECRET"}'],
    ['more values than are read', `[${'0,'.repeat(2_000_001)}0]`],
  ])('is not read: %s', (_, document) => {
    expect(treat(document, { email: 'mask' }).text).toBeUndefined()
  })

  it('is not read: bytes that are not UTF-8', () => {
    expect(treat(Buffer.from('{"email":"\xff"}', 'latin1'), { email: 'mask' }).text).toBeUndefined()
  })
})

describe('two treatments of one class', () => {
  it.each([
    ['remove', 'mask', 'remove'],
    ['tokenise', 'generalise:year', 'tokenise'],
    ['pass', 'generalise:year', 'generalise:year'],
    ['generalise:month', 'generalise:year', 'generalise:year'],
    ['generalise:decade', 'generalise:thousand', 'generalise:thousand'],
    ['generalise:decade', 'generalise:initial', 'mask'],
  ] as const)('%s and %s are %s', (a, b, both) => {
    expect(stricter(a, b)).toBe(both)
    expect(stricter(b, a)).toBe(both)
  })
})
