/** Rules about countries decide over a real socket: a header of a trusted proxy, or a database. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startBuiltWorld, runModelgate, type BuiltWorld } from '../support/built-gateway.ts'
import { countryRecord, mmdbOf } from '../support/mmdb.ts'
import { until } from '../support/world-files.ts'

const CONDITIONS = 'conditions:\n  at-home: { kind: geo, countries: [DE, FR] }\n'
const RULES = { 'conditions.yaml': CONDITIONS }
const POLICY = `p, role:reader, infer, model:*, at-home, allow
p, role:reader, read, model:*, always, allow
p, role:reader, read, model:*, !at-home, deny
`

let lastId: string | null = null

async function ask(world: BuiltWorld, headers: Record<string, string> = {}) {
  const response = await fetch(`${world.url}/v2/models/iris`, {
    headers: { authorization: `Bearer ${await world.token(['reader'])}`, ...headers },
  })
  await response.arrayBuffer()
  lastId = response.headers.get('x-modelgate-decision-id')
  return response.status
}

/** A refusal is answered while it is written down: its record may come a moment later. */
const lastDecision = (world: BuiltWorld) =>
  world.whenRecord(({ type, id }) => type === 'decision' && id === lastId)

describe('a header of a trusted proxy', () => {
  let world: BuiltWorld
  beforeAll(async () => {
    world = await startBuiltWorld({
      policy: POLICY,
      rules: RULES,
      config: { trusted_proxies: ['127.0.0.0/8'], geo: { header: 'x-edge-country' } },
    })
  }, 30_000)
  afterAll(() => world.close())

  it.each([
    ['DE', 200],
    ['FR', 200],
    ['CH', 403],
    ['XX', 403],
    ['de', 400],
    ['DE, FR', 400],
  ])('%s gives %d', async (country, status) => {
    expect(await ask(world, { 'x-edge-country': country })).toBe(status)
  })

  it('that is missing leaves the country unknown, and the deny applies', async () => {
    expect(await ask(world)).toBe(403)
    expect(await lastDecision(world)).toMatchObject({
      reason: 'denied_by_rule',
      failed: [{ name: 'at-home', is: 'unknown', why: 'the country is not known' }],
    })
  })

  it('is in the record, and goes no further', async () => {
    const before = world.upstream.requests.length
    expect(await ask(world, { 'x-edge-country': 'DE', 'cf-ipcountry': 'US' })).toBe(200)
    expect(await lastDecision(world)).toMatchObject({
      env: { country: { code: 'DE', src: 'trusted-hop' } },
    })
    const sent = world.upstream.requests[before]?.headers ?? {}
    expect(Object.keys(sent)).not.toContain('x-edge-country')
    expect(Object.keys(sent)).not.toContain('cf-ipcountry')
  })
})

describe('a header of nobody who is trusted', () => {
  it('is not read, and goes no further either', async () => {
    const world = await startBuiltWorld({
      policy: `${POLICY}p, role:reader, read, server:*, always, allow\n`,
      rules: RULES,
      config: { geo: { header: 'x-edge-country' } },
    })
    try {
      expect(world.logText()).toContain('the header is never read')
      expect(await ask(world, { 'x-edge-country': 'DE' })).toBe(403)
      const headers = {
        authorization: `Bearer ${await world.token(['reader'])}`,
        'x-edge-country': 'DE',
        X_Edge_Country: 'DE',
      }
      await (await fetch(`${world.url}/v2`, { headers })).arrayBuffer()
      const sent = world.upstream.requests.at(-1)?.headers ?? {}
      expect(Object.keys(sent).map((name) => name.replaceAll('_', '-'))).not.toContain(
        'x-edge-country',
      )
    } finally {
      await world.close()
    }
  }, 30_000)
})

describe('a database of addresses', () => {
  let world: BuiltWorld
  const database = (country: string) => mmdbOf({ '127.0.0.0/8': countryRecord(country, 'DE') })
  const write = async (bytes: Buffer) => {
    await writeFile(join(world.dir, 'next.mmdb'), bytes)
    await rename(join(world.dir, 'next.mmdb'), join(world.dir, 'countries.mmdb'))
  }
  const whenStatus = (status: number) =>
    until(`status ${status}`, async () => (await ask(world)) === status, 10_000)
  beforeAll(async () => {
    world = await startBuiltWorld({
      policy: POLICY,
      rules: RULES,
      config: { geo: { database_file: 'countries.mmdb' }, rules: { dir: 'rules', poll: '1h' } },
      prepare: ({ dir }) => writeFile(join(dir, 'countries.mmdb'), database('DE')),
    })
  }, 30_000)
  afterAll(() => world.close())

  it('decides by the client address, whatever headers say', async () => {
    expect(await ask(world, { 'cf-ipcountry': 'CH' })).toBe(200)
    expect(await lastDecision(world)).toMatchObject({
      env: { country: { code: 'DE', src: 'database' } },
    })
  })

  it('that changes is in force without a restart', async () => {
    await write(database('CH'))
    await whenStatus(403)
    await write(database('FR'))
    await whenStatus(200)
  })

  it('that is damaged is told with its name, and the old one stays', async () => {
    await write(database('CH').subarray(0, -40))
    await world.whenLogged('the configuration cannot be used')
    const log = world.logText()
    expect(log).toContain('countries.mmdb is not a MaxMind DB file')
    expect(log).toContain('unusable-database')
    expect(await ask(world)).toBe(200)
    const args = ['check', '--config', world.configFile, '--rules', world.rulesDir]
    const checked = await runModelgate(args)
    expect(checked.code).toBe(3)
    expect(checked.stdout + checked.stderr).toMatch(
      /gateway\.yaml:\d+:\d+: error: .*countries\.mmdb/,
    )
    await write(database('DE'))
    await until('a good reload', async () => {
      return (await world.metric('config_last_reload_successful')) === 1
    })
  })
})
