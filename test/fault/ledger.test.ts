/** A ledger that cannot be written, at the start and in flight. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { startBuiltGateway, startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'

/** Blocks of 512 or 1024 bytes, as the shell counts them: some 20 to 70 records. */
const BLOCKS = 64
const REQUESTS_MAX = 300

const startFull = (whenFull: 'refuse' | 'continue') =>
  startBuiltWorld({
    fileBlocksMax: BLOCKS,
    upstreams: [{ name: 'registry', pack: 'mlflow' }],
    policy: `p, role:reader, read, model:*, always, allow
p, role:exporter, export, model:*, always, allow
`,
    config: { audit: { dir: 'audit', when_full: whenFull } },
  })

const READ = '/api/2.0/mlflow/registered-models/get?name=iris'
const EXPORT = '/api/2.0/mlflow-artifacts/artifacts/models/m-1/weights.bin'

async function ask(world: BuiltWorld, path: string) {
  const headers = { authorization: `Bearer ${await world.token(['reader', 'exporter'])}` }
  const response = await fetch(world.url + path, { headers })
  const text = await response.text()
  const reason = response.ok ? undefined : (JSON.parse(text) as { reason: string }).reason
  return { status: response.status, reason, retryAfter: response.headers.get('retry-after') }
}

/** Asks until the ledger has no room for another record. */
async function fill(world: BuiltWorld): Promise<void> {
  for (let i = 0; i < REQUESTS_MAX; i++) {
    if ((await world.metric('audit_errors_total')) > 0) return
    await ask(world, READ)
  }
  throw new Error(`the ledger took ${REQUESTS_MAX} records`)
}

describe('a ledger that cannot be written at the start', () => {
  it('ends the gateway with 1 and says where', async () => {
    const start = startBuiltGateway({
      issuerUrl: 'http://127.0.0.1:1',
      upstreamUrl: 'http://127.0.0.1:1',
      config: { audit: { dir: 'occupied/audit' } },
      prepare: ({ dir }) => writeFile(join(dir, 'occupied'), 'a file where a folder should be'),
    })
    const error = await start.then(
      () => undefined,
      (failure: unknown) => failure as Error,
    )
    expect(error?.message).toContain('ended with 1')
    expect(error?.message).toContain('occupied/audit')
    expect(error?.message).not.toContain('    at ')
  }, 30_000)
})

describe('a ledger that is full', () => {
  it('stops every request before anything is forwarded', async () => {
    const world = await startFull('refuse')
    try {
      await fill(world)
      const reached = world.upstream.requests.length
      for (const path of [READ, EXPORT]) {
        expect(await ask(world, path)).toEqual({
          status: 503,
          reason: 'audit_unavailable',
          retryAfter: '5',
        })
      }
      expect(world.upstream.requests).toHaveLength(reached)
      const ready = await fetch(`${world.controlUrl}/readyz`)
      expect([ready.status, await ready.text()]).toEqual([
        503,
        expect.stringMatching(/^not ready: ledger\nrules sha256:[0-9a-f]{64}\n$/),
      ])
      expect((await fetch(`${world.controlUrl}/healthz`)).status).toBe(200)
      expect(world.logText()).toContain('the ledger cannot be written')
      // What got in before is whole.
      const records = await world.records()
      expect(records.filter(({ type }) => type === 'decision').length).toBeGreaterThan(5)
      world.signal('SIGTERM')
      expect(await world.exited).toBe(1)
      expect(world.stderr()).toContain('audit log unavailable')
    } finally {
      await world.close()
    }
  }, 30_000)

  it('lets reads go on when the operator says so, and never an export', async () => {
    const world = await startFull('continue')
    try {
      await fill(world)
      const reached = world.upstream.requests.length
      expect(await ask(world, READ)).toMatchObject({ status: 200 })
      expect(world.upstream.requests).toHaveLength(reached + 1)
      expect(await ask(world, EXPORT)).toMatchObject({ status: 503, reason: 'audit_unavailable' })
      expect(world.upstream.requests).toHaveLength(reached + 1)
    } finally {
      await world.close()
    }
  }, 30_000)
})
