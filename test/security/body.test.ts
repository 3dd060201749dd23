/** Where the body decides, it is read as every parser reads it, or refused (I1, I17). */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Reason } from '../../gateway/domain/reasons.ts'
import {
  expectForwarded,
  expectRefusal,
  HOSTS,
  json,
  request,
  startAttackWorld,
} from '../support/attack.ts'
import type { World } from '../support/world.ts'

// Whoever makes the gateway see the model `iris` may call it; the upstream must never see another.
const POLICY = `p, role:inference, infer, model:iris, always, allow
p, role:reader, read, model:*, always, allow
`

let world: World
let token: string
beforeAll(async () => {
  world = await startAttackWorld({ policy: POLICY })
  token = await world.token(['reader', 'inference'])
})
afterAll(() => world.close())

const TYPE = 'Content-Type: application/json'

interface Sent {
  readonly lines?: readonly string[]
  readonly host?: string
  readonly target?: string
}

const chat = (body: string | Buffer, sent: Sent = {}) =>
  request({
    method: 'POST',
    target: sent.target ?? '/v1/chat/completions',
    host: sent.host ?? HOSTS.llm,
    token,
    lines: sent.lines ?? [TYPE],
    body,
  })

const refused = (bytes: string, reason: Reason) => expectRefusal(world, bytes, { reason })

describe('model names that do not agree', () => {
  const both = { host: HOSTS.both }

  it('in path and body are refused', async () => {
    const target = '/models/iris/infer'
    await refused(chat('{"model":"crown-1"}', { ...both, target }), 'model_conflict')
    await refused(chat('{"model":"Iris"}', { ...both, target }), 'model_conflict')
    await refused(chat('{"model":"iris "}', { ...both, target }), 'model_invalid')
  })

  it('in the other order as well: neither source wins', async () => {
    const target = '/models/crown-1/infer'
    await refused(chat('{"model":"iris"}', { ...both, target }), 'model_conflict')
  })

  it('that agree are one model', async () => {
    await expectForwarded(
      world,
      chat('{"model":"iris"}', { ...both, target: '/models/iris/infer' }),
    )
  })

  it('are judged by the one the upstream uses', async () => {
    const { record } = await refused(chat('{"model":"crown-1"}'), 'no_rule')
    expect(record['ops']).toMatchObject([{ act: 'infer', res: 'model:crown-1' }])
  })
})

describe('one key, two readings', () => {
  it.each([
    ['twice', '{"model":"iris","model":"crown-1"}'],
    ['twice, the good one last', '{"model":"crown-1","model":"iris"}'],
    ['once under an escape', '{"model":"iris","\\u006dodel":"crown-1"}'],
    ['twice under escapes', '{"\\u006dodel":"iris","m\\u006fdel":"crown-1"}'],
    ['in another case', '{"model":"iris","Model":"crown-1"}'],
    ['in another case alone', '{"MODEL":"crown-1"}'],
    ['ended by a NUL', '{"model":"iris","model\\u0000x":"crown-1"}'],
    ['with a long s', '{"model":"iris","mode\\u017f":"x","model\\u200b":"x", "model":"y"}'],
  ])('the key %s', async (_, body) => {
    await refused(chat(body), 'body_unparsable')
  })

  it('an escape alone is another spelling of the same key', async () => {
    await expectForwarded(world, chat('{"\\u006dodel":"iris"}'))
    await refused(chat('{"\\u006dodel":"crown-1"}'), 'no_rule')
  })

  it('a key inside a message is not the key of the body', async () => {
    const body = '{"messages":[{"role":"user","model":"crown-1"}],"model":"iris","x":{"model":"y"}}'
    await expectForwarded(world, chat(body))
  })
})

describe('a body that is not one well-formed UTF-8 JSON object', () => {
  const text = '{"model":"iris"}'
  it.each<[string, string | Buffer]>([
    ['a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)])],
    ['UTF-16, little end first', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16 without a mark', Buffer.from(text, 'utf16le')],
    ['an invalid byte', Buffer.from([...Buffer.from('{"model":"iris","a":"'), 0xff, 0x22, 0x7d])],
    ['a surrogate alone', Buffer.from([...Buffer.from('{"a":"'), 0xed, 0xa0, 0x80, 0x22, 0x7d])],
    ['a truncated object', '{"model":"iris"'],
    ['text behind it', `${text}{}`],
    ['a second object', `${text}\n{"model":"crown-1"}`],
    ['a comment', '{/* */"model":"iris"}'],
    ['a trailing comma', '{"model":"iris",}'],
    ['single quotes', "{'model':'iris'}"],
    ['NaN', '{"model":"iris","temperature":NaN}'],
    ['a leading zero', '{"model":"iris","n":01}'],
    ['a raw control', '{"model":"iris","a":"\u0001"}'],
    ['an array', '[{"model":"iris"}]'],
    ['a string', '"iris"'],
    ['null', 'null'],
    ['a form', 'model=iris'],
    ['70 levels', `{"model":"iris","a":${'['.repeat(70)}${']'.repeat(70)}}`],
    [
      '1,100 keys',
      `{"model":"iris",${Array.from({ length: 1_100 }, (_, i) => `"k${i}":1`).join()}}`,
    ],
  ])('%s', async (_, body) => {
    await refused(chat(body), 'body_unparsable')
  })

  it.each<[string, string, Reason]>([
    ['none', '{}', 'model_missing'],
    ['null', '{"model":null}', 'model_missing'],
    ['a number', '{"model":7}', 'model_invalid'],
    ['a list', '{"model":["iris"]}', 'model_invalid'],
    ['an object', '{"model":{"name":"iris"}}', 'model_invalid'],
    ['empty', '{"model":""}', 'model_invalid'],
    ['a path that climbs', '{"model":"../crown-1"}', 'model_invalid'],
    ['an address', '{"model":"http://169.254.169.254/"}', 'model_invalid'],
    ['a line end', '{"model":"iris\\nrole:admin"}', 'model_invalid'],
    ['a comma', '{"model":"iris,crown-1"}', 'model_invalid'],
    ['a star', '{"model":"*"}', 'model_invalid'],
    ['a NUL', '{"model":"iris\\u0000"}', 'model_invalid'],
    ['5,000 characters', `{"model":"${'a'.repeat(5_000)}"}`, 'model_invalid'],
  ])('a model that is %s', async (_, body, reason) => {
    await refused(chat(body), reason)
  })
})

describe('a body that cannot be looked into', () => {
  const packed = gzipSync('{"model":"crown-1"}')
  it.each<[string, string | Buffer, string[]]>([
    ['gzip', packed, [TYPE, 'Content-Encoding: gzip']],
    ['gzip in capitals', packed, [TYPE, 'Content-Encoding: GZIP']],
    ['two codings', packed, [TYPE, 'Content-Encoding: identity, gzip']],
    ['br', 'x', [TYPE, 'Content-Encoding: br']],
    ['a lie', '{"model":"iris"}', [TYPE, 'Content-Encoding: deflate']],
    ['another charset', '{"model":"iris"}', ['Content-Type: application/json; charset=utf-16']],
    ['UTF-7', '{"model":"iris"}', ['Content-Type: application/json; charset=utf-7']],
    [
      'two charsets',
      '{"model":"iris"}',
      ['Content-Type: application/json; charset=utf-8; charset=utf-7'],
    ],
    ['a form', 'model=iris', ['Content-Type: application/x-www-form-urlencoded']],
    ['plain text', '{"model":"iris"}', ['Content-Type: text/plain']],
    ['no type', '{"model":"iris"}', []],
  ])('%s', async (_, body, lines) => {
    await refused(chat(body, { lines }), 'body_encoding')
  })

  it('gzip that says nothing of it is no JSON', async () => {
    await refused(chat(packed), 'body_unparsable')
  })

  it('more than a mebibyte of it, the model behind', async () => {
    const body = `{"pad":"${'a'.repeat(1024 * 1024)}","model":"iris"}`
    const { response } = await refused(chat(body), 'body_over_peek')
    expect(response.body.toString()).toContain('the field model')
  })

  it('more than a mebibyte in chunks', async () => {
    const chunk = `8000\r\n${' '.repeat(0x8000)}\r\n`
    const body = `${chunk.repeat(40)}0\r\n\r\n`
    await refused(chat(body, { lines: [TYPE, 'Transfer-Encoding: chunked'] }), 'body_over_peek')
  })
})

describe('a body where none belongs', () => {
  it.each(['GET', 'HEAD'])('with %s', async (method) => {
    await refused(request({ token, ...json({ model: 'crown-1' }), method }), 'body_unexpected')
  })

  it('none where one decides', async () => {
    const lines = [TYPE, 'Content-Length: 0']
    await refused(
      request({ method: 'POST', target: '/v1/completions', host: HOSTS.llm, token, lines }),
      'model_missing',
    )
  })
})

it('what was judged is, byte for byte, what is forwarded', async () => {
  const body = ' {"a" : "\\u00e4\u00e4", "model":"iris"}\r\n'
  await expectForwarded(world, chat(Buffer.from(body)))
  expect(Buffer.from(world.upstream.requests.at(-1)?.body ?? '', 'latin1').toString()).toBe(body)
})
