/** What is used on the data listener is in the store, for reviews and for whoever comes next. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { grantPrivilege, useKey } from '../../gateway/access/reviews/privileges.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { openEmbeddedStore } from '../../gateway/store/embedded-store.ts'
import { download, startRegistry, type Registry } from '../support/exports.ts'
import {
  CONTROL_AUDIENCE,
  PRIVILEGE_FILES,
  tokenOf,
  WANTED,
  type Name,
} from '../support/privilege-world.ts'
import { startWorld, type World } from '../support/world.ts'

const RULE = 'p, role:exporter, export, model:*, granted, allow'
/** Whose each is: of a rule, the line that it was used by. */
const HOLDER = 'role:exporter'

let dir: string
let registry: Registry
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-uses-'))
  registry = await startRegistry(Buffer.alloc(1_000, 7))
})
afterAll(async () => {
  await registry.close()
  await rm(dir, { recursive: true, force: true })
})

function start(): Promise<World> {
  const upstreams = [{ name: 'registry', pack: 'mlflow', url: registry.url }]
  const store = { kind: 'embedded', dir: join(dir, 'store') }
  return startWorld({
    ...PRIVILEGE_FILES,
    upstreams,
    config: { ...PRIVILEGE_FILES.config, store },
  })
}

async function call(world: World, as: Name, path: string, body: object) {
  const token = await tokenOf(world.issuer, as, CONTROL_AUDIENCE)
  const answer = await fetch(`http://127.0.0.1:${world.controlPort}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const json = (await answer.json()) as Readonly<Record<string, unknown>>
  expect([path, answer.ok, json]).toEqual([path, true, json])
  return json
}

/** Two of those who may agree to what erin asks for; the id of the grant. */
async function granted(world: World, uses_max: number): Promise<string> {
  const { id, digest } = await call(world, 'erin', '/v1/requests', { ...WANTED, uses_max })
  const path = `/v1/requests/${String(id)}/approve`
  await call(world, 'olga', path, { digest })
  return String((await call(world, 'oscar', path, { digest }))['grant'])
}

/** The status of what erin downloads. */
async function exported(world: World): Promise<number> {
  const token = await tokenOf(world.issuer, 'erin', 'modelgate')
  return (await download(world.port, token).done).status
}

it('uses of a grant are counted in the store, which gives them once over every restart', async () => {
  const begunAt = Date.now()
  const first = await start()
  const grant = await granted(first, 2)
  expect(await exported(first)).toBe(200)
  await first.close()

  const store = await openEmbeddedStore({ dir: join(dir, 'store'), clock: systemClock })
  const uses = new Map((await store.journal.uses()).map(({ privilege, at }) => [privilege, at]))
  await store.close()
  for (const privilege of [grantPrivilege(grant), RULE]) {
    const at = uses.get(useKey(privilege, HOLDER))
    expect([privilege, at]).toEqual([privilege, expect.any(Number)])
    expect(at).toBeGreaterThanOrEqual(begunAt)
    expect(at).toBeLessThanOrEqual(Date.now())
  }

  // One of two is left, whoever asks; then none is.
  const second = await start()
  expect(await exported(second)).toBe(200)
  expect(await exported(second)).toBe(403)
  await second.close()
  const third = await start()
  expect(await exported(third)).toBe(403)
  await third.close()
}, 60_000)

it('a refusal is no use of the privilege that did not suffice', async () => {
  const world = await start()
  const token = await tokenOf(world.issuer, 'sam', 'modelgate')
  expect((await download(world.port, token).done).status).toBe(403)
  await world.close()
  const store = await openEmbeddedStore({ dir: join(dir, 'store'), clock: systemClock })
  const uses = await store.journal.uses()
  await store.close()
  expect(uses.filter(({ privilege }) => privilege.includes('sam'))).toEqual([])
}, 30_000)
