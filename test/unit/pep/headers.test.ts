import { describe, expect, it } from '@jest/globals'
import { readHeaders } from '../../../gateway/pep/headers.ts'

const LIMITS = { headerCountMax: 4 }

describe('reading a header list', () => {
  it('lower-cases names, keeps values and order', () => {
    const bag = readHeaders(['Host', 'a', 'X-B', 'C d'], LIMITS)
    expect(bag).toMatchObject({ pairs: ['host', 'a', 'x-b', 'C d'] })
    expect('get' in bag && [bag.get('x-b'), bag.get('X-B')]).toEqual(['C d', undefined])
  })

  it('joins what RFC 9110 defines as a list', () => {
    const bag = readHeaders(['Accept', 'a', 'accept', 'b'], LIMITS)
    expect('get' in bag && bag.get('accept')).toBe('a, b')
  })

  it.each([
    'authorization',
    'content-type',
    'content-length',
    'x-device-posture',
    'x-any',
    'expect',
  ])('refuses a repeated %s', (name) => {
    expect(readHeaders([name, 'a', name.toUpperCase(), 'a'], LIMITS)).toMatchObject({
      reason: 'header_invalid',
    })
  })

  it('says of a repeated Host what it is', () => {
    expect(readHeaders(['Host', 'a', 'host', 'a'], LIMITS)).toMatchObject({
      reason: 'host_invalid',
    })
  })

  it.each(['', 'X_A', 'x a', 'x:a', 'x.a', 'x\u00e4', '__proto__', 'x\0', '(x)'])(
    'refuses the name %j',
    (name) => {
      expect(readHeaders([name, 'v'], LIMITS)).toMatchObject({ reason: 'header_invalid' })
    },
  )

  it.each(['a\0', 'a\r', 'a\nb', '\x1b[1m', '\x7f', '\u00e9', '\u{1f600}'])(
    'refuses the value %j',
    (value) => {
      expect(readHeaders(['x-a', value], LIMITS)).toMatchObject({ reason: 'header_invalid' })
    },
  )

  it.each(['', ' ', '\t', '!~', 'a\tb'])('takes the value %j', (value) => {
    expect(readHeaders(['x-a', value], LIMITS)).not.toHaveProperty('reason')
  })

  it('counts fields before it reads any', () => {
    const five = ['a', '1', 'b', '1', 'c', '1', 'd', '1', '_', '\0']
    expect(readHeaders(five.slice(0, 8), LIMITS)).not.toHaveProperty('reason')
    expect(readHeaders(five, LIMITS)).toMatchObject({ reason: 'headers_too_large' })
  })

  it('knows names of objects only when they were sent', () => {
    const bag = readHeaders(['constructor', 'x'], LIMITS)
    expect('get' in bag && [bag.get('constructor'), bag.get('toString')]).toEqual(['x', undefined])
  })
})
