/**
 * A gateway is killed while a registry holds the answer to a registration: what the registry has made
 * of it is restricted by whoever works with the journal three minutes later.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from '@jest/globals'
import type { AccessEvent } from '../../gateway/access/events.ts'
import { entryText } from '../../gateway/access/fold/entry.ts'
import type { JournalStore } from '../../gateway/domain/journal.ts'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'
import { appendTill, readAll } from '../support/journal-contract.ts'
import { openStoreAt } from '../support/opened-store.ts'
import { createCleanup, FAULT_MS } from '../support/state-worlds.ts'
import { until } from '../support/world-files.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run(), 60_000)

/** Loaded before the gateway: its clock, and so that of an embedded store, is four minutes ahead. */
const LATER = 'data:text/javascript,const now=Date.now;Date.now=()=>now()+240000'

const POLICY = `p, role:retrainer, retrain, model:*, always, allow
p, role:deployer, deploy, model:*, always, allow
p, role:exporter, export, *, always, allow
`

const RUN = {
  ...{ id: 'd-1', at: 1, by: 'user:dev/erin', destination: 'model:fraud', upstream: 'models' },
  ...{ upstreamRun: 'r-1', statementDigest: `sha256:${'a'.repeat(64)}`, statement: '{}' },
}

interface Opened {
  readonly journal: JournalStore
  /** Starts a gateway over the store; its upstream never answers a registration. */
  readonly start: (...nodeArgs: readonly string[]) => Promise<BuiltWorld>
}

async function openAll(): Promise<Opened> {
  const parent = await mkdtemp(join(tmpdir(), 'modelgate-registrations-'))
  cleanup.add(() => rm(parent, { recursive: true, force: true }))
  const dir = join(parent, 'store')
  const store = await openStoreAt(dir, 'modelgate')
  cleanup.add(() => store.close())
  const start = async (...nodeArgs: readonly string[]) => {
    const world = await startBuiltWorld({
      config: { store: { kind: 'embedded', dir } },
      upstreams: [{ name: 'models', pack: 'mlflow' }],
      policy: POLICY,
      nodeArgs,
      handler: (request, response) => {
        if (request.url?.includes('/model-versions/create') !== true) response.end('{}')
      },
    })
    cleanup.add(() => world.close())
    return world
  }
  return { journal: store.journal, start }
}

const eventsIn = async (journal: JournalStore): Promise<readonly AccessEvent[]> =>
  (await readAll(journal)).map(({ text }) => (JSON.parse(text) as { event: AccessEvent }).event)

const typesIn = async (journal: JournalStore) => (await eventsIn(journal)).map(({ type }) => type)

async function register(world: BuiltWorld): Promise<void> {
  const token = await world.token(['retrainer', 'deployer', 'exporter'])
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ name: 'fraud', source: 'runs:/r-1/model', run_id: 'r-1' })
  const path = '/api/2.0/mlflow/model-versions/create'
  fetch(world.url + path, { method: 'POST', headers, body }).catch(() => undefined)
  await until('the registry to have it', () => world.upstream.requests.length === 1, FAULT_MS)
}

/** What a download of the version is answered. */
async function downloaded(world: BuiltWorld): Promise<string> {
  const token = await world.token(['exporter'], { sub: 'olga' })
  const path = '/api/2.0/mlflow/model-versions/get-download-uri?name=fraud&version=3'
  const answer = await fetch(world.url + path, { headers: { authorization: `Bearer ${token}` } })
  if (answer.ok) return String(answer.status)
  const { reason } = (await answer.json()) as { readonly reason?: string }
  return `${answer.status} ${reason ?? ''}`
}

const isGivenUp = ({ type, res }: { readonly type: string; readonly res?: unknown }) =>
  type === 'registration' && res === 'model:fraud@*'

it('two gateways restrict, once, what came of a registration whose gateway was killed', async () => {
  const { journal, start } = await openAll()
  await appendTill(journal, entryText({ v: 1, event: { type: 'training.begun', run: RUN } }))
  const killed = await start()
  await register(killed)
  const [, begun] = await eventsIn(journal)
  expect(begun).toMatchObject({ type: 'registration.begun', registration: { version: '*' } })
  killed.signal('SIGKILL')
  expect(await killed.exited).toBe(null)

  // One that is begun at once waits: the gateway may be alive.
  const next = await start()
  expect(await downloaded(next)).toBe('200')
  expect(await typesIn(journal)).toEqual(['training.begun', 'registration.begun'])

  const worlds = await Promise.all([start('--import', LATER), start('--import', LATER)])
  for (const world of [next, ...worlds]) {
    const isRestricted = async () => (await downloaded(world)) === '403 version_restricted'
    await until('the restriction', isRestricted, FAULT_MS)
  }
  const events = await eventsIn(journal)
  expect(events.slice(2)).toMatchObject([
    { type: 'version.registered', version: { model: 'model:fraud@*', run: 'd-1' } },
  ])
  const told = await Promise.all(worlds.map(async (one) => (await one.records()).filter(isGivenUp)))
  const { registration } = events[1] as Extract<AccessEvent, { type: 'registration.begun' }>
  expect(told.flat()).toMatchObject([{ id: registration.id, sub: 'user:dev/alice', run: 'd-1' }])
  const warned = worlds.filter((one) => one.logText().includes('what came of a registration'))
  expect(warned).toHaveLength(1)
}, 120_000)
