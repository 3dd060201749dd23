import { Buffer } from 'node:buffer'
import { describe, expect, it } from '@jest/globals'
import type { CompiledPack } from '../../../gateway/classify/pack/compiled-pack.ts'
import { loadPacks } from '../../../gateway/classify/pack/pack-loader.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { classify, outcome } from './support.ts'

const PACK = `pack: mine
profile: { decodes_path: true }
routes:
  - { methods: [POST], path: /chat, action: infer, model: [{ body: model }] }
  - { methods: [POST], path: /versioned, action: infer, model: [{ body: model }], version: [{ body: version }] }
  - { methods: [POST], path: /either, action: infer, model: [{ body: model }, { body: name }] }
  - { methods: [POST], path: /all, action: infer, model: [{ body: model }, { body: name }], required: all }
  - { methods: [POST], path: /batch, action: infer, model: [{ body: model }, { body: 'items[].model' }], combine: each }
  - { methods: [POST], path: /load, when: [{ body: prompt, empty: true }], action: deploy, model: [{ body: model }] }
  - { methods: [POST], path: /load, action: infer, model: [{ body: model }] }
  - { methods: [POST], path: /audio, body: multipart, action: infer, model: [{ form: model }] }
  - { methods: [POST], path: /form, body: form, action: infer, model: [{ form: model }] }
  - { methods: [POST], path: /lines, body: ndjson, action: infer, model: [{ body: model }], combine: each }
  - { methods: [POST], path: /same-lines, body: ndjson, action: infer, model: [{ body: model }] }
`

const loaded = loadPacks([{ file: 'mine.yaml', text: PACK }])
const mine: CompiledPack | undefined = loaded.ok ? loaded.value.get('mine') : undefined

const PEEK = 200
const PAD = 'x'.repeat(300)

/** The outcome; for a body past the peek, what came of the rest as well. */
async function ask(
  path: string,
  body: string,
  contentType = 'application/json',
  peekBytesMax = PEEK,
) {
  if (mine === undefined) throw new Error(JSON.stringify(loaded))
  const raw = Buffer.from(body)
  const said = await classify(mine, `POST ${path}`, { raw, contentType, peekBytesMax })
  if (isRefusal(said))
    return said.detail === undefined ? said.reason : `${said.reason}: ${said.detail}`
  const { watch } = said
  const asked = [outcome(said)].flat()
  if (watch === undefined) return asked
  const rest: string[] = []
  for (let at = 0; at < raw.length; at += 50) {
    const found = watch.push(raw.subarray(at, at + 50))
    if (isRefusal(found)) return [...asked, found.reason]
    if (Array.isArray(found))
      rest.push(...[outcome({ ...said, operations: found as never })].flat())
  }
  const end = watch.end()
  return [...asked, ...rest, isRefusal(end) ? end.reason : 'good']
}

describe('a JSON body longer than is held', () => {
  it.each([
    ['with the field in front', '/chat', `{"model":"m","x":"${PAD}"}`, ['infer model:m', 'good']],
    [
      'that breaks the grammar',
      '/chat',
      `{"model":"m","x":"${PAD}"]`,
      ['infer model:m', 'body_unparsable'],
    ],
    ['that is cut', '/chat', `{"model":"m","x":"${PAD}`, ['infer model:m', 'body_unparsable']],
    [
      'with the key twice',
      '/chat',
      `{"model":"m","x":"${PAD}","model":"m"}`,
      ['infer model:m', 'body_unparsable'],
    ],
    [
      'with a twin',
      '/chat',
      `{"model":"m","x":"${PAD}","Model":"n"}`,
      ['infer model:m', 'body_unparsable'],
    ],
    [
      'with an escaped twin',
      '/chat',
      `{"model":"m","x":"${PAD}","\\u006dodel":"n"}`,
      ['infer model:m', 'body_unparsable'],
    ],
    [
      'with more behind',
      '/chat',
      `{"model":"m","x":"${PAD}"}{"model":"n"}`,
      ['infer model:m', 'body_unparsable'],
    ],
    [
      'with another field late',
      '/versioned',
      `{"model":"m","x":"${PAD}","version":"2"}`,
      ['infer model:m', 'body_over_peek'],
    ],
    [
      'with both fields in front',
      '/versioned',
      `{"model":"m","version":"2","x":"${PAD}"}`,
      ['infer model:m@2', 'good'],
    ],
    [
      'with null late',
      '/versioned',
      `{"model":"m","x":"${PAD}","version":null}`,
      ['infer model:m', 'good'],
    ],
    [
      'with another name late',
      '/either',
      `{"model":"m","x":"${PAD}","name":"n"}`,
      ['infer model:m', 'body_over_peek'],
    ],
    [
      'with a list late',
      '/batch',
      `{"model":"m","x":"${PAD}","items":[{"model":"n"}]}`,
      ['infer model:m', 'body_over_peek'],
    ],
    [
      'with a list late, of nothing',
      '/batch',
      `{"model":"m","x":"${PAD}","items":[{}]}`,
      ['infer model:m', 'body_over_peek'],
    ],
    [
      'with a list in front',
      '/batch',
      `{"items":[{"model":"n"}],"x":"${PAD}"}`,
      ['infer model:n', 'good'],
    ],
    ['whose test is settled', '/load', `{"model":"m","prompt":"${PAD}"}`, 'body_over_peek: '],
    [
      'whose test is settled by null',
      '/load',
      `{"model":"m","prompt":null,"x":"${PAD}"}`,
      ['deploy model:m', 'good'],
    ],
    [
      'whose test is settled by a list',
      '/load',
      `{"model":"m","prompt":[1,"${PAD}"]}`,
      ['infer model:m', 'good'],
    ],
    ['whose test is open', '/load', `{"model":"m","x":"${PAD}","prompt":"p"}`, 'body_over_peek: '],
    ['with the field behind', '/chat', `{"x":"${PAD}","model":"m"}`, 'body_over_peek: '],
    ['with one of two behind', '/all', `{"model":"m","x":"${PAD}","name":"m"}`, 'body_over_peek: '],
    [
      'cut in the field',
      '/chat',
      `{"x":"${'x'.repeat(PEEK - 20)}","model":"${'m'.repeat(40)}"}`,
      'body_over_peek: ',
    ],
    [
      'cut in a list',
      '/batch',
      `{"model":"m","items":[{"model":"m","x":"${PAD}"}]}`,
      'body_over_peek: ',
    ],
  ])('%s', async (_, path, body, expected) => {
    const said = await ask(path, body)
    if (typeof expected !== 'string') expect(said).toEqual(expected)
    else {
      expect(String(said)).toContain(expected)
      expect(String(said)).toContain('limits.peek_bytes')
    }
  })

  it('says which field is missing', async () => {
    expect(await ask('/chat', `{"x":"${PAD}","model":"m"}`)).toContain('the field model is not in')
    expect(await ask('/load', `{"model":"m","x":"${PAD}","prompt":"p"}`)).toContain(
      'the field prompt',
    )
  })

  it('is settled by a text that is longer than names are', async () => {
    const body = `{"model":"m","prompt":"${'p'.repeat(9_000)}"}`
    expect(await ask('/load', body, 'application/json', 5_000)).toEqual(['infer model:m', 'good'])
  })
})

describe('a form longer than is held', () => {
  const part = (name: string, value: string, more = '') =>
    `--xx\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`
  const multipart = 'multipart/form-data; boundary=xx'
  const file = part('file', PAD, '; filename="a.wav"')

  it.each([
    [
      'with the field before the file',
      `${part('model', 'm')}${file}--xx--\r\n`,
      ['infer model:m', 'good'],
    ],
    [
      'with the field twice',
      `${part('model', 'm')}${file}${part('model', 'm')}--xx--`,
      ['infer model:m', 'model_conflict'],
    ],
    [
      'with a twin',
      `${part('model', 'm')}${file}${part('MODEL', 'm')}--xx--`,
      ['infer model:m', 'model_conflict'],
    ],
    ['without an end', `${part('model', 'm')}${file}`, ['infer model:m', 'body_unparsable']],
    [
      'with a boundary in a line',
      `${part('model', 'm')}${part('file', `${PAD}--xx`)}--xx--`,
      ['infer model:m', 'body_unparsable'],
    ],
    [
      'with more behind',
      `${part('model', 'm')}${file}--xx--\r\nx`,
      ['infer model:m', 'body_unparsable'],
    ],
  ])('%s', async (_, body, expected) => {
    expect(await ask('/audio', body, multipart)).toEqual(expected)
    expect(await ask('/form', body, multipart)).toEqual(expected)
  })

  it('with the field behind the file is refused, and told where to put it', async () => {
    const said = await ask('/audio', `${file}${part('model', 'm')}--xx--\r\n`, multipart)
    expect(said).toContain('body_over_peek: ')
    expect(said).toContain('the field model is not in the part that is held')
  })

  it('urlencoded', async () => {
    const type = 'application/x-www-form-urlencoded'
    expect(await ask('/form', `model=m&x=${PAD}`, type)).toEqual(['infer model:m', 'good'])
    expect(await ask('/form', `model=m&x=${PAD}&model=m`, type)).toEqual([
      'infer model:m',
      'model_conflict',
    ])
    expect(await ask('/form', `model=m&x=${PAD}&x=;`, type)).toEqual([
      'infer model:m',
      'body_unparsable',
    ])
    expect(await ask('/form', `x=${PAD}&model=m`, type)).toContain('body_over_peek')
    expect(await ask('/audio', `model=m&x=${PAD}`, type)).toBe('body_encoding')
  })
})

describe('lines longer than are held', () => {
  const type = 'application/x-ndjson'
  const first = `{"model":"m"}\n{"model":"m","x":"${PAD}"}\n`

  it.each([
    [
      '/lines',
      `${first}{"model":"n"}\n\r\n{"model":"n"}`,
      ['infer model:m', 'infer model:n', 'good'],
    ],
    ['/same-lines', `${first}{"model":"m"}\n`, ['infer model:m', 'good']],
    ['/same-lines', `${first}{"model":"n"}\n`, ['infer model:m', 'model_conflict']],
    ['/lines', `${first}{}\n`, ['infer model:m', 'model_missing']],
    ['/lines', `${first}[]\n`, ['infer model:m', 'body_unparsable']],
    ['/lines', `${first}{"model":\n"n"}`, ['infer model:m', 'body_unparsable']],
  ])('%s %#', async (path, body, expected) => {
    expect(await ask(path, body, type)).toEqual(expected)
  })

  it('are refused when not even the first is held', async () => {
    expect(await ask('/lines', `{"x":"${PAD}","model":"m"}\n`, type)).toContain('body_over_peek')
  })
})
