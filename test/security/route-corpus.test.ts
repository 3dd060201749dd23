/**
 * Thousands of requests that were made to mean one thing to the gateway and another to the server
 * behind it, sent through the gateway. Whatever arrives is read as every kind of server behind that
 * pack would read it: what it then does must be among what the gateway authorised and recorded.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { builtInPackFiles, loadPacks } from '../../gateway/classify/pack/pack-loader.ts'
import type { CompiledPack } from '../../gateway/classify/pack/compiled-pack.ts'
import { ACTIONS, resourceText, type Operation } from '../../gateway/domain/vocabulary.ts'
import { createBackend, SERVER } from '../support/backends/backend.ts'
import { mutatedRequests, tableRequests, type Mutated } from '../support/backends/corpus.ts'
import { dialectsOf, type Dialect } from '../support/backends/dialects.ts'
import { bytesOf, headerValues, partsOf } from '../support/backends/request-text.ts'
import { rawExchange } from '../support/raw-client.ts'
import { startWorld, type World } from '../support/world.ts'

const RUNS = Number(process.env['CORPUS_RUNS'] ?? 2_500)
/**
 * The same requests each time, so that a change that is to blame is the one that fails. Look further
 * with other seeds: `CORPUS_SEED=$RANDOM`.
 */
const SEED = Number(process.env['CORPUS_SEED'] ?? 20_261_122)

const REQUESTS = tableRequests()
const PACKS = [...new Set(REQUESTS.map(({ pack }) => pack))]

/** Everybody may do everything: what counts is what was asked for, not who asked. */
const POLICY = ACTIONS.flatMap((action) =>
  ['model', 'dataset', 'server'].map(
    (kind) => `p, role:reader, ${action}, ${kind}:*, always, allow\n`,
  ),
).join('')

let world: World
let token: string
let packs: ReadonlyMap<string, CompiledPack>

beforeAll(async () => {
  const loaded = loadPacks(await builtInPackFiles())
  if (!loaded.ok) throw new Error('the packs do not load')
  packs = loaded.value
  world = await startWorld({
    policy: POLICY,
    upstreams: PACKS.map((pack) => ({ name: pack, pack, match: { host: `${pack}.test` } })),
  })
  token = await world.token(['reader'])
}, 60_000)
afterAll(() => world.close())

function packOf(name: string): CompiledPack {
  const pack = packs.get(name)
  if (pack === undefined) throw new Error(`no pack ${name}`)
  return pack
}

function textOf({ action, resource }: Operation, upstream: string): string {
  const name = resource.name === SERVER ? upstream : resource.name
  return `${action} ${resourceText({ ...resource, name })}`
}

type Backend = ReturnType<typeof createBackend>
const backends = new Map<string, Map<Dialect, Backend>>()

function backendOf(pack: string, dialect: Dialect): Backend {
  const own = backends.get(pack) ?? new Map<Dialect, Backend>()
  const backend = own.get(dialect) ?? createBackend(packOf(pack), dialect)
  backends.set(pack, own.set(dialect, backend))
  return backend
}

/** What the servers behind a pack do with these bytes, each in its own reading. */
function performed(
  pack: string,
  raw: Buffer,
  { upstream = pack, dialects = dialectsOf(pack) } = {},
): readonly string[] {
  const parts = partsOf(raw)
  return dialects.flatMap((dialect) => {
    const done = backendOf(pack, dialect)(parts)
    return (done?.operations ?? []).map((operation) => textOf(operation, upstream))
  })
}

describe('the backends of the corpus', () => {
  it.each(PACKS)('do with the requests of the table of %s what they are authorised as', (pack) => {
    const own = REQUESTS.filter((one) => one.pack === pack && one.expect !== undefined)
    for (const { line, parts, expect: authorised, upstream } of own) {
      const done = performed(pack, bytesOf(parts), { upstream })
      expect([line, [...new Set(done)].sort()]).toEqual([line, [...new Set(authorised)].sort()])
    }
  })
})

it('would catch a gateway that reads requests as many do', () => {
  // Cuts the path, takes the first of two members and the last of two parameters, and no more.
  const naive: Dialect = { query: 'last', member: 'first' }
  const corpus = fc.sample(mutatedRequests(REQUESTS), { numRuns: RUNS, seed: SEED })
  const fooled = corpus.filter(({ pack, parts }) => {
    const raw = bytesOf(parts)
    const allowed = performed(pack, raw, { dialects: [naive] })
    if (allowed.length === 0) return false
    return performed(pack, raw).some((one) => !allowed.includes(one))
  })
  expect(fooled.length).toBeGreaterThan(RUNS / 200)
})

it(`never does more than was authorised (${RUNS} requests, seed ${SEED})`, async () => {
  const corpus = fc.sample(mutatedRequests(REQUESTS), { numRuns: RUNS, seed: SEED })
  for (const [at, mutated] of corpus.entries()) await send(mutated, at)
  const authorised = await authorisedByRequest()
  const forwarded = world.upstream.requests.map(({ raw }) => Buffer.from(raw, 'latin1'))
  for (const raw of forwarded) {
    const id = headerValues(partsOf(raw), 'x-request-id')[0] ?? ''
    const mutated = corpus[Number(id.slice(7))]
    if (mutated === undefined) throw new Error(`a request nobody sent: ${raw.toString('latin1')}`)
    const allowed = authorised.get(id) ?? []
    const beyond = performed(mutated.pack, raw).filter((one) => !allowed.includes(one))
    expect({ story: mutated.story, allowed, beyond }).toEqual({
      story: mutated.story,
      allowed,
      beyond: [],
    })
  }
  // A corpus of which nothing, or everything, passed would prove nothing.
  expect(forwarded.length).toBeGreaterThan(RUNS / 20)
  expect(forwarded.length).toBeLessThan(RUNS)
}, 240_000)

async function send({ pack, parts }: Mutated, at: number): Promise<void> {
  const headers = [
    ['Host', `${pack}.test`] as const,
    ['Authorization', `Bearer ${token}`] as const,
    ['X-Request-Id', requestId(at)] as const,
    ...parts.headers,
  ]
  await rawExchange(world.port, bytesOf({ ...parts, headers }), { timeoutMs: 4_000 })
}

function requestId(at: number): string {
  return `corpus-${at.toString().padStart(6, '0')}`
}

async function authorisedByRequest(): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>()
  for (const record of await world.records()) {
    if (record.type !== 'decision' || record.effect !== 'permit') continue
    const ops = record['ops'] as readonly { readonly act: string; readonly res: string }[]
    found.set(
      String(record['req']),
      ops.map(({ act, res }) => `${act} ${res}`),
    )
  }
  return found
}
