/** Header fields: one value, one spelling, and ours alone where we speak (I3, I4, I13). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { expectForwarded, expectRefusal, request, startAttackWorld } from '../support/attack.ts'
import type { World } from '../support/world.ts'

let world: World
let token: string
let answer = ''
beforeAll(async () => {
  world = await startAttackWorld({ handler: () => answer })
  token = await world.token(['reader', 'inference'])
})
afterAll(() => world.close())

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** The fields the upstream got for a request with these lines. */
async function sentFor(lines: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  answer = OK
  await expectForwarded(world, request({ token, lines }))
  const fields = new Map<string, string[]>()
  const [, ...rest] = (world.upstream.requests.at(-1)?.head ?? '').trim().split('\r\n')
  for (const line of rest) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase()
    fields.set(name, [...(fields.get(name) ?? []), line.slice(name.length + 1).trim()])
  }
  return fields
}

describe('a field that is sent twice has two meanings and is refused', () => {
  it.each([
    'Content-Type',
    'Content-Encoding',
    'X-Request-Id',
    'X-Device-Posture',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'Range',
    'Expect',
    'Traceparent',
    'Upgrade',
    'User-Agent',
    'X-Anything',
  ])('%s', async (name) => {
    const lines = [`${name}: a`, `${name.toLowerCase()}: b`]
    await expectRefusal(
      world,
      request({ token, lines }),
      { reason: 'header_invalid' },
      { closes: true },
    )
  })

  it.each([
    ['the good one first', (good: string) => [`Authorization: ${good}`, 'Authorization: Bearer x']],
    ['the good one last', (good: string) => ['authorization: Bearer x', `Authorization: ${good}`]],
    ['the same twice', (good: string) => [`Authorization: ${good}`, `Authorization: ${good}`]],
  ])('Authorization: %s', async (_, linesOf) => {
    const bytes = request({ lines: linesOf(`Bearer ${token}`) })
    await expectRefusal(world, bytes, { reason: 'header_invalid' }, { closes: true })
  })

  it('lists may be split over fields', async () => {
    const sent = await sentFor(['Accept: text/plain', 'Accept: application/json'])
    expect(sent.get('accept')?.join(', ')).toBe('text/plain, application/json')
  })
})

describe('a name or value that peers read differently is refused', () => {
  it.each([
    ['an underscore (CVE-2025-64484)', 'X_Forwarded_User: ceo'],
    ['an underscore in our own name', 'X_Modelgate_Assertion: a.b.c'],
    ['a name of the object prototype', '__proto__: x'],
    ['a dot in the name', 'X.User: ceo'],
    ['a byte over 0x7f', 'X-A: caf\u00e9'],
    ['a byte over 0x7f in the name', 'X-\u00c4: a'],
    ['a NUL (CVE-2019-9900)', 'X-A: a\0b'],
    ['a DEL', 'X-A: a\x7f'],
    ['an escape', 'X-A: \x1b[31m'],
    ['a vertical tab', 'X-A: a\x0bb'],
  ])('%s', async (_, line) => {
    const bytes = request({ token, lines: [line] })
    await expectRefusal(world, bytes, { reason: 'header_invalid' }, { closes: true })
  })

  it('a bare CR, which some read as the end of the line', async () => {
    const bytes = request({ token, lines: ['X-A: a\rX-Injected: b'] })
    await expectRefusal(world, bytes, { reason: 'framing_invalid' }, { closes: true })
  })

  it('names of objects are names like any other', async () => {
    const sent = await sentFor(['constructor: x', 'hasOwnProperty: y', 'toString: z'])
    expect(sent.get('constructor')).toEqual(['x'])
  })
})

const IDENTITY = [
  'X-Forwarded-User: ceo',
  'x-forwarded-email: ceo@corp.test',
  'X-FORWARDED-GROUPS: admin',
  'X-Forwarded-Role: admin',
  'X-Remote-User: ceo',
  'Remote-User: ceo',
  'Remote-Groups: admin',
  'X-Auth-Request-User: ceo',
  'X-Auth-Request-Access-Token: t',
  'X-Consumer-Id: 1',
  'X-Gw-Subject: ceo',
  'X-WEBAUTH-USER: ceo',
  'X-User: ceo',
  'X-Roles: admin',
  'X-Ms-Client-Principal: e30',
  'X-Goog-Authenticated-User-Email: ceo@corp.test',
  'X-Pomerium-Jwt-Assertion: a.b.c',
  'X-Amzn-Oidc-Data: a.b.c',
  'Cf-Access-Jwt-Assertion: a.b.c',
  'Ssl-Client-Verify: SUCCESS',
  'X-Ssl-Client-S-Dn: CN=ceo',
  'X-Client-Cert: x',
  'X-Device-Posture: managed=?1',
  'X-Modelgate-Assertion: a.b.c',
  'X-Modelgate-Decision-Id: 1',
]

const ADDRESS = [
  'X-Forwarded-For: 10.0.0.1',
  'X-Forwarded-Host: evil.test',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Port: 1',
  'X-Forwarded-Prefix: //evil',
  'X-Forwarded-Uri: /admin',
  'X-Original-URI: /admin',
  'X-Original-Method: DELETE',
  'X-Envoy-Original-Path: /admin',
  'X-Real-Ip: 10.0.0.1',
  'True-Client-Ip: 10.0.0.1',
  'Client-Ip: 10.0.0.1',
  'Cf-Connecting-Ip: 10.0.0.1',
  'Forwarded: for=10.0.0.1;host=evil.test',
]

describe('what the gateway alone may say is never taken from a client', () => {
  it.each([...IDENTITY, ...ADDRESS])('%s', async (line) => {
    const [name = '', value = ''] = line.toLowerCase().split(': ')
    const sent = await sentFor([line])
    const ours = ['x-forwarded-for', 'x-forwarded-proto', 'x-modelgate-assertion'].includes(name)
    expect(sent.get(name) ?? []).toHaveLength(ours ? 1 : 0)
    expect(sent.get(name)?.[0]).not.toBe(value)
  })

  it('the upstream sees who was judged, and by whom', async () => {
    const sent = await sentFor([...IDENTITY, ...ADDRESS, 'X-Request-Id: abcdefgh-1', 'Cookie: s=1'])
    expect(sent.get('x-forwarded-for')).toEqual(['127.0.0.1'])
    expect(sent.get('x-forwarded-proto')).toEqual(['http'])
    expect(sent.get('x-request-id')).toEqual(['abcdefgh-1'])
    expect(sent.get('via')).toEqual(['1.1 modelgate'])
    const [assertion = ''] = sent.get('x-modelgate-assertion') ?? []
    const claims = JSON.parse(
      Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString(),
    ) as object
    expect(claims).toMatchObject({ sub: 'user:dev/alice', aud: 'urn:modelgate:upstream:models' })
    const names = [...sent.keys()].sort()
    expect(names).toEqual([
      ...['accept-encoding', 'connection', 'host', 'via', 'x-forwarded-for', 'x-forwarded-proto'],
      ...['x-modelgate-assertion', 'x-request-id'],
    ])
  })

  it('neither the token nor a cookie of the caller reaches the upstream', async () => {
    await sentFor(['Cookie: session=secret', 'Dpop: a.b.c', 'Proxy-Authorization: Basic eDp5'])
    expect(world.upstream.requests.at(-1)?.raw).not.toMatch(/authorization|session=secret|dpop/i)
    expect(world.upstream.received()).not.toContain(token)
  })

  it.each(['short', 'a'.repeat(65), 'has space in it', 'quote"quote"', '../../etc/passwd'])(
    'a request id like %j is replaced',
    async (id) => {
      const sent = await sentFor([`X-Request-Id: ${id}`])
      expect(sent.get('x-request-id')?.[0]).toMatch(/^[0-9a-f-]{36}$/)
    },
  )
})

describe('Connection cannot name away what the gateway says (CVE-2024-45410)', () => {
  it.each([
    'close, X-Modelgate-Assertion',
    'x-modelgate-assertion, X-FORWARDED-FOR, x-request-id, via',
    'Keep-Alive, x_modelgate_assertion',
    Array.from({ length: 1_000 }, (_, i) => `x-${i}`).join(', '),
  ])('%.60s', async (value) => {
    const sent = await sentFor([`Connection: ${value}`, 'Authorization-Hint: 1'])
    for (const name of ['x-modelgate-assertion', 'x-forwarded-for', 'x-request-id', 'via']) {
      expect(sent.get(name)).toHaveLength(1)
    }
  })

  it('nor who calls: naming Authorization changes nothing', async () => {
    const lines = ['Connection: authorization']
    await expectForwarded(world, request({ token, lines }))
    await expectRefusal(world, request({ lines }), { reason: 'authn_missing' })
  })

  it('what it may name, and hop-by-hop fields, end here', async () => {
    const lines = ['Connection: X-Mine, te', 'X-Mine: 1', 'TE: trailers', 'Keep-Alive: timeout=5']
    const sent = await sentFor([...lines, 'Proxy-Connection: keep-alive', 'Trailer: X-T'])
    for (const name of ['x-mine', 'te', 'keep-alive', 'proxy-connection', 'trailer']) {
      expect(sent.has(name)).toBe(false)
    }
  })
})

describe('the answer of an upstream', () => {
  it('loses what belongs to its connection, steers proxies or gives access past the gateway', async () => {
    const dropped = [
      'Keep-Alive: timeout=5',
      'Proxy-Authenticate: Basic',
      'Proxy-Connection: close',
      'Trailer: X-T',
      'Upgrade: h2c',
      'Connection: keep-alive, X-Hop',
      'X-Hop: 1',
      'Alt-Svc: h3=":443"',
      'Set-Cookie: admin=1',
      'X-Accel-Redirect: /internal',
      'X-Sendfile: /etc/passwd',
      'X-Modelgate-Decision-Id: forged',
    ]
    answer = ['HTTP/1.1 200 OK', 'Content-Length: 2', 'X-Kept: 1', ...dropped, '', 'ok'].join(
      '\r\n',
    )
    const response = await expectForwarded(world, request({ token }))
    expect(response.header('x-kept')).toBe('1')
    for (const name of ['proxy-authenticate', 'proxy-connection', 'trailer', 'upgrade', 'x-hop']) {
      expect(response.headers.has(name)).toBe(false)
    }
    for (const name of ['alt-svc', 'set-cookie', 'x-accel-redirect', 'x-sendfile']) {
      expect(response.headers.has(name)).toBe(false)
    }
    expect(response.header('x-modelgate-decision-id')).not.toBe('forged')
  })
})
