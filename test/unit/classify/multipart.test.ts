import { Buffer } from 'node:buffer'
import { describe, expect, it } from '@jest/globals'
import { readFormFields } from '../../../gateway/classify/body/multipart.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { formBody } from './support.ts'

const WANTED = new Map([['model', 'model']])
const TYPE = 'multipart/form-data; boundary=xx'

const read = (body: string, type: string = TYPE): Record<string, string> | string => {
  const found = readFormFields(Buffer.from(body, 'latin1'), type, WANTED)
  return isRefusal(found) ? found.reason : Object.fromEntries(found)
}
const part = (head: string, value = 'a'): string => `--xx\r\n${head}\r\n\r\n${value}\r\n--xx--\r\n`
const file = '--xx\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'

describe('fields of a form', () => {
  it('are found before and after a file', () => {
    const model = formBody({ model: 'whisper' }, 'xx')
    expect(read(`${file}\x00\xff\r\n${model}`)).toEqual({ model: 'whisper' })
    expect(read(`${model.slice(0, -8)}${file}\x00\xff\r\n--xx--`)).toEqual({ model: 'whisper' })
    expect(read(model, 'Multipart/Form-Data;boundary="xx"')).toEqual({ model: 'whisper' })
  })

  it('may be missing', () => {
    expect(read(formBody({ language: 'en' }, 'xx'))).toEqual({})
  })
})

describe('a form that two readers could take differently is refused', () => {
  it.each([
    [
      'two models',
      `${formBody({ model: 'a' }, 'xx').slice(0, -8)}${formBody({ model: 'b' }, 'xx')}`,
    ],
    ['a twin in another case', formBody({ model: 'a', Model: 'b' }, 'xx')],
    ['a model that is a file', part('Content-Disposition: form-data; name="model"; filename="x"')],
  ])('%s', (_name, body) => {
    expect(read(body)).toBe('model_conflict')
  })

  it.each([
    ['a preamble', `x\r\n${formBody({ model: 'a' }, 'xx')}`],
    ['an epilogue', `${formBody({ model: 'a' }, 'xx')}x`],
    ['no end', '--xx\r\nContent-Disposition: form-data; name="model"\r\n\r\na'],
    ['no parts', '--xx--\r\n'],
    ['bare line feeds', '--xx\nContent-Disposition: form-data; name="model"\n\na\n--xx--\n'],
    ['a boundary inside a line', part('Content-Disposition: form-data; name="f"', 'a--xx')],
    ['a boundary after a line feed', part('Content-Disposition: form-data; name="f"', 'a\n--xx')],
    ['a longer boundary', part('Content-Disposition: form-data; name="f"', 'a\r\n--xxy')],
    ['white space after the boundary', formBody({ model: 'a' }, 'xx').replace('xx\r', 'xx \r')],
    ['no name', part('Content-Disposition: form-data')],
    ['no disposition', part('Content-Type: text/plain')],
    ['an extended name', part("Content-Disposition: form-data; name*=utf-8''model")],
    ['an extended file name', part('Content-Disposition: form-data; name="f"; filename*=x')],
    ['two names', part('Content-Disposition: form-data; name="f"; name="model"')],
    ['an escaped quote', part('Content-Disposition: form-data; name="f\\"; name=\\"model"')],
    ['an encoded name', part('Content-Disposition: form-data; name="%6dodel"')],
    [
      'two dispositions',
      part(
        'Content-Disposition: form-data; name="f"\r\ncontent-disposition: form-data; name="model"',
      ),
    ],
    ['a folded header', part('Content-Disposition: form-data;\r\n name="model"')],
    ['a space before the colon', part('Content-Disposition : form-data; name="model"')],
    [
      'a transfer encoding',
      part('Content-Disposition: form-data; name="f"\r\nContent-Transfer-Encoding: base64'),
    ],
    ['a value that is not UTF-8', part('Content-Disposition: form-data; name="model"', '\xff')],
    [
      '65 parts',
      formBody(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`f${i}`, ''])), 'xx'),
    ],
  ])('%s', (_name, body) => {
    expect(read(body)).toBe('body_unparsable')
  })

  it.each([
    'application/json',
    'multipart/mixed; boundary=xx',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=xx; boundary=yy',
    'multipart/form-data; boundary=xx; charset=utf-7',
    'multipart/form-data; boundary="x\\x"',
    'multipart/form-data; boundary="a;b"',
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
  ])('%s', (type) => {
    expect(read(formBody({ model: 'a' }, 'xx'), type)).toBe('body_encoding')
  })
})
