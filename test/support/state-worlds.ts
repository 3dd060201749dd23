/** Gateways over one Redis that a test breaks, and another replica of their journal. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { createReplica, type RunningReplica } from '../../gateway/assembly/replica/replica.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { createRedisStore, parseRedisUrl } from '../../gateway/store/redis-store.ts'
import { setLock } from './replicas.ts'
import { startWorld, type World, type WorldRecord } from './world.ts'
import { until } from './world-files.ts'

/** How long anything may take, on a busy machine. */
export const FAULT_MS = 15_000

/** What `store` of a gateway is over the URL in the file; nothing older than a second is relied on. */
export function storeOver(urlFile: string): Readonly<Record<string, unknown>> {
  return {
    kind: 'redis',
    url_file: urlFile,
    max_staleness: '1s',
    connect_timeout: '500ms',
    when_stale: 'continue',
  }
}

/** Folders and stores that are gone after a test. */
export interface Cleanup {
  add(close: () => Promise<unknown>): void
  /** The last first. */
  run(): Promise<void>
}

/** With nothing to do yet. */
export function createCleanup(): Cleanup {
  const all: (() => Promise<unknown>)[] = []
  return {
    add: (close) => void all.push(close),
    async run() {
      for (const close of all.splice(0).reverse()) await close()
    },
  }
}

/** A file with a URL, as an operator has it. */
export async function urlFileOf(url: string, cleanup: Cleanup): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-state-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'url')
  await writeFile(file, url, { mode: 0o600 })
  return file
}

/** A gateway over this Redis. */
export async function startStateWorld(url: string, cleanup: Cleanup): Promise<World> {
  const store = storeOver(await urlFileOf(url, cleanup))
  const world = await startWorld({ config: { store } })
  cleanup.add(() => world.close())
  return world
}

/** Another replica of the journal, which sets locks. */
export interface Locker {
  readonly replica: RunningReplica
  /** Locks `user:dev/<name>`. */
  lock(name: string): Promise<void>
}

/** Starts one. */
export async function startLocker(url: string, cleanup: Cleanup): Promise<Locker> {
  const target = parseRedisUrl(url)
  if ('problem' in target) throw new Error(target.problem)
  const limits = { commandTimeoutMs: 1_000, connectTimeoutMs: 1_000 }
  const store = createRedisStore({ target, prefix: 'modelgate', ...limits })
  cleanup.add(() => store.close())
  await store.whenUp()
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-locker-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  const replica = createReplica({
    ...{ journal: store.journal, clock: systemClock, dir, seen: undefined },
    ...{ id: 'locker', name: 'test:locker', pollMs: 50, maxStalenessMs: 1_000 },
    schedule(run, delayMs) {
      const timer = setTimeout(run, delayMs)
      return () => clearTimeout(timer)
    },
    onEvent: () => undefined,
    record: () => Promise.resolve(),
    recordLoss: () => Promise.resolve(),
  })
  await replica.start()
  cleanup.add(() => replica.stop())
  return {
    replica,
    async lock(name) {
      await replica.run(setLock(name))
    },
  }
}

/** What a gateway answers: its status, and its reason where it is a refusal. */
export type Told = string

/** Asks for a deployment, which is privileged, or for what the model is, which is not. */
export async function asked(
  gateway: { readonly port: number },
  what: 'deploy' | 'read',
  token: string,
): Promise<Told> {
  const path = what === 'deploy' ? '/v2/repository/models/m/load' : '/v2/models/m'
  const method = what === 'deploy' ? 'POST' : 'GET'
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(`http://127.0.0.1:${gateway.port}${path}`, {
    ...{ method, headers },
    ...(what === 'deploy' ? { body: '{}' } : {}),
  })
  const text = await answer.text()
  if (answer.ok) return String(answer.status)
  const { reason } = JSON.parse(text) as { readonly reason?: string }
  return `${answer.status} ${reason ?? ''}`
}

/** Waits until it answers so. */
export async function answers(
  gateway: { readonly port: number },
  [what, token, told]: readonly ['deploy' | 'read', string, Told],
): Promise<void> {
  let last = ''
  const isSo = async (): Promise<boolean> => {
    last = await asked(gateway, what, token)
    return last === told
  }
  await until(`${what} to be ${told}`, isSo, FAULT_MS).catch((error: unknown) => {
    throw new Error(`the last answer was ${last}`, { cause: error })
  })
}

/** The readiness page. */
export async function readyPage({ controlPort }: Pick<World, 'controlPort'>): Promise<string> {
  const page = await fetch(`http://127.0.0.1:${controlPort}/readyz`)
  return `${page.status} ${await page.text()}`
}

/**
 * What is known is older than a second, and whoever looks sees it: on the page, in the metric, and on
 * the record of what goes on all the same.
 */
export async function expectStale(world: World, sub: string): Promise<void> {
  const token = await world.token(['deployer', 'reader'], { sub })
  await answers(world, ['deploy', token, '503 state_unavailable'])
  const page = /^200 ready\n.*privileged actions are refused: the journal was read \d+ s ago\n/s
  await until('the page to say it', async () => page.test(await readyPage(world)), FAULT_MS)
  expect(await world.metric('state_staleness_seconds')).toBeGreaterThan(1)
  const before = (await world.records()).length
  await answers(world, ['read', token, '200'])
  const isRead = ({ effect, sub: by }: WorldRecord): boolean =>
    effect === 'permit' && by === `user:dev/${sub}`
  const find = async () => (await world.records()).slice(before).find(isRead)
  await until('the record', async () => (await find()) !== undefined, FAULT_MS)
  expect((await find())?.['stale']).toMatch(/^PT[1-9]\d*(\.\d+)?S$/)
}
