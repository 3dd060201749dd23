import { Buffer } from 'node:buffer'
import { describe, expect, it } from '@jest/globals'
import { readFormFields } from '../../../gateway/classify/body/multipart.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { formBody } from './support.ts'

const WANTED = new Map([['model', 'model']])
const TYPE = 'multipart/form-data; boundary=xx'

const read = (body: string, type?: string) => readBytes(Buffer.from(body, 'latin1'), type)

const readBytes = (body: Buffer, type: string = TYPE): Record<string, string> | string => {
  const found = readFormFields(body, type, WANTED)
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

  it.each([
    ['undici, and openai for JavaScript', 'Content-Disposition: form-data; name="model"'],
    [
      '.NET',
      'Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=model',
    ],
    [
      'Java',
      'Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain;charset=UTF-8\r\n' +
        'Content-Transfer-Encoding: 8bit\r\nContent-Length: 1',
    ],
  ])('are read as %s writes them', (_, head) => {
    expect(read(part(head))).toEqual({ model: 'a' })
  })

  it.each([
    ['browsers', 'Content-Disposition: form-data; name="file"; filename="a %22é.wav"'],
    ['curl before 7.81', 'Content-Disposition: form-data; name="file"; filename="C:/a.wav"'],
    [
      '.NET',
      "Content-Disposition: form-data; name=file; filename=a.wav; filename*=utf-8''%C3%A9.wav",
    ],
    [
      'Apache',
      'Content-Disposition: form-data; name="file"; filename="a"\r\nContent-Transfer-Encoding: binary',
    ],
  ])('stand beside files as %s writes them', (_, head) => {
    const body = `${formBody({ model: 'm' }, 'xx').slice(0, -8)}${part(head)}`
    expect(readBytes(Buffer.from(body))).toEqual({ model: 'm' })
  })

  it('may come with a charset of the whole form', () => {
    expect(read(formBody({ model: 'm' }, 'xx'), `${TYPE}; charset=UTF-8`)).toEqual({ model: 'm' })
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
    ['an extended file name', part('Content-Disposition: form-data; name="f"; filename*=x y')],
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
    ['a name in spaces', part('Content-Disposition: form-data; name=" model"')],
    ['a charset field', part('Content-Disposition: form-data; name="_charset_"', 'utf-7')],
    [
      'parts within',
      part('Content-Disposition: form-data; name="f"\r\nContent-Type: multipart/mixed; boundary=y'),
    ],
    [
      'a semicolon in quotes',
      part('Content-Disposition: form-data; name="f"; filename="a;name=model"'),
    ],
    [
      'a file name that is no extended one',
      part('Content-Disposition: form-data; name="f"; filename*=a b'),
    ],
    [
      'a value in another charset',
      part(
        'Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain; charset=utf-7',
      ),
    ],
    [
      'a value that is JSON',
      part('Content-Disposition: form-data; name="model"\r\nContent-Type: application/json', '"a"'),
    ],
    [
      'a value that is long',
      part('Content-Disposition: form-data; name="model"', 'a'.repeat(4_097)),
    ],
    ['a long head', part(`Content-Disposition: form-data; name="f"\r\nX: ${'a'.repeat(4_096)}`)],
    ['a boundary in a head', part('Content-Disposition: form-data; name="f"; filename="--xx"')],
    [
      'a control character in a head',
      part('Content-Disposition: form-data; name="f"\r\nX: a\x00b'),
    ],
    [
      'a transfer encoding',
      part('Content-Disposition: form-data; name="f"\r\nContent-Transfer-Encoding: base64'),
    ],
    ['a value that is not UTF-8', part('Content-Disposition: form-data; name="model"', '\xff')],
    [
      '257 parts',
      formBody(Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`f${i}`, ''])), 'xx'),
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
