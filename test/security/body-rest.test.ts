/** A body longer than is held: judged by its start, watched to its end (I1, I17). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Reason } from '../../gateway/domain/reasons.ts'
import { gzipSync } from 'node:zlib'
import { HOSTS, request, startAttackWorld } from '../support/attack.ts'
import { dechunk } from '../support/http-bytes.ts'
import { rawExchange } from '../support/raw-client.ts'
import type { World } from '../support/world.ts'

const PACK = `pack: packed
profile: { decodes_path: true, request_codings: [gzip] }
routes:
  - { methods: [POST], path: /infer, action: infer, model: [{ body: model }] }
  - { methods: [POST], path: /audio, body: multipart, action: infer, model: [{ form: model }] }
`
const POLICY = `p, role:inference, infer, model:iris, always, allow
`

let world: World
let token: string
beforeAll(async () => {
  world = await startAttackWorld({
    policy: POLICY,
    upstreams: [{ name: 'packed', pack: 'packed', match: { host: HOSTS.llm } }],
    rules: { 'routes/packed.yaml': PACK },
    config: { limits: { peek_bytes: '64KiB' } },
  })
  token = await world.token(['inference'])
})
afterAll(() => world.close())

const JSON_TYPE = 'Content-Type: application/json'
const FORM_TYPE = 'Content-Type: multipart/form-data; boundary=xx'
const PAD = 'a'.repeat(700_000)

const post = (target: string, body: string | Buffer, lines: readonly string[]) =>
  request({ method: 'POST', target, host: HOSTS.llm, token, lines, body })

const inChunks = (body: string): string => {
  const pieces = body.match(/[^]{1,30000}/g) ?? []
  const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
  return `${chunks.join('')}0\r\n\r\n`
}

const part = (name: string, value: string, more = '') =>
  `--xx\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`
const file = part('file', PAD, '; filename="a.wav"')

const bodies: [string, string, string, string, Reason | 200][] = [
  ['JSON', '/infer', JSON_TYPE, `{"model":"iris","x":"${PAD}"}`, 200],
  [
    'JSON that names what is not permitted',
    '/infer',
    JSON_TYPE,
    `{"model":"crown","x":"${PAD}"}`,
    'no_rule',
  ],
  [
    'JSON with the key again',
    '/infer',
    JSON_TYPE,
    `{"model":"iris","x":"${PAD}","model":"crown"}`,
    'body_unparsable',
  ],
  [
    'JSON with a twin',
    '/infer',
    JSON_TYPE,
    `{"model":"iris","x":"${PAD}","Model":"crown"}`,
    'body_unparsable',
  ],
  [
    'JSON with a twin under escapes',
    '/infer',
    JSON_TYPE,
    `{"model":"iris","x":"${PAD}","\\u004dodel":"crown"}`,
    'body_unparsable',
  ],
  [
    'JSON with bytes that are not UTF-8',
    '/infer',
    JSON_TYPE,
    `{"model":"iris","x":"${PAD}\xff"}`,
    'body_unparsable',
  ],
  [
    'JSON and a second document',
    '/infer',
    JSON_TYPE,
    `{"model":"iris","x":"${PAD}"}{"model":"crown"}`,
    'body_unparsable',
  ],
  [
    'JSON without its last bracket',
    '/infer',
    JSON_TYPE,
    `{"model":"iris","x":"${PAD}"`,
    'body_unparsable',
  ],
  [
    'JSON with the field behind',
    '/infer',
    JSON_TYPE,
    `{"x":"${PAD}","model":"iris"}`,
    'body_over_peek',
  ],
  ['a form', '/audio', FORM_TYPE, `${part('model', 'iris')}${file}--xx--\r\n`, 200],
  [
    'a form with the field again',
    '/audio',
    FORM_TYPE,
    `${part('model', 'iris')}${file}${part('model', 'crown')}--xx--\r\n`,
    'model_conflict',
  ],
  [
    'a form with a twin',
    '/audio',
    FORM_TYPE,
    `${part('model', 'iris')}${file}${part('mo_del', 'crown')}--xx--\r\n`,
    'model_conflict',
  ],
  [
    'a form with a boundary in a line',
    '/audio',
    FORM_TYPE,
    `${part('model', 'iris')}${part('f', `${PAD}--xx`)}--xx--\r\n`,
    'body_unparsable',
  ],
  [
    'a form with bare line feeds',
    '/audio',
    FORM_TYPE,
    `${part('model', 'iris')}${part('f', `${PAD}\n--xx\nContent-Disposition: form-data; name="model"\n\ncrown`)}--xx--\r\n`,
    'body_unparsable',
  ],
  [
    'a form without an end',
    '/audio',
    FORM_TYPE,
    `${part('model', 'iris')}${file}`,
    'body_unparsable',
  ],
  [
    'a form with the field behind the file',
    '/audio',
    FORM_TYPE,
    `${file}${part('model', 'iris')}--xx--\r\n`,
    'body_over_peek',
  ],
]

describe.each(['length', 'chunked'])('a long body framed by %s', (framing) => {
  it.each(bodies)('%s', async (...one) => {
    const [, target, type, body, expected] = one
    const before = world.upstream.requests.length
    const bytes =
      framing === 'length'
        ? post(target, Buffer.from(body, 'latin1'), [type])
        : post(target, Buffer.from(inChunks(body), 'latin1'), [type, 'Transfer-Encoding: chunked'])
    const { responses } = await rawExchange(world.port, bytes)
    const answer = responses[0]?.body.toString() ?? ''
    if (expected === 200) {
      expect(answer).toBe('ok')
      const got = world.upstream.requests.at(-1)?.body ?? ''
      const seen =
        framing === 'length' ? got : dechunk(Buffer.from(got, 'latin1')).toString('latin1')
      expect(seen === body).toBe(true)
    } else {
      expect(answer).toContain(`"${expected}"`)
      expect(world.upstream.requests).toHaveLength(before)
    }
  })
})

describe('a coded body', () => {
  const lines = [JSON_TYPE, 'Content-Encoding: gzip']

  it('is looked into, and goes on as it came', async () => {
    const packed = gzipSync('{"model":"iris"}')
    const { responses } = await rawExchange(world.port, post('/infer', packed, lines))
    expect(responses[0]?.body.toString()).toBe('ok')
    const got = world.upstream.requests.at(-1)
    expect(Buffer.from(got?.body ?? '', 'latin1')).toEqual(packed)
    expect(got?.head.toLowerCase()).toContain('content-encoding: gzip')
  })

  it.each<[string, Buffer, Reason]>([
    ['names another model', gzipSync('{"model":"crown"}'), 'no_rule'],
    [
      'has a second member',
      Buffer.concat([gzipSync('{"model":"iris"}'), gzipSync(' ')]),
      'body_unparsable',
    ],
    ['is plain', Buffer.from('{"model":"iris"}'), 'body_unparsable'],
    ['is a bomb', gzipSync(`{"model":"iris","x":"${PAD}"}`), 'body_over_peek'],
  ])('that %s is refused', async (_, body, reason) => {
    const before = world.upstream.requests.length
    const { responses } = await rawExchange(world.port, post('/infer', body, lines))
    expect(responses[0]?.body.toString()).toContain(`"${reason}"`)
    expect(world.upstream.requests).toHaveLength(before)
  })
})
