import { describe, expect, it } from '@jest/globals'
import type { HeaderBag } from '../../../gateway/domain/request.ts'
import { isManagedHeader } from '../../../gateway/forward/header-names.ts'
import { inboundResponseHeaders, outboundHeaders } from '../../../gateway/forward/headers.ts'

function bag(...pairs: string[]): HeaderBag {
  const values = new Map<string, string>()
  for (let i = 0; i < pairs.length; i += 2) values.set(pairs[i] ?? '', pairs[i + 1] ?? '')
  return { pairs, get: (name) => values.get(name) }
}

const own = { requestId: 'r-1', clientIp: '192.0.2.1', inspect: false }
const ours = ['via', '1.1 modelgate', 'x-request-id', 'r-1', 'x-forwarded-for', '192.0.2.1']

describe('outboundHeaders', () => {
  it.each([
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'proxy-authenticate',
    'proxy-authorization',
    'expect',
    'host',
    'content-length',
    'authorization',
    'dpop',
    'cookie',
  ])('never forwards %s', (name) => {
    expect(outboundHeaders(bag(name, 'x', 'accept', '*/*'), own)).toEqual([
      'accept',
      '*/*',
      ...ours,
    ])
  })

  it.each([
    'x-forwarded-user',
    'X-Forwarded-For',
    'x_forwarded_for',
    'forwarded',
    'x-real-ip',
    'x-modelgate-assertion',
    'x_modelgate_subject',
    'x-auth-request-email',
    'remote-user',
    'remote_groups',
    'x-remote-user',
    'x-consumer-username',
    'x-device-posture',
    'x-original-url',
    'x-rewrite-url',
    'x-envoy-original-path',
    'x-http-method-override',
    'x-method-override',
    'x-gw-subject',
    'x-ms-client-principal-id',
    'x-ssl-client-verify',
    'x-request-id',
  ])('drops the managed field %s', (name) => {
    expect(isManagedHeader(name)).toBe(true)
    expect(outboundHeaders(bag(name, 'forged'), own)).toEqual(ours)
  })

  it('removes what Connection names, but never an end-to-end field', () => {
    const received = bag(
      ...['connection', 'close, X-Secret , content-type,authorization', 'x-secret', '1'],
      ...['content-type', 'application/json', 'traceparent', '00-a-b-01'],
    )
    expect(outboundHeaders(received, own)).toEqual([
      ...['content-type', 'application/json', 'traceparent', '00-a-b-01'],
      ...ours,
    ])
  })

  it('adds its own last, whatever Connection names', () => {
    const received = bag('connection', 'x-modelgate-assertion, x-request-id, x-api-key')
    const credential = ['x-api-key', 'upstream-secret'] as const
    const sent = outboundHeaders(received, { ...own, assertion: 'a.b.c', credential })
    expect(sent.slice(-4)).toEqual(['x-modelgate-assertion', 'a.b.c', ...credential])
  })

  it('replaces the field of the upstream credential', () => {
    const sent = outboundHeaders(bag('x-api-key', 'of the caller'), {
      ...own,
      credential: ['X-Api-Key', 'ours'],
    })
    expect(sent).toEqual([...ours, 'X-Api-Key', 'ours'])
  })

  it('lets credentials of the caller through only when told to', () => {
    const received = bag('authorization', 'Bearer t', 'cookie', 'a=b')
    const sent = outboundHeaders(received, { ...own, passAuthorization: true, passCookies: true })
    expect(sent.slice(0, 4)).toEqual(['authorization', 'Bearer t', 'cookie', 'a=b'])
  })

  it('leaves no way around the inspection of the answer', () => {
    const received = bag(
      'range',
      'bytes=1-',
      'if-range',
      '"a"',
      'accept-encoding',
      'br',
      'a-im',
      'x',
    )
    expect(outboundHeaders(received, { ...own, inspect: true })).toEqual([
      'accept-encoding',
      'identity',
      ...ours,
    ])
    expect(outboundHeaders(received, own).slice(0, 2)).toEqual(['range', 'bytes=1-'])
  })
})

describe('inboundResponseHeaders', () => {
  it('keeps repeated fields and drops what is not for the client', () => {
    const headers = {
      'set-cookie': ['a=1', 'b=2'],
      link: 'x',
      'alt-svc': 'h3',
      'proxy-status': 'y',
      'x-accel-redirect': '/z',
      connection: 'x-hop, link',
      'x-hop': '1',
      'transfer-encoding': 'chunked',
    }
    expect(inboundResponseHeaders(headers)).toEqual(['link', 'x'])
    expect(inboundResponseHeaders(headers, { keepSetCookie: true })).toEqual([
      ...['set-cookie', 'a=1', 'set-cookie', 'b=2'],
      ...['link', 'x'],
    ])
  })

  it.each([
    ['a line break', { 'x-a': 'b\r\nset-cookie: c' }],
    ['a character past Latin-1', { 'x-a': '\u010a' }],
    ['a long value', { 'x-a': 'a'.repeat(8 * 1024 + 1) }],
    ['too much in all', Object.fromEntries([1, 2, 3].map((i) => [`x-${i}`, 'a'.repeat(6_000)]))],
    ['too many', Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`x-${i}`, 'a']))],
  ])('refuses a block with %s', (_, headers) => {
    expect(inboundResponseHeaders(headers)).toBeUndefined()
  })
})
