/** Where a request ends has one answer or none (RFC 9112 §6, I15, I17). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Reason } from '../../gateway/domain/reasons.ts'
import {
  expectForwarded,
  expectRefusal,
  HOSTS,
  request,
  startAttackWorld,
} from '../support/attack.ts'
import type { World } from '../support/world.ts'

let world: World
let token: string
beforeAll(async () => {
  world = await startAttackWorld()
  token = await world.token(['reader', 'inference', 'deployer'])
})
afterAll(() => world.close())

const TYPE = 'Content-Type: application/json'
const infer = (lines: readonly string[], body: string, version = 'HTTP/1.1') =>
  request({
    method: 'POST',
    target: '/v2/models/iris/infer',
    version,
    token,
    lines: [TYPE, ...lines],
    body,
  })
const refused = (bytes: string, reason: Reason = 'framing_invalid') =>
  expectRefusal(world, bytes, { reason }, { closes: true })

const CHUNKED = 'Transfer-Encoding: chunked'
const CHUNKS = '2\r\n{}\r\n0\r\n\r\n'

describe('Content-Length and Transfer-Encoding', () => {
  it.each([
    ['both, the length first', ['Content-Length: 2', CHUNKED]],
    ['both, the length last', [CHUNKED, 'Content-Length: 2']],
    ['both, the length 0', [CHUNKED, 'Content-Length: 0']],
  ])('%s', async (_, lines) => {
    await refused(infer(lines, CHUNKS))
  })
})

describe('a Transfer-Encoding that is not exactly chunked, once, on HTTP/1.1', () => {
  it.each([
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity, chunked',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: gzip',
    'Transfer-Encoding:',
    'Transfer-Encoding: chunked,',
    'Transfer-Encoding: ,chunked',
  ])('%s', async (line) => {
    await refused(infer([line], CHUNKS))
  })

  it('two of them', async () => {
    await refused(infer([CHUNKED, CHUNKED], CHUNKS))
    await refused(infer([CHUNKED, 'Transfer-Encoding: identity'], CHUNKS))
  })

  it('with a control before the word', async () => {
    await refused(infer(['Transfer-Encoding: \x0bchunked'], CHUNKS), 'header_invalid')
  })

  it('on HTTP/1.0', async () => {
    await refused(infer([CHUNKED], CHUNKS, 'HTTP/1.0'))
  })

  it.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])('with %s', async (method) => {
    const target = method === 'DELETE' ? '/models/iris' : '/v2/models/iris'
    const host = method === 'DELETE' ? HOSTS.both : HOSTS.models
    await refused(request({ method, target, host, token, lines: [CHUNKED], body: '0\r\n\r\n' }))
  })
})

describe('a name that some upstream reads as a framing header', () => {
  it.each([
    ['an underscore', 'Transfer_Encoding: chunked'],
    ['an underscore', 'Content_Length: 5'],
    ['a tab before the colon', 'Transfer-Encoding\t: chunked'],
    ['a space before the colon', 'Content-Length : 2'],
    ['a space in front', ' Transfer-Encoding: chunked'],
    ['a NUL', 'Transfer-Encoding\0: chunked'],
    ['a dot', 'Transfer.Encoding: chunked'],
    ['no name', ': chunked'],
  ])('%s: %j', async (_, line) => {
    await refused(infer([line, 'Content-Length: 2'], '{}'), 'header_invalid')
  })

  it('a folded line', async () => {
    await refused(infer(['X-A: b\r\n c', 'Content-Length: 2'], '{}'), 'header_invalid')
  })
})

describe('a Content-Length that is not one plain number', () => {
  it.each(['005', '02', '00'])('%s, which an upstream may read as octal', async (length) => {
    await refused(infer([`Content-Length: ${length}`], '{}'))
  })

  it.each(['+2', '-2', '0x2', '2.0', '1e1', '2 2', '2, 2', '', 'two', '99999999999999999999'])(
    '%j',
    async (length) => {
      await refused(infer([`Content-Length: ${length}`], '{}'))
    },
  )

  it.each([
    ['2', '2'],
    ['2', '3'],
  ])('two: %s and %s', async (first, second) => {
    await refused(infer([`Content-Length: ${first}`, `Content-Length: ${second}`], '{}'))
  })
})

describe('chunks that are not of the grammar', () => {
  it.each([
    ['0x', '0x2\r\n{}\r\n0\r\n\r\n'],
    ['a space in front', ' 2\r\n{}\r\n0\r\n\r\n'],
    ['a space behind', '2 \r\n{}\r\n0\r\n\r\n'],
    ['a sign', '+2\r\n{}\r\n0\r\n\r\n'],
    ['a negative size', '-1\r\n{}\r\n0\r\n\r\n'],
    ['a size past 64 bits', 'fffffffffffffffff\r\n{}\r\n0\r\n\r\n'],
    ['a bare LF', '2\n{}\r\n0\r\n\r\n'],
    ['no CRLF after the data', '2\r\n{}0\r\n\r\n'],
    ['more data than the size', '1\r\n{}\r\n0\r\n\r\n'],
    ['no size', '\r\n{}\r\n0\r\n\r\n'],
  ])('%s', async (_, body) => {
    // Chunks are read only for a route that decides by its body; there nothing has left yet.
    const bytes = request({
      method: 'POST',
      target: '/v1/chat/completions',
      host: HOSTS.llm,
      token,
      lines: [TYPE, CHUNKED],
      body,
    })
    await refused(bytes)
  })

  it('an endless chunk extension', async () => {
    const body = `2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`
    const bytes = request({
      method: 'POST',
      target: '/v1/chat/completions',
      host: HOSTS.llm,
      token,
      lines: [TYPE, CHUNKED],
      body,
    })
    await refused(bytes, 'body_too_large')
  })
})

describe('a version other than HTTP/1.0 and HTTP/1.1', () => {
  it.each([
    'HTTP/2.0',
    'HTTP/1.2',
    'HTTP/0.9',
    'HTTP/3.0',
    'http/1.1',
    'HTTP/1',
    'HTTP/1.1x',
    'XTTP/1.1',
  ])('%s', async (version) => {
    await refused(request({ version, token }))
  })

  it('HTTP/0.9, a line alone', async () => {
    await refused('GET /v2/models/iris\r\n\r\n')
  })

  it('the preface of HTTP/2 with prior knowledge', async () => {
    await refused('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  })

  it('a TLS hello on a plain port', async () => {
    await refused('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')
  })

  it('the PROXY protocol, which no listener is configured for', async () => {
    await refused(`PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n${request({ token })}`)
    await refused(`\r\n\r\n\0\r\nQUIT\n!\x11\0\x0c${request({ token })}`)
  })
})

it('HTTP/1.0 with a length is a request like any other', async () => {
  await expectForwarded(world, infer(['Content-Length: 2'], '{}', 'HTTP/1.0'))
})

describe('the framing the upstream gets is written anew', () => {
  it('a chunked body arrives whole and framed once', async () => {
    await expectForwarded(
      world,
      infer([CHUNKED], '1;x=y\r\n{\r\n01\r\n}\r\n0\r\nX-Trailer: 1\r\n\r\n'),
    )
    const sent = world.upstream.requests.at(-1)
    expect(sent?.head.match(/^(?:transfer-encoding|content-length):/gim)).toHaveLength(1)
    expect(sent?.raw).not.toMatch(/x-trailer|x=y/i)
  })

  it('a body with a length is sent to its last byte and no further', async () => {
    await expectForwarded(world, infer(['Content-Length: 2'], '{}'))
    expect(world.upstream.requests.at(-1)?.body).toBe('{}')
  })
})
