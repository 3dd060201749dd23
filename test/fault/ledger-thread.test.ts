/** The thread that writes the ledger fails, while requests wait for it. */
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from '@jest/globals'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'
import { until } from '../support/world-files.ts'

const FAILING = fileURLToPath(new URL('../support/failing-thread.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'modelgate-thread-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const INFER = { method: 'POST', path: '/v2/models/iris/infer', body: '{"inputs":[]}' }
const DEPLOY = { method: 'POST', path: '/v2/repository/models/iris/load', body: '{}' }
const WAITING = 4

const start = (name: string) =>
  startBuiltWorld({
    // Small, so that a thread which takes all of it does not take the machine's.
    nodeArgs: ['--max-old-space-size=128', '--import', FAILING],
    // The ledger remembers the journal that it was beside: both outlive the process, or neither.
    config: {
      audit: { dir: join(folder, name) },
      store: { kind: 'embedded', dir: join(folder, `${name}-store`) },
    },
  })

/** The status, or the code of the connection's end. */
async function ask(world: BuiltWorld, { method, path, body }: typeof INFER): Promise<unknown> {
  const authorization = `Bearer ${await world.token(['inference', 'deployer'])}`
  const headers = { authorization, 'content-type': 'application/json' }
  return fetch(world.url + path, { method, headers, body }).then(
    ({ status }) => status,
    (error: unknown) => (error as { cause?: { code?: unknown } }).cause?.code,
  )
}

/** The thread stands still: what is appended now is not written. */
async function hold({ dir }: BuiltWorld): Promise<void> {
  writeFileSync(join(dir, 'hold'), '')
  await until('the thread to stand still', () => existsSync(join(dir, 'held')))
}

function fail({ dir }: BuiltWorld, how: string): void {
  writeFileSync(join(dir, 'fail.new'), how)
  renameSync(join(dir, 'fail.new'), join(dir, 'fail'))
}

it.each([
  ['throw', /an error that nobody expected/],
  ['exit', /the thread that writes the ledger has ended \(0\)/],
  ['memory', /ERR_WORKER_OUT_OF_MEMORY/],
])(
  '%s: nothing that waits is forwarded, and the gateway ends',
  async (how, why) => {
    const world = await start(how)
    for (const request of [INFER, DEPLOY]) expect(await ask(world, request)).toBe(200)
    await hold(world)
    const answers = Promise.all(
      Array.from({ length: WAITING }, () => [ask(world, INFER), ask(world, DEPLOY)]).flat(),
    )
    await until(
      'all to wait',
      async () => (await world.metric('requests_in_flight')) >= WAITING * 2,
    )
    fail(world, how)
    expect(await world.exited).toBe(1)
    // Told, as far as the end of the process left time for it.
    const told = new Set(await answers)
    expect(told).toContain(503)
    for (const broken of ['ECONNRESET', 'UND_ERR_SOCKET']) told.delete(broken)
    expect(told.size).toBe(1)
    expect(world.upstream.requests).toHaveLength(2)
    expect(world.stderr()).toMatch(why)
    await expect(world.close()).rejects.toThrow(/ended by itself with 1/)
    const next = await start(how)
    try {
      for (const request of [INFER, DEPLOY]) expect(await ask(next, request)).toBe(200)
      expect(next.upstream.requests).toHaveLength(2)
    } finally {
      await next.close()
    }
  },
  60_000,
)
