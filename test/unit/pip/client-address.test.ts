import { describe, expect, it } from '@jest/globals'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { createAddressResolver, type ForwardedHeader } from '../../../gateway/pip/client-address.ts'
import { headersOf } from '../../support/policy.ts'

const TRUSTED = ['10.0.0.0/8', '127.0.0.1/32', '::1/128', 'fd00::/8', 'fe80::/10']

function resolve(
  peer: string,
  headers: string[],
  more: { trusted?: string[]; kind?: ForwardedHeader } = {},
) {
  const resolver = createAddressResolver({
    trustedProxies: more.trusted ?? TRUSTED,
    headerKind: more.kind ?? 'x-forwarded-for',
  })
  const result = resolver(peer, headersOf(...headers))
  return isRefusal(result) ? result.reason : `${result.ip} ${result.source}`
}

const xff = (value: string) => ['x-forwarded-for', value]
const fwd = (value: string) => ['forwarded', value]

describe('without a trusted peer', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9 peer'],
    ['::ffff:203.0.113.9', '203.0.113.9 peer'],
    ['::ffff:cb00:7109', '203.0.113.9 peer'],
    ['2001:0DB8:0:0::1', '2001:db8::1 peer'],
    ['2001:db8:0:1::', '2001:db8:0:1:: peer'],
    ['fe80::1%eth0', 'fe80::1 peer'],
    ['', 'internal'],
    ['nonsense', 'internal'],
  ])('the peer %s is %s, whatever the headers say', (peer, expected) => {
    expect(resolve(peer, xff('198.51.100.1'), { trusted: [] })).toBe(expected)
    expect(resolve(peer, xff('garbage,,'), { trusted: [] })).toBe(expected)
  })

  it('trusts nobody it was not told to', () => {
    expect(resolve('192.168.1.1', xff('198.51.100.1'))).toBe('192.168.1.1 peer')
  })
})

describe('X-Forwarded-For from a trusted peer', () => {
  it.each([
    ['198.51.100.1', '198.51.100.1 forwarded'],
    ['10.0.0.5, 203.0.113.9', '203.0.113.9 forwarded'],
    ['203.0.113.9, 10.0.0.5', '203.0.113.9 forwarded'],
    ['198.51.100.1, 203.0.113.9, 10.0.0.5, 10.0.0.6', '203.0.113.9 forwarded'],
    ['10.0.0.5, 10.0.0.6', '10.0.0.5 forwarded'],
    ['<script>, ,203.0.113.9', '203.0.113.9 forwarded'],
    ['::ffff:203.0.113.9', '203.0.113.9 forwarded'],
    ['203.0.113.9,::ffff:10.0.0.5', '203.0.113.9 forwarded'],
    ['2001:DB8::0:1', '2001:db8::1 forwarded'],
    ['203.0.113.9:4711', '203.0.113.9 forwarded'],
    ['[2001:db8::1]:443', '2001:db8::1 forwarded'],
    [' 203.0.113.9\t', '203.0.113.9 forwarded'],
    ['', 'forwarded_invalid'],
    ['garbage', 'forwarded_invalid'],
    ['203.0.113.9, garbage', 'forwarded_invalid'],
    ['203.0.113.9,', 'forwarded_invalid'],
    ['garbage, 10.0.0.5', 'forwarded_invalid'],
    ['fe80::1%eth0', 'forwarded_invalid'],
    ['::1%lo', 'forwarded_invalid'],
    ['010.0.0.1', 'forwarded_invalid'],
    ['1.2.3', 'forwarded_invalid'],
    ['203.0.113.9:99999', 'forwarded_invalid'],
    ['[203.0.113.9]', 'forwarded_invalid'],
    ['unknown', 'forwarded_invalid'],
  ])('%j gives %s', (value, expected) => {
    expect(resolve('10.0.0.1', xff(value))).toBe(expected)
  })

  it('is the peer when the header is absent', () => {
    expect(resolve('::ffff:10.0.0.1', [])).toBe('10.0.0.1 peer')
  })

  it('joins repeated headers in order', () => {
    const twice = [...xff('198.51.100.1'), ...xff('203.0.113.9, 10.0.0.5')]
    expect(resolve('10.0.0.1', twice)).toBe('203.0.113.9 forwarded')
  })

  it('is bounded at 32 hops and 4 KiB', () => {
    const hops = (n: number) => Array.from({ length: n }, () => '10.0.0.2').join(',')
    expect(resolve('10.0.0.1', xff(hops(32)))).toBe('10.0.0.2 forwarded')
    expect(resolve('10.0.0.1', xff(hops(33)))).toBe('forwarded_invalid')
    expect(resolve('10.0.0.1', xff(hops(10_000)))).toBe('forwarded_invalid')
    expect(resolve('10.0.0.1', xff(`${'x'.repeat(65_536)},1.2.3.4`))).toBe('forwarded_invalid')
  })
})

describe('Forwarded from a trusted peer', () => {
  it.each([
    ['for=203.0.113.9', '203.0.113.9 forwarded'],
    ['For="[2001:db8::1]:4711";proto=https;host=evil, for=10.0.0.9', '2001:db8::1 forwarded'],
    ['for=198.51.100.1, for=203.0.113.9;by=10.0.0.1', '203.0.113.9 forwarded'],
    ['for="203.0.113.9:80"', '203.0.113.9 forwarded'],
    ['for=_hidden', 'forwarded_invalid'],
    ['for=unknown', 'forwarded_invalid'],
    ['proto=https', 'forwarded_invalid'],
    ['for=203.0.113.9;for=10.0.0.1', 'forwarded_invalid'],
    ['for=[2001:db8::1]', 'forwarded_invalid'],
    ['for="[fe80::1%25eth0]"', 'forwarded_invalid'],
    ['for="a, for=203.0.113.9', 'forwarded_invalid'],
    ['for=203.0.113.9,', 'forwarded_invalid'],
    ['for=203.0.113.9 x', 'forwarded_invalid'],
    ['', 'forwarded_invalid'],
    [Array.from({ length: 33 }, () => 'for=10.0.0.2').join(','), 'forwarded_invalid'],
  ])('%j gives %s', (value, expected) => {
    expect(resolve('10.0.0.1', fwd(value), { kind: 'forwarded' })).toBe(expected)
  })

  it('must not contradict the header that is not configured', () => {
    const agree = [...fwd('for=203.0.113.9'), ...xff('203.0.113.9')]
    const differ = [...fwd('for=203.0.113.9'), ...xff('198.51.100.1')]
    expect(resolve('10.0.0.1', agree)).toBe('203.0.113.9 forwarded')
    expect(resolve('10.0.0.1', differ)).toBe('forwarded_invalid')
    expect(resolve('10.0.0.1', differ, { kind: 'forwarded' })).toBe('forwarded_invalid')
  })

  it('is not guessed when only the other one is sent', () => {
    expect(resolve('10.0.0.1', fwd('for=203.0.113.9'))).toBe('10.0.0.1 peer')
  })
})

it('refuses networks that are no networks', () => {
  for (const cidr of ['0.0.0.0/0', '10.0.0.1/8', '10.0.0.0/33', 'localhost', '*']) {
    expect(() => resolve('10.0.0.1', [], { trusted: [cidr] })).toThrow(/trusted proxy/)
  }
})
