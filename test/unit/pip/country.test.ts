import { describe, expect, it } from '@jest/globals'
import { createCountryReader } from '../../../gateway/pip/country.ts'
import { createPostureReader } from '../../../gateway/pip/device-posture.ts'
import { createEnvironmentGatherer } from '../../../gateway/pip/environment.ts'
import { headersOf, subjectOf, WORKDAY } from '../../support/policy.ts'

const CLIENT = { ip: '203.0.113.9', source: 'forwarded' } as const
const HEADER = 'cf-ipcountry'
const read = createCountryReader({ trustedProxies: ['10.0.0.0/8', 'fd00::/8'], header: HEADER })
const from = (peer: string, ...pairs: string[]) =>
  read({ peer, client: CLIENT, headers: headersOf(...pairs) })

describe('the country in a header', () => {
  it('of a trusted proxy counts', () => {
    for (const peer of ['10.0.0.1', '::ffff:10.0.0.1', 'fd00::1']) {
      expect(from(peer, HEADER, 'DE')).toEqual({ code: 'DE', source: 'trusted-hop' })
    }
    expect(from('10.0.0.1', HEADER, 'XK')).toMatchObject({ code: 'XK' })
  })

  it.each(['192.0.2.1', '11.0.0.1', '::1', '', 'x', '10.0.0.1.evil'])(
    'of %j is not read, whatever it says',
    (peer) => {
      expect(from(peer, HEADER, 'DE')).toBeUndefined()
      expect(from(peer, HEADER, 'DE', HEADER, 'FR')).toBeUndefined()
      expect(from(peer, HEADER, 'de')).toBeUndefined()
    },
  )

  it.each(['XX', 'T1', 'ZZ', 'EU', 'AP', 'UK', 'A1', 'AA'])('%s is no country: unknown', (code) => {
    expect(from('10.0.0.1', HEADER, code)).toBeUndefined()
  })

  it.each([
    '',
    'de',
    'De',
    'DEU',
    'D',
    ' DE',
    'DE ',
    'DE,FR',
    'DE, DE',
    '1T',
    'ＤＥ',
    'D\u0130',
    '--',
  ])('%j is refused', (value) => {
    expect(from('10.0.0.1', HEADER, value)).toMatchObject({ reason: 'forwarded_invalid' })
  })

  it('twice is refused, even when both say the same', () => {
    const twice = from('10.0.0.1', HEADER, 'DE', 'accept', '*/*', HEADER, 'DE')
    expect(twice).toMatchObject({ reason: 'forwarded_invalid' })
  })

  it('is unknown without the header, and under any other name', () => {
    expect(from('10.0.0.1')).toBeUndefined()
    expect(from('10.0.0.1', 'cf_ipcountry', 'DE', 'x-country', 'DE')).toBeUndefined()
  })

  it('is never read where nobody is trusted', () => {
    const deaf = createCountryReader({ trustedProxies: [], header: HEADER })
    const headers = headersOf(HEADER, 'DE')
    expect(deaf({ peer: '10.0.0.1', client: CLIENT, headers })).toBeUndefined()
  })
})

describe('the country from a database', () => {
  it('is that of the client address, and no header counts', () => {
    const database = { countryOf: (ip: string) => (ip === CLIENT.ip ? 'FR' : undefined) }
    const look = createCountryReader({ database })
    const headers = headersOf(HEADER, 'DE')
    const country = look({ peer: '10.0.0.1', client: CLIENT, headers })
    expect(country).toEqual({ code: 'FR', source: 'database' })
    const other = { ip: '203.0.113.10', source: 'peer' } as const
    expect(look({ peer: '10.0.0.1', client: other, headers })).toBeUndefined()
  })

  it('is looked up once for an address, known or not, within bounds', () => {
    const asked: string[] = []
    const database = { countryOf: (ip: string) => (asked.push(ip), undefined) }
    const look = createCountryReader({ database })
    const headers = headersOf()
    const at = (ip: string) => look({ peer: '', client: { ip, source: 'peer' }, headers })
    at('192.0.2.1')
    at('192.0.2.1')
    expect(asked).toEqual(['192.0.2.1'])
    for (let i = 0; i < 4096; i++) at(`10.0.${i >> 8}.${i & 255}`)
    at('192.0.2.1')
    expect(asked).toHaveLength(4098)
  })
})

describe('the environment', () => {
  const gather = createEnvironmentGatherer({
    readPosture: createPostureReader({ trustedProxies: ['10.0.0.0/8'] }),
    readCountry: read,
    postureAgeMaxMs: 900_000,
  })
  const request = (...pairs: string[]) => ({
    now: WORKDAY,
    peer: '10.0.0.1',
    peerNames: [],
    client: CLIENT,
    headers: headersOf(...pairs),
    subject: subjectOf(),
  })

  it('has the country beside the posture', () => {
    expect(gather(request(HEADER, 'DE', 'x-device-posture', 'managed'))).toEqual({
      now: WORKDAY,
      client: CLIENT,
      device: { managed: true, source: 'trusted-hop' },
      country: { code: 'DE', source: 'trusted-hop' },
    })
    expect(gather(request(HEADER, 'XX'))).toEqual({ now: WORKDAY, client: CLIENT })
  })

  it('is a refusal when the country is ambiguous', () => {
    expect(gather(request(HEADER, 'DE,FR'))).toMatchObject({ reason: 'forwarded_invalid' })
  })
})
