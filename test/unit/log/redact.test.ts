import { describe, expect, it } from '@jest/globals'
import { isSecretName, safeFields, scrubText } from '../../../gateway/log/redact.ts'
import { IN_ONE_PASS, timesAsLong } from '../../support/growth.ts'

const JWT = `eyJhbGciOiJSUzI1NiJ9.${'eyJzdWIiOiJhbGljZSJ9'.repeat(3)}.c2lnbmF0dXJl`

describe('field names', () => {
  it.each([
    'authorization',
    'Authorization',
    'Proxy-Authorization',
    'cookie',
    'set-cookie',
    'DPoP',
    'token',
    'access_token',
    'id_token',
    'refreshToken',
    'client_assertion',
    'x-api-key',
    'X-API-Key',
    'apiKey',
    'client_secret',
    'secretAccessKey',
    'password',
    'db_password_2',
    'private_key',
    'x-modelgate-assertion',
    'body',
  ])('%s is secret', (name) => {
    expect(isSecretName(name)).toBe(true)
    expect(safeFields({ [name]: 'value', nested: { [name]: ['value'] } })).toEqual({
      [name]: '[redacted]',
      nested: { [name]: '[redacted]' },
    })
  })

  it.each(['reason', 'tokenId', 'upstream', 'key', 'decision_id', 'bodyBytes', 'issuer'])(
    '%s is not',
    (name) => {
      expect(safeFields({ [name]: 'value' })).toEqual({ [name]: 'value' })
    },
  )
})

describe('texts', () => {
  it.each([
    [`got ${JWT} from`, 'got [redacted] from'],
    [`Authorization: Bearer abc.def`, 'Authorization: Bearer [redacted]'],
    ['GET /v1?access_token=abc&x=1', 'GET /v1?access_token=[redacted]&x=1'],
    ['redis://user:pw@10.0.0.1:6379/0', 'redis://[redacted]@10.0.0.1:6379/0'],
    ['client_secret=abc', 'client_secret=[redacted]'],
  ])('%j is written as %j', (text, expected) => {
    expect(scrubText(text)).toBe(expected)
  })

  it('past the bound are cut and still told apart', () => {
    const [a, b] = [scrubText(`${'x'.repeat(1e6)}a`), scrubText(`${'x'.repeat(1e6)}b`)]
    expect(a).toMatch(/^x{2048}… \[1000001 characters, sha256 [0-9a-f]{16}\]$/)
    expect(a).not.toBe(b)
  })

  it.each(['eyJ', 'eyJaaaaaaaa.', 'bearer ', 'token', '://', '_token'])(
    'that are made to be slow of %s are not',
    (part) => {
      const scrub = (times: number) => () => void scrubText(part.repeat(times))
      expect(timesAsLong(scrub(100_000), scrub(10_000))).toBeLessThan(IN_ONE_PASS)
    },
  )
})

describe('values', () => {
  it('of any kind become plain', () => {
    const cause = Object.assign(new Error(`bad ${JWT}`), { code: 'ERR_X' })
    const fields = safeFields({
      error: new Error('outer', { cause }),
      url: new URL('http://u:p@h/x'),
      when: new Date(0),
      never: new Date(Number.NaN),
      bytes: Buffer.from('secret prompt'),
      map: new Map([['password', 'x']]),
      set: new Set([1]),
      big: 1n,
      call: () => 1,
      list: Array.from({ length: 1000 }, (_, i) => i),
    })
    expect(fields).toMatchObject({
      error: {
        name: 'Error',
        message: 'outer',
        cause: { code: 'ERR_X', message: 'bad [redacted]' },
      },
      url: 'http://[redacted]@h/x',
      when: new Date(0),
      never: 'invalid date',
      bytes: '[13 bytes]',
      map: { password: '[redacted]' },
      set: [1],
      big: '1',
      call: undefined,
    })
    expect(fields['list']).toHaveLength(64)
  })

  it('that go round in circles or throw end', () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    expect(JSON.stringify(safeFields({ circle }))).toContain('[too deep]')
    const hostile = {
      get trap(): string {
        throw new Error('no')
      },
    }
    expect(safeFields({ hostile })).toEqual({ unloggable: true })
  })
})
