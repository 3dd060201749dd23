import { describe, expect, it } from '@jest/globals'
import { load, loaded, MINIMAL, places, problems } from './support.ts'

const withGeo = (geo: string, more = '') => ({ text: `${MINIMAL}${more}geo: ${geo}\n` })

describe('geo', () => {
  it('is a header, or a file from the directory of the configuration', () => {
    expect(loaded(withGeo('{ header: cf-ipcountry }')).geo).toEqual({ header: 'cf-ipcountry' })
    expect(loaded(withGeo('{ database_file: c.mmdb }')).geo).toEqual({
      databaseFile: 'config/c.mmdb',
    })
    expect(loaded().geo).toBeUndefined()
  })

  it.each([
    '{}',
    '{ header: cf-ipcountry, database_file: c.mmdb }',
    '{ header: CF-IPCountry }',
    '{ header: x-forwarded-for }',
    '{ header: authorization }',
    '{ header: x-device-posture }',
    '{ heade: cf-ipcountry }',
    '{ database_file: "" }',
  ])('%s is refused where it is written', (geo) => {
    expect(places(problems(withGeo(geo)))[0]).toMatch(/^8:\d+ (invalid-value|unknown-key)$/)
  })

  it('warns of a header that nobody may write', () => {
    const warned = load(withGeo('{ header: cf-ipcountry }'))
    expect(warned.ok && places(warned.warnings)).toEqual(['8:16 insecure-setting'])
    const trusted = load(withGeo('{ header: cf-ipcountry }', 'trusted_proxies: [10.0.0.0/8]\n'))
    expect(trusted.ok && trusted.warnings).toEqual([])
  })
})
