import { describe, expect, it } from '@jest/globals'
import type { ListingShape } from '../../../gateway/domain/watch.ts'
import {
  ELEMENT_BYTES_MAX,
  ELEMENTS_MAX,
  ListingText,
} from '../../../gateway/egress/listing/listing-text.ts'

/** Elements that are a string, or have one under `id`. */
const shape = (items: string): ListingShape => ({
  items: items === '' ? [] : items.split('.'),
  read: (element) => {
    const name = typeof element === 'string' ? element : (element as { id?: unknown } | null)?.id
    return typeof name === 'string' ? { kind: 'model', name } : undefined
  },
})

interface Result {
  readonly out: string
  readonly isRefused: boolean
  readonly asked: readonly unknown[]
}

/** What leaves of `pieces` when everything whose name begins with `h` is hidden. */
function filter(pieces: readonly (string | Buffer)[], ...items: readonly string[]): Result {
  const asked: unknown[] = []
  const text = new ListingText(items.map(shape), (one, element) => {
    asked.push(element)
    const resource = element === undefined ? undefined : one.read(element)
    return resource?.name.startsWith('h') === false
  })
  let out = ''
  for (const piece of pieces) {
    const left = text.push(Buffer.from(piece))
    if (left === undefined) return { out, isRefused: true, asked }
    out += left.toString('latin1')
  }
  const last = text.end()
  out = Buffer.from(out + (last?.toString('latin1') ?? ''), 'latin1').toString()
  return { out, isRefused: last === undefined, asked }
}

const LIST =
  '{"object":"list", "data" : [ {"id":"a","n":1} , {"id":"h1"},{"id":"b"}\n] ,"total":3}\n'
const FILTERED = '{"object":"list", "data" : [ {"id":"a","n":1} ,{"id":"b"}\n] ,"total":3}\n'

describe('a list of which something is hidden', () => {
  it('loses the elements with their commas and nothing else', () => {
    expect(filter([LIST], 'data')).toMatchObject({ out: FILTERED, isRefused: false })
  })

  it('is the same wherever it is cut', () => {
    const bytes = Buffer.from(LIST.replace('"n":1', '"n":-1.5e3,"t":"é\\u00e9\\"]"'))
    const whole = filter([bytes], 'data').out
    for (let at = 1; at < bytes.length; at++) {
      expect(filter([bytes.subarray(0, at), bytes.subarray(at)], 'data').out).toBe(whole)
    }
    expect(
      filter(
        [...bytes].map((byte) => Buffer.of(byte)),
        'data',
      ).out,
    ).toBe(whole)
  })

  it.each([
    ['["a","h","b"]', '["a","b"]'],
    ['["h","b"]', '["b"]'],
    ['["a","h"]', '["a"]'],
    [' [ "h" , "h2" ] ', ' [] '],
    ['[ ]', '[ ]'],
    ['[]', '[]'],
    ['["h",[1,[2]],"b", 12 ,null,{"id":"c"}]', '["b",{"id":"c"}]'],
    ['[1,2e5,true , false]', '[]'],
    ['["a\\u0062","\\u0068"]', '["a\\u0062"]'],
    ['[{"id":"a","below":[{"id":"h"}]}]', '[{"id":"a","below":[{"id":"h"}]}]'],
  ])('is filtered where it is the whole answer: %s', (text, expected) => {
    expect(filter([text], '')).toMatchObject({ out: expected, isRefused: false })
    expect(filter(Array.from(text), '').out).toBe(expected)
  })

  it('is found deeper, and in several places', () => {
    const text = '{"x":[["h"]],"a":{"b":["h","c"],"data":["h"]},"data":[{"id":"h"}]}'
    expect(filter([text], 'a.b', 'data').out).toBe(
      '{"x":[["h"]],"a":{"b":["c"],"data":["h"]},"data":[]}',
    )
  })

  it('is left as it is, byte for byte, when all of it may be seen', () => {
    const text = '\t{"data" :[ {"id" : "a", "x":1e400,"x2":12345678901234567890 }\r\n, "b"\n ] }'
    expect(filter([text], 'data').out).toBe(text)
  })
})

describe('an element', () => {
  it('in which a key repeats is hidden: a client may read the other one', () => {
    const { out, asked } = filter(['[{"id":"a","i\\u0064":"h"},{"x":{"y":1,"y":2},"id":"b"}]'], '')
    expect(out).toBe('[]')
    expect(asked).toEqual([undefined, undefined])
    expect(filter(['[{"a":{"id":1},"id":"c"}]'], '').out).toBe('[{"a":{"id":1},"id":"c"}]')
  })

  it('may be as long as 1 MiB', () => {
    const long = (bytes: number) => `["${'a'.repeat(bytes - 2)}"]`
    expect(filter([long(ELEMENT_BYTES_MAX)], '').isRefused).toBe(false)
    expect(filter([long(ELEMENT_BYTES_MAX + 1)], '')).toMatchObject({ isRefused: true, out: '' })
    expect(filter([`[${' '.repeat(ELEMENT_BYTES_MAX)}"a"]`], '').isRefused).toBe(true)
  })

  it('is one of 10,000 at most', () => {
    const list = (count: number) => [`[${Array(count).fill('"a"').join(',')}]`]
    expect(filter(list(ELEMENTS_MAX), '').isRefused).toBe(false)
    expect(filter(list(ELEMENTS_MAX + 1), '').isRefused).toBe(true)
  })
})

describe('an answer without the array', () => {
  it.each(['{}', ' { } ', '{"total":0,"next":"","data":null,"e":[],"f":{}}', 'null', '', ' \n'])(
    'passes when it lists nothing: %j',
    (text) => {
      expect(filter([text], 'data')).toMatchObject({ out: text, isRefused: false })
      expect(filter(Array.from(text), 'data')).toMatchObject({ out: text, isRefused: false })
    },
  )

  it.each([
    '{"models":[{"id":"h"}]}',
    '{"models":{"h":"ready"}}',
    '{"x":{"data":["h"]}}',
    '{"a":{"b":[1]}}',
    `{"${'k'.repeat(70_000)}":1}`,
    `{"k":"${'v'.repeat(ELEMENT_BYTES_MAX)}"}`,
  ])('does not pass when something else may be a list: %#', (text) => {
    expect(filter([text], 'data')).toMatchObject({ out: '', isRefused: true })
  })

  it('passes as an object where the answer should be an array', () => {
    expect(filter(['{"error":"no"}'], '').out).toBe('{"error":"no"}')
    expect(filter(['{"error":["h"]}'], '').isRefused).toBe(true)
  })
})

describe('what is not as it should be does not pass', () => {
  it.each([
    ['an array for the answer', '["h"]'],
    ['a string for the answer', '"h"'],
    ['an object for the array', '{"data":{"h":1}}'],
    ['a string for the array', '{"data":"h"}'],
    ['a number for the array', '{"data":1}'],
    ['the key in another case', '{"Data":["h"]}'],
    ['the key again, escaped', '{"data":[],"d\\u0061ta":["h"]}'],
    ['the key again after null', '{"data":null,"data":["h"]}'],
    ['a key in another case later', '{"data":[],"DATA":["h"]}'],
    ['a key that a reader in C takes for it', '{"data":[],"data\\u0000x":["h"]}'],
    ['no JSON', 'h'],
    ['a byte order mark', '\ufeff{"data":["h"]}'],
    ['two texts', '{"data":[]}{"data":["h"]}'],
    ['a comma too many', '{"data":["a",]}'],
    ['a comma too early', '{"data":[,"h"]}'],
    ['a comma too few', '{"data":["a" "h"]}'],
    ['an open end', '{"data":["a"'],
    ['an open string', '{"data":["a'],
    ['a wrong end', '{"data":["a"}]'],
    ['a wrong number', '{"data":[01]}'],
    ['a wrong word', '{"data":[nul]}'],
    ['an unquoted key', '{data:["h"]}'],
    ['a control byte', '{"data":["a\n"]}'],
    ['an unknown escape', '{"data":["\\x"]}'],
    ['too deep an element', `{"data":[${'['.repeat(64)}${']'.repeat(64)}]}`],
  ])('%s', (_name, text) => {
    const { isRefused, out } = filter([text], 'data')
    expect(isRefused).toBe(true)
    expect(out).not.toContain('h')
    expect(filter(Array.from(text), 'data').isRefused).toBe(true)
  })

  it('a key that folds alike, as Go reads it', () => {
    expect(filter(['{"models":[],"model\u017f":["h"]}'], 'models').isRefused).toBe(true)
    expect(filter(['{"tasks":[],"tas\u212as":["h"]}'], 'tasks').isRefused).toBe(true)
  })

  it('what stands where a value must, and is none, with nothing behind it', () => {
    expect(filter(['{"data":["a",]hidden'], 'data')).toMatchObject({ out: '', isRefused: true })
  })

  it('bytes that are no UTF-8', () => {
    expect(filter([Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])], '').isRefused).toBe(true)
    expect(filter([Buffer.from([0x5b, 0x5d, 0x20, 0xc3])], '').isRefused).toBe(true)
  })
})
