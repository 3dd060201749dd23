/** What a caller can do to the gRPC listener, in calls and in frames. */
import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { field, framed, inferRequest, int } from '../support/grpc-messages.ts'
import { SERVICE, startGrpcWorld, type GrpcWorld } from '../support/grpc-world.ts'
import {
  END_HEADERS,
  END_STREAM,
  frame,
  headerBlock,
  PREFACE,
  rawHttp2,
  TYPES,
} from '../support/http2-frames.ts'
import { rawExchange } from '../support/raw-client.ts'

let grpc: GrpcWorld
let token: string
beforeAll(async () => {
  grpc = await startGrpcWorld()
  token = await grpc.world.token(['inference', 'reader'])
}, 30_000)
afterAll(() => grpc.close())

const infer = `${SERVICE}/ModelInfer`
const good = [inferRequest('iris')]

/** Whole messages that reached the upstream so far; and calls. */
const reached = () => ({
  calls: grpc.upstream.calls.length,
  messages: grpc.upstream.calls.reduce((sum, call) => sum + call.messages.length, 0),
})

describe('a call that is refused', () => {
  const cases: readonly [
    what: string,
    call: {
      path?: string
      token?: string | undefined
      headers?: Record<string, string | string[]>
      messages?: Buffer[]
      body?: Buffer
    },
    status: number,
    reason: string,
  ][] = [
    ['without a token', { token: undefined }, 16, 'authn_missing'],
    ['with a token that is none', { token: 'x' }, 16, 'authn_malformed'],
    ['of a model it may not call', { messages: [inferRequest('crown')] }, 7, 'no_rule'],
    ['of a service nobody mapped', { path: '/other.Service/Do' }, 12, 'unclassified'],
    [
      'of reflection',
      { path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo' },
      12,
      'unclassified',
    ],
    ['of channelz', { path: '/grpc.channelz.v1.Channelz/GetServers' }, 12, 'unclassified'],
    ['of a method in other letters', { path: `${SERVICE}/modelinfer` }, 12, 'unclassified'],
    ['of a route that is there over HTTP', { path: '/over-http' }, 12, 'unclassified'],
    ['with a slash at the end', { path: `${infer}/` }, 12, 'unclassified'],
    ['with a slash too many', { path: `/${infer}` }, 3, 'target_invalid'],
    ['with dots', { path: `/x/..${infer}` }, 3, 'target_invalid'],
    ['with an escape', { path: infer.replace('ModelInfer', 'Model%49nfer') }, 3, 'target_invalid'],
    ['with a query', { path: `${infer}?x=1` }, 3, 'target_invalid'],
    ['as GET', { headers: { ':method': 'GET' } }, 12, 'method_unknown'],
    ['for another host', { headers: { host: 'other.test' } }, 3, 'host_invalid'],
    ['with metadata said twice', { headers: { 'x-a': ['1', '2'] } }, 3, 'header_invalid'],
    ['with an underscore in a name', { headers: { x_user: 'root' } }, 3, 'header_invalid'],
    ['with a method override', { headers: { 'x-http-method': 'GET' } }, 3, 'header_invalid'],
    ['that selects a model by metadata', { headers: { 'seldon-model': 'b' } }, 3, 'header_invalid'],
    ['that expects', { headers: { expect: '100-continue' } }, 3, 'expectation_failed'],
    ['with a timeout that is none', { headers: { 'grpc-timeout': '5' } }, 3, 'header_invalid'],
    [
      'with a timeout of nine digits',
      { headers: { 'grpc-timeout': '123456789S' } },
      3,
      'header_invalid',
    ],
    [
      'of grpc-web',
      { headers: { 'content-type': 'application/grpc-web+proto' } },
      12,
      'body_encoding',
    ],
    ['of JSON', { headers: { 'content-type': 'application/json' } }, 12, 'body_encoding'],
    [
      'of Connect',
      { headers: { 'content-type': 'application/connect+proto' } },
      12,
      'body_encoding',
    ],
    [
      'of gRPC with JSON',
      { headers: { 'content-type': 'application/grpc+json' } },
      12,
      'body_encoding',
    ],
    ['with a coding around it', { headers: { 'content-encoding': 'gzip' } }, 12, 'body_encoding'],
    ['in another compression', { headers: { 'grpc-encoding': 'snappy' } }, 12, 'body_encoding'],
    ['without a message', { messages: [] }, 3, 'model_missing'],
    ['without a name', { messages: [field(3, 'id')] }, 3, 'model_missing'],
    [
      'with two names',
      { messages: [Buffer.concat([field(1, 'iris'), field(1, 'crown')])] },
      3,
      'model_conflict',
    ],
    [
      'with a name and none behind',
      { messages: [Buffer.concat([field(1, 'iris'), field(1, '')])] },
      3,
      '',
    ],
    [
      'with two versions',
      { messages: [Buffer.concat([field(1, 'iris'), field(2, '1'), field(2, '2')])] },
      3,
      '',
    ],
    ['with a number for a name', { messages: [int(1, 5)] }, 3, 'body_unparsable'],
    [
      'with a number for a version',
      { messages: [Buffer.concat([field(1, 'iris'), int(2, 5)])] },
      3,
      'body_unparsable',
    ],
    ['with a group', { messages: [Buffer.from([0x0b, 0x0c])] }, 3, 'body_unparsable'],
    ['with two messages', { messages: [...good, ...good] }, 3, 'body_unexpected'],
    ['with an unknown flag', { body: Buffer.from([2, 0, 0, 0, 0]) }, 3, 'body_unparsable'],
    [
      'that ends within a message',
      { body: framed(inferRequest('iris')).subarray(0, 8) },
      3,
      'body_unparsable',
    ],
    [
      'with a compressed bomb',
      {
        headers: { 'grpc-encoding': 'gzip' },
        body: framed(gzipSync(Buffer.alloc(8 * 1024 * 1024)), true),
      },
      12,
      'body_encoding',
    ],
    [
      'with compression it did not announce',
      { body: framed(gzipSync(inferRequest('iris')), true) },
      12,
      'body_encoding',
    ],
    [
      'with two compressed members',
      {
        headers: { 'grpc-encoding': 'gzip' },
        body: framed(
          Buffer.concat([gzipSync(field(1, 'iris')), gzipSync(field(1, 'crown'))]),
          true,
        ),
      },
      12,
      'body_encoding',
    ],
  ]
  it.each(cases)('%s', async (_, { path = infer, ...call }, status, reason) => {
    const before = reached()
    const result = await grpc.client.call(path, { token, messages: good, ...call })
    expect(result.grpcStatus).toBe(status)
    expect([200, 415]).toContain(result.status)
    expect(result.grpcMessage).toContain(reason)
    expect(result.messages).toEqual([])
    const record = await grpc.world.whenRecord(({ id }) => id === result.decisionId)
    expect(record).toMatchObject({ type: 'decision', effect: 'deny' })
    if (reason !== '') expect(record.reason).toBe(reason)
    expect(reached()).toEqual(before)
  })

  it('is answered with 415 where it is no gRPC, as the protocol asks', async () => {
    const headers = { 'content-type': 'application/json' }
    const result = await grpc.client.call(infer, { token, headers })
    expect(result.status).toBe(415)
  })
})

describe('a second name behind what was read', () => {
  it('breaks the call off before its message is complete', async () => {
    const tail = field(1, 'crown')
    const message = Buffer.concat([inferRequest('iris', { raw: Buffer.alloc(300_000) }), tail])
    const before = reached()
    const result = await grpc.client.call(infer, { token, messages: [message] })
    expect(result).toMatchObject({ grpcStatus: 3 })
    expect(result.grpcMessage).toContain('model_conflict')
    expect(reached().messages).toBe(before.messages)
    const last = grpc.upstream.calls.at(-1)
    if (reached().calls > before.calls) expect(last?.bytes).toBeLessThan(message.length + 5)
  })
})

describe('the two sides', () => {
  it('are not reached from each other’s listener', async () => {
    const text = await new Promise<string>((resolve, reject) => {
      const asked = httpRequest(
        {
          port: grpc.world.port,
          path: infer,
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/grpc' },
        },
        (answer) => {
          let body = ''
          answer.on('data', (chunk: Buffer) => (body += chunk.toString()))
          answer.on('end', () => resolve(`${answer.statusCode ?? 0} ${body}`))
        },
      )
      asked.on('error', reject)
      asked.end(framed(inferRequest('iris')))
    })
    expect(text).toContain('403')
    expect(text).toContain('unclassified')
  })

  it('do not mix: HTTP/2 is no request to the data listener, neither known before nor upgraded to', async () => {
    const before = grpc.world.upstream.received().length
    const preface = await rawExchange(grpc.world.port, PREFACE)
    expect(preface.responses.every(({ status }) => status >= 400)).toBe(true)
    const upgrade =
      'GET /over-http HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\n' +
      `Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nAuthorization: Bearer ${token}\r\n\r\n`
    const { responses } = await rawExchange(grpc.world.port, Buffer.from(upgrade))
    expect(responses.map(({ status }) => status)).toEqual([400])
    expect(grpc.world.upstream.received()).toHaveLength(before)
  })

  it('do not mix: HTTP/1.1 is no call', async () => {
    const connection = await rawHttp2(grpc.port, { preface: false })
    connection.write(Buffer.from('POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n'))
    await connection.ended
    expect(connection.frames.some(({ type }) => type === TYPES.headers)).toBe(false)
  })
})

/** The fields of a good call, some of them others. */
const fieldsOf = (more: readonly (readonly [string, string])[] = [], without: string[] = []) =>
  (
    [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', infer],
      [':authority', 'a.test'],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ['authorization', `Bearer ${token}`],
    ] as const
  )
    .filter(([name]) => !without.includes(name))
    .concat(more as never)

const headersFrame = (block: Buffer, flags = END_HEADERS, stream = 1) =>
  frame(TYPES.headers, flags, stream, block)
const body = () => frame(TYPES.data, END_STREAM, 1, framed(inferRequest('iris')))

describe('frames', () => {
  it('of a good call are answered', async () => {
    const connection = await rawHttp2(grpc.port)
    connection.write(headersFrame(headerBlock(fieldsOf())), body())
    await connection.frame(({ type, flags }) => type === TYPES.headers && (flags & END_STREAM) > 0)
    connection.close()
  })

  it.each<[string, () => Buffer]>([
    ['a path said twice', () => headerBlock([[':path', '/a.B/C'], ...fieldsOf()])],
    ['an authority said twice', () => headerBlock([[':authority', 'b.test'], ...fieldsOf()])],
    [
      'a pseudo-field behind the others',
      () => headerBlock(fieldsOf([[':path', '/a.B/C']], [':path'])),
    ],
    ['an unknown pseudo-field', () => headerBlock([[':protocol', 'websocket'], ...fieldsOf()])],
    ['no path', () => headerBlock(fieldsOf([], [':path']))],
    ['an empty path', () => headerBlock([[':path', ''], ...fieldsOf([], [':path'])])],
    ['a path of another form', () => headerBlock([[':path', '*'], ...fieldsOf([], [':path'])])],
    [
      'an absolute path',
      () => headerBlock([[':path', `http://a.test${infer}`], ...fieldsOf([], [':path'])]),
    ],
    ['a name in capitals', () => headerBlock(fieldsOf([['X-User', 'root']]))],
    ['a field of HTTP/1.1', () => headerBlock(fieldsOf([['connection', 'x']]))],
    ['a transfer coding', () => headerBlock(fieldsOf([['transfer-encoding', 'chunked']]))],
    ['another te', () => headerBlock(fieldsOf([['te', 'gzip']], ['te']))],
    ['no te', () => headerBlock(fieldsOf([], ['te']))],
    [
      'a length that is not that of the body',
      () => headerBlock(fieldsOf([['content-length', '5']])),
    ],
    [
      'two lengths',
      () =>
        headerBlock(
          fieldsOf([
            ['content-length', '16'],
            ['content-length', '5'],
          ]),
        ),
    ],
  ])('with %s are no call that reaches the upstream', async (_, block) => {
    const before = reached()
    const connection = await rawHttp2(grpc.port)
    connection.write(headersFrame(block()), body())
    const refused = await connection.frame(
      ({ type, flags, stream }) =>
        type === TYPES.reset ||
        type === TYPES.goaway ||
        (type === TYPES.headers && stream === 1 && (flags & END_STREAM) > 0),
    )
    expect(refused).toBeDefined()
    expect(reached().messages).toBe(before.messages)
    connection.close()
  })

  it('with a malformed field are calls without it', async () => {
    const connection = await rawHttp2(grpc.port)
    const fields = fieldsOf([
      ['x-a', 'b\r\nx-remote-user: root'],
      ['x b', 'c'],
    ])
    connection.write(headersFrame(headerBlock(fields)), body())
    await connection.frame(({ type, flags }) => type === TYPES.headers && (flags & END_STREAM) > 0)
    const names = Object.keys(grpc.upstream.calls.at(-1)?.headers ?? {})
    expect(names.filter((name) => /^x[- ](?:a|b|remote)/.test(name))).toEqual([])
    connection.close()
  })

  it('of a flood of resets end the connection (CVE-2023-44487)', async () => {
    const connection = await rawHttp2(grpc.port)
    const cancel = Buffer.from([0, 0, 0, 8])
    const block = headerBlock(fieldsOf())
    for (let i = 0; i < 400; i++) {
      connection.write(
        headersFrame(block, END_HEADERS, 2 * i + 1),
        frame(TYPES.reset, 0, 2 * i + 1, cancel),
      )
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await connection.ended
    expect(connection.frames.some(({ type }) => type === TYPES.goaway)).toBe(true)
    const code = 'ERR_HTTP2_RAPID_RESET'
    expect(await grpc.world.metric('client_errors_total', { code })).toBe(1)
  })

  it('of a flood of pings and of settings end the connection (CVE-2019-9512, -9515)', async () => {
    for (const flood of [
      frame(TYPES.ping, 0, 0, Buffer.alloc(8)),
      frame(TYPES.settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, 9])),
    ]) {
      const connection = await rawHttp2(grpc.port)
      for (let i = 0; i < 200; i++) connection.write(flood)
      await connection.ended
    }
  })

  it('of a header block without end end the connection (CVE-2024-27316)', async () => {
    const connection = await rawHttp2(grpc.port)
    connection.write(headersFrame(headerBlock(fieldsOf()), 0))
    const piece = headerBlock([['x-a', 'b'.repeat(8_000)]])
    for (let i = 0; i < 64; i++) connection.write(frame(TYPES.continuation, 0, 1, piece))
    await connection.ended
  })

  it('of more fields than are accepted are refused', async () => {
    const many = Array.from({ length: 105 }, (_, i) => [`x-${i}`, '1'] as const)
    const headers = Object.fromEntries(many)
    const before = reached()
    const result = await grpc.client.call(infer, { token, messages: good, headers })
    expect([8, undefined]).toContain(result.grpcStatus)
    expect(reached()).toEqual(before)
  })
})
