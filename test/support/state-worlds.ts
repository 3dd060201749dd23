/** Gateways over one Redis that a test breaks, and what they answer then. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@jest/globals'
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
