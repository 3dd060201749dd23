import { describe, expect, it } from '@jest/globals'
import { Reader } from 'mmdb-lib'
import { openCountryDatabase } from '../../../gateway/pip/country-database.ts'
import { countryRecord, mmdbOf, type MmdbOptions, type MmdbValue } from '../../support/mmdb.ts'

const NETWORKS = {
  '192.0.2.0/24': countryRecord('DE'),
  '192.0.2.128/25': countryRecord('FR', 'DE'),
  '198.51.100.7/32': countryRecord('CH'),
  '2001:db8::/32': countryRecord('NL'),
  '203.0.113.0/24': { registered_country: { iso_code: 'US' } },
  '203.0.112.0/24': { country: { iso_code: 'EU' } },
  '203.0.111.0/24': { country: 'DE' },
  '203.0.110.0/24': { ['__proto__']: { country: { iso_code: 'DE' } } },
} as const

async function open(bytes: Buffer) {
  const database = await openCountryDatabase(bytes)
  if ('problem' in database) throw new Error(database.problem)
  return database
}

const problemOf = async (bytes: Buffer): Promise<string> => {
  const database = await openCountryDatabase(bytes)
  return 'problem' in database ? database.problem : 'it opened'
}

describe.each([24, 28, 32] as const)('a database with records of %d bits', (recordSize) => {
  it.each([
    ['192.0.2.1', 'DE'],
    ['192.0.2.127', 'DE'],
    ['192.0.2.128', 'FR'],
    ['192.0.3.0', undefined],
    ['198.51.100.7', 'CH'],
    ['198.51.100.8', undefined],
    ['2001:db8::1', 'NL'],
    ['2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 'NL'],
    ['2001:db9::', undefined],
    // Where a network is registered is not where it is.
    ['203.0.113.1', undefined],
    // A region is no country, a text no record, and a prototype no property.
    ['203.0.112.1', undefined],
    ['203.0.111.1', undefined],
    ['203.0.110.1', undefined],
    ['::', undefined],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', undefined],
  ])('%s is in %s', async (ip, country) => {
    const database = await open(mmdbOf(NETWORKS, { recordSize }))
    expect(database.countryOf(ip)).toBe(country)
  })

  it('is read the same by the library alone', () => {
    const reader = new Reader(mmdbOf(NETWORKS, { recordSize }))
    expect(reader.get('192.0.2.200')).toEqual(countryRecord('FR', 'DE'))
    expect(reader.get('2001:db8::1')).toEqual(countryRecord('NL'))
    expect(reader.get('192.0.3.0')).toBeNull()
    expect(reader.metadata).toMatchObject({ databaseType: 'Test-Country', recordSize })
  })
})

describe('a database of IPv4 alone', () => {
  it('says nothing of IPv6, whose first bits could be those of an IPv4 address', async () => {
    // 2001:db8:: begins with the bits of 32.1.13.184.
    const networks = { '32.0.0.0/8': countryRecord('US') }
    const database = await open(mmdbOf(networks, { ipVersion: 4 }))
    expect(database.countryOf('32.1.13.184')).toBe('US')
    expect(database.countryOf('2001:db8::')).toBeUndefined()
  })
})

describe('a file by hand, byte by byte', () => {
  // One node of two 24-bit records: left is the data at 0 (1 + 16 + 0), right is nothing (1).
  const tree = Buffer.from([0, 0, 17, 0, 0, 1])
  // A map of one: "country" -> a map of one: "iso_code" -> a pointer to the text at 23.
  const record = Buffer.from([
    0xe1,
    0x47,
    ...Buffer.from('country'),
    0xe1,
    0x48,
    ...Buffer.from('iso_code'),
    0x20,
    23,
    0,
    0,
    0x42,
    ...Buffer.from('AT'),
  ])
  const text = (value: string) => [0x40 | value.length, ...Buffer.from(value)]
  const metadata = (nodes: number, size: number, version = 4) =>
    Buffer.from([
      ...Buffer.from('ABCDEF4D61784D696E642E636F6D', 'hex'),
      0xe5,
      ...[...text('node_count'), 0xc1, nodes, ...text('record_size'), 0xa1, size],
      ...[...text('ip_version'), 0xa1, version],
      ...[...text('binary_format_major_version'), 0xa1, 2],
      ...[...text('build_epoch'), 0x01, 0x02, 1],
    ])
  const file = (parts: Partial<Record<'tree' | 'gap' | 'record' | 'metadata', Buffer>> = {}) =>
    Buffer.concat([
      parts.tree ?? tree,
      parts.gap ?? Buffer.alloc(16),
      parts.record ?? record,
      parts.metadata ?? metadata(1, 24),
    ])

  it('is read, pointer and all', async () => {
    const database = await open(file())
    expect(database.countryOf('10.0.0.1')).toBe('AT')
    expect(database.countryOf('200.0.0.1')).toBeUndefined()
  })

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('# this is YAML\n'.repeat(100))],
    ['zeros', Buffer.alloc(4096)],
    ['metadata alone', metadata(1, 24)],
    ['metadata cut off', file().subarray(0, -8)],
    ['no metadata', file().subarray(0, 46)],
    ['a tree that is larger than the file', file({ metadata: metadata(200, 24) })],
    ['a tree that is smaller than said', file({ metadata: metadata(1, 28) })],
    ['records of another size', file({ metadata: metadata(1, 20) })],
    ['no nodes', file({ metadata: metadata(0, 24) })],
    ['another IP version', file({ metadata: metadata(1, 24, 5) })],
    ['no gap after the tree', file({ gap: Buffer.alloc(16, 1) })],
    ['a record past the data', file({ tree: Buffer.from([0, 0, 17, 0, 1, 1]) })],
    ['a record in the gap', file({ tree: Buffer.from([0, 0, 17, 0, 0, 9]) })],
  ])('is refused when it is %s', async (_what, bytes) => {
    expect(await problemOf(bytes)).toMatch(/^is not a MaxMind DB file/)
  })

  it('is refused when it says nothing of countries', async () => {
    const asn: Record<string, MmdbValue> = { '192.0.2.0/24': { autonomous_system_number: 64500 } }
    expect(await problemOf(mmdbOf(asn))).toMatch(/holds no country\.iso_code/)
    expect(await problemOf(mmdbOf({}))).toMatch(/holds no country\.iso_code/)
  })

  it('does not follow pointers for ever', async () => {
    const circle = Buffer.from([0xe1, 0x47, ...Buffer.from('country'), 0x20, 0])
    expect(await problemOf(file({ record: circle }))).toMatch(/holds no country/)
    // Lists of pointers to lists of pointers: 28 to the power of the depth, in a few hundred bytes.
    const depth = 12
    const lists = Array.from({ length: depth }, (_, level) => {
      const next = (level + 1) * 58
      return Buffer.from([
        28,
        4,
        ...Array.from({ length: 28 }, () => [0x20 | (next >> 8), next & 255]).flat(),
      ])
    })
    const before = performance.now()
    expect(await problemOf(file({ record: Buffer.concat([...lists, record]) }))).toMatch(
      /no country/,
    )
    // It would be years.
    expect(performance.now() - before).toBeLessThan(10_000)
  })
})

describe('any damage', () => {
  it('is refused or answers with countries, and never throws', async () => {
    const options: MmdbOptions = { recordSize: 28 }
    const sound = mmdbOf(NETWORKS, options)
    for (let i = 0; i < sound.length; i += 7) {
      const damaged = Buffer.from(sound)
      damaged[i] = (damaged[i] ?? 0) ^ 0xff
      const database = await openCountryDatabase(damaged)
      if ('problem' in database) continue
      for (const ip of ['192.0.2.1', '2001:db8::1']) {
        expect(database.countryOf(ip) ?? 'ZZ').toMatch(/^[A-Z]{2}$/)
      }
    }
  })

  it('by cutting is always refused', async () => {
    const sound = mmdbOf(NETWORKS)
    for (let size = 0; size < sound.length; size += 13) {
      expect(await problemOf(sound.subarray(0, size))).not.toBe('it opened')
    }
  })
})
