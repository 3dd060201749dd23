import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { effectiveText } from '../../gateway/settings/effective.ts'
import { freePort, startRedis, type TestRedis } from '../support/redis.ts'
import { startWorld } from '../support/world.ts'

let dir: string
let redis: TestRedis
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-store-'))
  redis = await startRedis()
})
afterAll(async () => {
  await redis.close()
  await rm(dir, { recursive: true, force: true })
})

async function urlFile(name: string, url: string): Promise<string> {
  const path = join(dir, name)
  await writeFile(path, url, { mode: 0o600 })
  return path
}

async function readiness(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`)
  return `${response.status} ${await response.text()}`
}

describe('a gateway', () => {
  it('opens the folder of its store, and gives it up at the end', async () => {
    for (let i = 0; i < 2; i++) {
      const world = await startWorld({
        config: { store: { kind: 'embedded', dir: join(dir, 's') } },
      })
      expect(await readiness(world.controlPort)).toMatch(/^200/)
      expect(await world.metric('store_up')).toBe(1)
      expect(world.logText()).toContain('store opened')
      await world.close()
    }
  }, 30_000)

  it('does not start on a folder that is none, and says what to do', async () => {
    const file = await urlFile('file', 'x')
    const start = startWorld({ config: { store: { kind: 'embedded', dir: file } } })
    await expect(start).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('shares its state over Redis, and shows where it is without the URL', async () => {
    const url_file = await urlFile('url', redis.url)
    const store = { kind: 'redis', url_file, command_timeout: '2s' }
    const world = await startWorld({ config: { store } })
    expect(await readiness(world.controlPort)).toMatch(/^200/)
    expect(await world.metric('store_up')).toBe(1)
    const shown = effectiveText(world.gateway.settings, { redact: true })
    expect(shown).toContain(`url_file: ${url_file}`)
    expect(shown).not.toContain(redis.url)
    expect(world.logText()).not.toContain(redis.url)
    await world.close()
  }, 30_000)

  it('is not ready before Redis was reached', async () => {
    const url_file = await urlFile('gone', `redis://127.0.0.1:${await freePort()}`)
    const store = { kind: 'redis', url_file, connect_timeout: '100ms' }
    const world = await startWorld({ config: { store } })
    expect(await readiness(world.controlPort)).toMatch(/^503[^]*store/)
    expect(await world.metric('store_up')).toBe(0)
    await world.close()
  }, 30_000)

  it('does not start with a URL that would send the password in the clear', async () => {
    const url_file = await urlFile('plain', 'redis://user:hunter2@redis.example')
    const start = startWorld({ config: { store: { kind: 'redis', url_file } } })
    const error: unknown = await start.catch((one: unknown) => one)
    expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    expect(String(error)).toContain('rediss://')
    expect(String(error)).not.toContain('hunter2')
  })
})
