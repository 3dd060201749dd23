import { describe, expect, it } from '@jest/globals'
import type { BodyFraming, HeaderBag, Method } from '../../../gateway/domain/request.ts'
import { readExpectation, readFraming } from '../../../gateway/pep/framing.ts'

function bag(fields: Readonly<Record<string, string>>): HeaderBag {
  return { get: (name) => fields[name], pairs: Object.entries(fields).flat() }
}

const length = (value: string) => bag({ 'content-length': value })
const coding = (value: string) => bag({ 'transfer-encoding': value })
const invalid = { reason: 'framing_invalid' }

describe('the framing of a body', () => {
  it('is none without a length and a coding, and with length 0', () => {
    expect(readFraming('POST', '1.1', bag({}))).toEqual({ kind: 'none' })
    expect(readFraming('POST', '1.1', length('0'))).toEqual({ kind: 'none' })
  })

  it.each(['1', '10', '999999999999999'])('has the length %s', (value) => {
    expect(readFraming('PUT', '1.0', length(value))).toEqual({
      kind: 'length',
      bytes: Number(value),
    })
  })

  it.each([
    '',
    '00',
    '01',
    '+1',
    '-1',
    '1 ',
    ' 1',
    '1,1',
    '1e3',
    '0x1',
    '1.0',
    '1'.repeat(16),
    '\u0661',
  ])('is invalid with the length %j', (value) => {
    expect(readFraming('POST', '1.1', length(value))).toMatchObject(invalid)
  })

  it.each(['chunked', 'Chunked', 'CHUNKED'])('is chunked by %s', (value) => {
    expect(readFraming('POST', '1.1', coding(value))).toEqual({ kind: 'chunked' })
  })

  it.each([
    '',
    'chunked ',
    'chunked, chunked',
    'gzip, chunked',
    'identity',
    'xchunked',
    '\u212ahunked',
  ])('is invalid with the coding %j', (value) => {
    expect(readFraming('POST', '1.1', coding(value))).toMatchObject(invalid)
  })

  it('is invalid with both, and chunked before HTTP/1.1', () => {
    const both = bag({ 'content-length': '2', 'transfer-encoding': 'chunked' })
    expect(readFraming('POST', '1.1', both)).toMatchObject(invalid)
    expect(readFraming('POST', '1.0', coding('chunked'))).toMatchObject(invalid)
  })

  it.each<Method>(['GET', 'HEAD', 'DELETE', 'OPTIONS'])('is invalid chunked with %s', (method) => {
    expect(readFraming(method, '1.1', coding('chunked'))).toMatchObject(invalid)
    expect(readFraming(method, '1.1', length('2'))).toEqual({ kind: 'length', bytes: 2 })
  })
})

describe('an expectation', () => {
  const body: BodyFraming = { kind: 'length', bytes: 2 }
  const expects = (value: string) => bag({ expect: value })

  it('is nothing when it is not sent', () => {
    expect(readExpectation('POST', body, bag({}))).toBeUndefined()
  })

  it.each<Method>(['POST', 'PUT', 'PATCH', 'DELETE'])('is met on a %s with a body', (method) => {
    expect(readExpectation(method, body, expects('100-Continue'))).toBe('continue')
    expect(readExpectation(method, { kind: 'chunked' }, expects('100-continue'))).toBe('continue')
  })

  it.each<[Method, BodyFraming, string]>([
    ['GET', body, '100-continue'],
    ['POST', { kind: 'none' }, '100-continue'],
    ['POST', body, '200-ok'],
    ['POST', body, '100-continue, x'],
    ['POST', body, ''],
  ])('is refused on %s with %j when it is %j', (method, framing, value) => {
    const result = readExpectation(method, framing, expects(value))
    expect(result).toMatchObject({ reason: 'expectation_failed' })
  })
})
