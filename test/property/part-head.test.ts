/** The head of a part as most write it is read as any other. */
import { Buffer } from 'node:buffer'
import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import { readAnyHead, readPartHead } from '../../gateway/classify/body/part-head.ts'

const BITS = [
  ...['Content-Disposition: ', 'content-disposition:', 'form-data; ', 'form-data', 'name=', '"'],
  ...[
    'model',
    '_charset_',
    ' ',
    ';',
    '%41',
    '\\',
    '\r\n',
    '\n',
    '\0',
    '*',
    '[a]',
    'é',
    'filename=x',
  ],
  'Content-Disposition: form-data; name="',
  'CONTENT-DISPOSITION: Form-Data; Name="',
]
const head = fc
  .array(fc.constantFrom(...BITS), { maxLength: 8 })
  .chain((bits) =>
    fc.constantFrom(bits.join(''), `Content-Disposition: form-data; name="${bits.join('')}"`),
  )

it('says the same, whichever way it is read', () => {
  fc.assert(
    fc.property(head, (text) => {
      expect(readPartHead(Buffer.from(text))).toEqual(readAnyHead(text))
    }),
    { numRuns: 5000 },
  )
})

it.each(['model', '_charset_', 'a.b-c[0]', '', 'a%41', ' a'])('of a field called %j', (name) => {
  const text = `content-disposition: form-data; name="${name}"`
  expect(readPartHead(Buffer.from(text))).toEqual(readAnyHead(text))
})
