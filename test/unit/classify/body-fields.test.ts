import { Buffer } from 'node:buffer'
import { describe, expect, it } from '@jest/globals'
import { compileFieldTree } from '../../../gateway/classify/body/body-fields.ts'
import { readJsonFields } from '../../../gateway/classify/body/json-fields.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'

const read = (text: string | Buffer, ...paths: string[]): Record<string, unknown> | string => {
  const found = readJsonFields(Buffer.from(text), compileFieldTree(paths))
  return isRefusal(found) ? found.reason : Object.fromEntries(found)
}
const text = (value: string): { kind: string; text: string } => ({ kind: 'string', text: value })

describe('fields of a JSON body', () => {
  it('are found wherever they stand', () => {
    expect(read('{"messages":[{"model":"no"}],"model":"m"}', 'model')).toEqual({ model: text('m') })
    expect(read(' {"a":{"b":"x","c":1},"d":[1,[2]]} ', 'a.b', 'a.c', 'a')).toEqual({
      a: { kind: 'other' },
      'a.b': text('x'),
      'a.c': { kind: 'number', text: '1' },
    })
  })

  it('are unescaped, and null is absent', () => {
    expect(read('{"\\u006dodel":"a\\u002fb\\n"}', 'model')).toEqual({ model: text('a/b\n') })
    expect(read('{"model":null,"x":true}', 'model')).toEqual({})
    expect(read('{"model":["m"]}', 'model')).toEqual({ model: { kind: 'other' } })
    expect(read(`{"model":"${'m'.repeat(5000)}"}`, 'model')).toEqual({ model: { kind: 'other' } })
  })

  it('below the top are not watched unless wanted', () => {
    expect(read('{"x":{"model":1,"model":2},"model":"m"}', 'model')).toEqual({ model: text('m') })
    expect(read('{"a":{"b":1,"B":2}}', 'a.b')).toBe('body_unparsable')
  })

  it('may be called like properties of objects', () => {
    expect(read('{"__proto__":{"model":"x"},"constructor":1}', 'model')).toEqual({})
  })
})

describe('a body that two readers could take differently is refused', () => {
  it.each([
    ['a repeated key', '{"model":"a","model":"b"}'],
    ['a repeated key that is not wanted', '{"x":1,"model":"a","x":2}'],
    ['a twin in another case', '{"model":"a","Model":"b"}'],
    ['another case alone', '{"Model":"a"}'],
    ['a twin under escapes', '{"model":"a","\\u006dodel":"b"}'],
    ['a twin in capitals under escapes', '{"\\u004dODEL":"b"}'],
    ['an underscore twin', '{"run_id":"a","runId":"b"}'],
    ['a camel-case twin alone', '{"runId":"b"}'],
    ['a long s', '{"\u017fource":"b"}'],
    ['NUL in a key', '{"model\\u0000":"b"}'],
    ['a byte order mark', '\uFEFF{"model":"a"}'],
    ['trailing garbage', '{"model":"a"}x'],
    ['two documents', '{"model":"a"}\n{"model":"b"}'],
    ['an array', '[{"model":"a"}]'],
    ['a string that holds JSON', '"{\\"model\\":\\"a\\"}"'],
    ['a comment', '{"model":"a"/**/}'],
    ['single quotes', "{'model':'a'}"],
    ['a trailing comma', '{"model":"a",}'],
    ['a missing comma', '{"model":"a" "x":1}'],
    ['NaN', '{"x":NaN}'],
    ['Infinity', '{"x":-Infinity}'],
    ['a leading zero', '{"x":01}'],
    ['a bare point', '{"x":1.}'],
    ['a control byte in a string', '{"x":"a\nb"}'],
    ['an unknown escape', '{"x":"\\x41"}'],
    ['a short escape', '{"x":"\\u00g0"}'],
    ['a cut body', '{"model":"a"'],
    ['a cut string', '{"model":"a'],
    ['a cut word', '{"x":tru'],
    ['nothing', ''],
    ['65 levels', `${'{"x":'.repeat(65)}1${'}'.repeat(65)}`],
    ['65 levels of arrays', `{"x":${'['.repeat(64)}${']'.repeat(64)}}`],
    ['1025 keys', `{${Array.from({ length: 1025 }, (_, i) => `"k${i}":1`).join(',')}}`],
    ['a key of 600 bytes', `{"${'k'.repeat(600)}":1}`],
  ])('%s', (_name, body) => {
    expect(read(body, 'model', 'run_id', 'source')).toBe('body_unparsable')
  })

  it('UTF-16 and broken UTF-8', () => {
    expect(read(Buffer.from('{"model":"a"}', 'utf16le'), 'model')).toBe('body_unparsable')
    const broken = Buffer.concat([Buffer.from('{"model":"a'), Buffer.of(0xff), Buffer.from('"}')])
    expect(read(broken, 'model')).toBe('body_unparsable')
  })
})
