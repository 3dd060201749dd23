import { describe, expect, it } from '@jest/globals'
import { createPostureReader } from '../../../gateway/pip/device-posture.ts'
import { headersOf } from '../../support/policy.ts'

const NOW = 1_795_289_709_000
const read = createPostureReader({ trustedProxies: ['10.0.0.0/8'] })
const from = (peer: string, ...peerNames: string[]) => ({ peer, peerNames })
const posture = (...values: string[]) =>
  read(from('10.0.0.1'), headersOf(...values.flatMap((value) => ['x-device-posture', value])), NOW)

describe('a posture header', () => {
  it('is read from a trusted hop', () => {
    const header =
      'managed=?1, compliant=?0, encrypted, os="macos", os_version="14.5", id="a\\"b", assessed_at=1795289709'
    expect(posture(header)).toEqual({
      managed: true,
      compliant: false,
      encrypted: true,
      os: 'macos',
      osVersion: '14.5',
      id: 'a"b',
      assessedAt: NOW,
      source: 'trusted-hop',
    })
    expect(posture('assessed_at=@1795289709')).toEqual({ assessedAt: NOW, source: 'trusted-hop' })
  })

  it('is not read from anyone else', () => {
    const headers = headersOf('x-device-posture', 'managed')
    expect(read(from('203.0.113.9'), headers, NOW)).toBeUndefined()
    const trustless = createPostureReader({ trustedProxies: [] })
    expect(trustless(from('10.0.0.1'), headers, NOW)).toBeUndefined()
    expect(posture()).toBeUndefined()
  })

  it('is read from a hop that proved itself with a certificate, whatever its address', () => {
    const name = 'URI:spiffe://corp/posture-proxy'
    const reader = createPostureReader({ trustedProxies: ['10.0.0.0/8'], mtlsHops: [name] })
    const headers = headersOf('x-device-posture', 'managed')
    const said = (...names: string[]) => reader(from('203.0.113.9', ...names), headers, NOW)
    expect(said('DNS:localhost', name)).toEqual({ managed: true, source: 'mtls-hop' })
    expect(said()).toBeUndefined()
    expect(said(`${name}-2`, 'URI:spiffe://corp', name.toUpperCase())).toBeUndefined()
    expect(reader(from('10.0.0.1', name), headers, NOW)).toHaveProperty('source', 'mtls-hop')
  })

  it('takes an assessment within the skew of clocks, and refuses one that cannot be', () => {
    expect(posture('managed, assessed_at=1795289769')).toMatchObject({ assessedAt: NOW + 60_000 })
    for (const text of ['assessed_at=1795289770', 'assessed_at=1795289709000', 'assessed_at=-1']) {
      expect(posture(`managed, ${text}`)).toMatchObject({ reason: 'forwarded_invalid' })
    }
  })

  it.each([
    ['two headers', ['managed=?1', 'managed=?0']],
    ['a repeated key', ['managed=?1, managed=?0']],
    ['an unknown key', ['managed, trusted']],
    ['a prototype', ['__proto__="x"']],
    ['another prototype', ['constructor=?1']],
    ['a word', ['compliant, noncompliant']],
    ['a capital key', ['Managed']],
    ['true', ['managed=true']],
    ['1', ['managed=1']],
    ['?2', ['managed=?2']],
    ['a string for a boolean', ['managed="?1"']],
    ['a number for a string', ['os=14']],
    ['a fraction', ['assessed_at=1.5']],
    ['a bare string', ['os=macos']],
    ['an open string', ['os="macos']],
    ['a control character', ['os="mac\tos"']],
    ['an empty string', ['os=""']],
    ['an empty header', ['']],
    ['a trailing comma', ['managed,']],
    ['a parameter', ['managed;q=1']],
    ['an inner list', ['os=("a" "b")']],
    ['JSON', ['{"managed":true}']],
    ['base64', [':bWFuYWdlZA==:']],
    ['spaces around =', ['managed = ?1']],
    ['10 KiB', [`id="${'x'.repeat(10_240)}"`]],
    ['a long string', [`id="${'x'.repeat(257)}"`]],
    ['a huge number', ['assessed_at=99999999999999999']],
  ])('refuses %s', (_name, values) => {
    expect(posture(...values)).toMatchObject({ outcome: 'refused', reason: 'forwarded_invalid' })
  })
})
