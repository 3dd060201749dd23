/** Rules and configuration change under a running gateway. */
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startBuiltWorld, type BuiltWorld, type GatewayFiles } from '../support/built-gateway.ts'
import { startHttpUpstream, type HttpUpstream } from '../support/http-upstream.ts'
import { until } from '../support/world-files.ts'

const MAY_READ = 'p, role:reader, read, model:*, always, allow\n'
const MAY_INFER = 'p, role:reader, infer, model:*, always, allow\n'
const IN_FORCE = 'configuration and rules are in force'

/** Polling is as good as off, so that changes are found by notification alone. */
const CONFIG = { rules: { dir: 'rules', poll: '1h' } }

async function status(world: BuiltWorld, path = '/v2/models/iris'): Promise<number> {
  const headers = { authorization: `Bearer ${await world.token(['reader'])}` }
  const response = await fetch(world.url + path, { headers })
  await response.arrayBuffer()
  return response.status
}

const whenStatus = (world: BuiltWorld, wanted: number, path?: string) =>
  until(`status ${wanted}`, async () => (await status(world, path)) === wanted, 10_000)

describe('a change of the rules', () => {
  let world: BuiltWorld
  const writePolicy = (text: string) => writeFile(join(world.rulesDir, 'policy.csv'), text)
  beforeAll(async () => {
    world = await startBuiltWorld({ policy: MAY_INFER, config: CONFIG })
  }, 30_000)
  afterAll(() => world.close())

  it('is in force without a restart, both ways', async () => {
    expect(await status(world)).toBe(403)
    await writePolicy(MAY_READ)
    await whenStatus(world, 200)
    await writePolicy(MAY_INFER)
    await whenStatus(world, 403)
    const revisions = (await world.records()).filter(({ type }) => type === 'policy.changed')
    expect(new Set(revisions.map(({ pol }) => pol)).size).toBe(2)
    expect(revisions.length).toBeGreaterThanOrEqual(3)
  })

  it('that cannot be used changes nothing and is told at once', async () => {
    await writePolicy(MAY_READ)
    await whenStatus(world, 200)
    expect(await world.metric('config_last_reload_successful')).toBe(1)
    await writePolicy(`${MAY_READ}p, role:reader, infer, model:*\n`)
    await world.whenLogged('the rules cannot be used; what was in force stays in force')
    expect(world.logText()).toContain('policy.csv:2:1')
    expect(await world.metric('config_last_reload_successful')).toBe(0)
    expect(await status(world)).toBe(200)
    const refused = await world.whenRecord(({ type }) => type === 'policy.refused')
    expect(refused).toMatchObject({
      what: 'rules',
      where: expect.stringMatching(/policy\.csv:2:1$/) as unknown,
    })
    await writePolicy(MAY_READ + MAY_INFER)
    await until('a good reload', async () => {
      return (await world.metric('config_last_reload_successful')) === 1
    })
  })

  it('is looked for on SIGHUP', async () => {
    const loads = () => world.metric('policy_reload_total', { result: 'success' })
    const before = await loads()
    world.signal('SIGHUP')
    await until('a reload', async () => (await loads()) === before + 1)
    expect(await status(world)).toBe(200)
  })
})

describe('a ConfigMap', () => {
  /** As the kubelet lays files out: the files are links through `..data`, which is swapped. */
  async function mountAsVolume({ rulesDir }: GatewayFiles): Promise<void> {
    const names = (await readdir(rulesDir)).filter((name) => name !== 'routes')
    await mkdir(join(rulesDir, '..2026_01'))
    for (const name of names) {
      await rename(join(rulesDir, name), join(rulesDir, '..2026_01', name))
      await symlink(join('..data', name), join(rulesDir, name))
    }
    await symlink('..2026_01', join(rulesDir, '..data'))
  }

  it('takes effect when its symbolic link is swapped', async () => {
    const world = await startBuiltWorld({
      policy: MAY_INFER,
      config: CONFIG,
      prepare: mountAsVolume,
    })
    try {
      const old = join(world.rulesDir, '..2026_01')
      for (const [next, policy, wanted] of [
        ['..2026_02', MAY_READ, 200],
        ['..2026_03', MAY_INFER, 403],
      ] as const) {
        await mkdir(join(world.rulesDir, next))
        for (const name of await readdir(old)) {
          const text = name === 'policy.csv' ? policy : await readFile(join(old, name), 'utf8')
          await writeFile(join(world.rulesDir, next, name), text)
        }
        await symlink(next, join(world.rulesDir, '..data_tmp'))
        await rename(join(world.rulesDir, '..data_tmp'), join(world.rulesDir, '..data'))
        await whenStatus(world, wanted)
      }
      await rm(old, { recursive: true })
      expect(world.logText()).not.toContain('cannot be used')
    } finally {
      await world.close()
    }
  }, 30_000)
})

describe('a change of the configuration', () => {
  let world: BuiltWorld
  let second: HttpUpstream
  let held: ServerResponse | undefined
  beforeAll(async () => {
    second = await startHttpUpstream((_request, response) => void response.end('second'))
    world = await startBuiltWorld({
      policy: MAY_READ + MAY_INFER,
      upstreams: [{ name: 'models', pack: 'triton' }],
      config: CONFIG,
      handler: (request, response) => {
        if (request.url?.endsWith('/generate_stream') !== true) return void response.end('ok')
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n')
        held = response
      },
    })
  }, 30_000)
  afterAll(async () => {
    await world.close()
    await second.close()
  })

  it('adds an upstream while a stream of another goes on', async () => {
    const stream = await fetch(`${world.url}/v2/models/iris/generate_stream`, {
      method: 'POST',
      body: '{}',
      headers: {
        authorization: `Bearer ${await world.token(['reader'])}`,
        'content-type': 'application/json',
      },
    })
    const reader = stream.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: one\n\n')

    const path = '/two/v2/models/iris'
    expect(await status(world, path)).toBe(403)
    const config = JSON.parse(await readFile(world.configFile, 'utf8')) as { upstreams: object[] }
    const match = { path_prefix: '/two' }
    config.upstreams.push({
      name: 'two',
      url: second.url,
      pack: 'kserve',
      match,
      strip_prefix: true,
    })
    await writeFile(world.configFile, JSON.stringify(config))
    await whenStatus(world, 200, path)
    expect(second.requests[0]?.url).toBe('/v2/models/iris')

    held?.end('data: two\n\n')
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: two\n\n')
    expect((await reader?.read())?.done).toBe(true)
    expect(
      await world.whenRecord(({ type, bytes_out }) => type === 'outcome' && bytes_out === 22),
    ).toMatchObject({ status: 200, ended_by: 'upstream' })
  })

  it('that cannot be used changes nothing', async () => {
    const good = await readFile(world.configFile, 'utf8')
    await writeFile(world.configFile, good.replace('issuers', 'isuers'))
    await world.whenLogged('the configuration cannot be used')
    expect(world.logText()).toContain('isuers')
    expect(await status(world)).toBe(200)
    await writeFile(world.configFile, good)
    await until('a good reload', async () => {
      return (await world.metric('config_last_reload_successful')) === 1
    })
  })

  it('of what needs a restart is told', async () => {
    const config = JSON.parse(await readFile(world.configFile, 'utf8')) as object
    await writeFile(world.configFile, JSON.stringify({ ...config, log: { level: 'info' } }))
    await world.whenLogged('takes effect at the next start')
    expect(world.logText().split(IN_FORCE).length).toBeGreaterThan(2)
  })
})
