/** Sinks of a whole gateway: wired, counted, drained, and in the way of permits when they must be. */
import { createServer, type Server } from 'node:http'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { startWorld, type World, type WorldOptions } from '../support/world.ts'

const POLICY = `p, role:inference, infer, model:*, always, allow
p, role:exporter, export, model:*, always, allow
`
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Event {
  readonly data: Readonly<Record<string, unknown>>
}

/** Takes events, or refuses them with 503. */
async function collector() {
  const got: Event['data'][] = []
  const state = { isDown: false, authorization: '' }
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    state.authorization = request.headers.authorization ?? ''
    request.on('end', () => {
      const events = JSON.parse(Buffer.concat(chunks).toString()) as Event[]
      if (!state.isDown) got.push(...events.map(({ data }) => data))
      response.writeHead(state.isDown ? 503 : 204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { got, state, url: `http://127.0.0.1:${port}/` }
}

async function started(audit: object, more: WorldOptions = {}): Promise<World> {
  const config = { audit: { dir: 'audit', ...audit }, ...more.config }
  const world = await startWorld({ policy: POLICY, ...more, config })
  return world
}

async function infer(world: World): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${world.port}/v2/models/fraud/infer`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await world.token(['inference'])}`,
      'content-type': 'application/json',
    },
    body: '{"inputs":[]}',
  })
  await response.text()
  return response.status
}

describe('a sink of the gateway', () => {
  it('gets every record that its filter names, masked, to log.closed', async () => {
    const { got, url } = await collector()
    const http = { type: 'http', name: 'siem', url, mask: ['ip', 'env.ip'] }
    const logs = { type: 'http', name: 'logs', url, filter: { types: ['log.*'] } }
    const world = await started({ sinks: [http, logs] })
    expect(await infer(world)).toBe(200)
    const records = await world.records()
    await world.close()
    const seqsOf = (type: string): unknown[] =>
      got.filter((one) => one['type'] === type).map(({ seq }) => seq)
    expect(seqsOf('log.opened')).toEqual([0, 0])
    expect(seqsOf('log.closed')).toHaveLength(2)
    const decision = got.find(({ type }) => type === 'decision')
    expect(decision).toMatchObject({ ip: '***', effect: 'permit' })
    expect(decision?.['masked']).toContain('ip')
    expect(JSON.stringify(decision)).not.toContain('127.0.0.1"')
    expect(records.some(({ ip }) => ip === '127.0.0.1')).toBe(true)
  })

  it('writes to standard output beside the log', async () => {
    const world = await started({ sinks: [{ type: 'stdout', name: 'out' }] })
    expect(await infer(world)).toBe(200)
    await world.until('the record in the output', () =>
      world.logText().includes('"type":"outcome"'),
    )
    const [record] = /^\{"v":1,.*"type":"decision".*\}$/m.exec(world.logText()) ?? []
    expect(await world.ledgerText()).toContain(`${record ?? 'none'}\n`)
    await world.close()
  })

  it('that blocks refuses permits while too much waits, and what was refused is recorded', async () => {
    const { got, state, url } = await collector()
    const sink = { type: 'http', name: 'siem', url, when_full: 'block', lag_max: 8 }
    const world = await started({ sinks: [sink] })
    await world.until('what was before is sent', () => got.length > 0)
    state.isDown = true
    const statuses: number[] = []
    for (let i = 0; i < 8; i++) statuses.push(await infer(world))
    expect(statuses[0]).toBe(200)
    expect(statuses.at(-1)).toBe(503)
    const denied = await world.whenRecord(({ reason }) => reason === 'audit_unavailable')
    expect(denied.effect).toBe('deny')
    // Every permit that was given has its outcome.
    const permitted = statuses.filter((status) => status === 200).length
    await world.until('all outcomes', async () => {
      const records = await world.records()
      return records.filter(({ type }) => type === 'outcome').length === permitted
    })
    await world.until('the metric', async () => {
      const blocking = await world.metric('audit_sink_blocking', { sink: 'siem' })
      return blocking === 1 && (await world.metric('audit_sink_errors_total')) > 0
    })
    const ready = await fetch(`http://127.0.0.1:${world.controlPort}/readyz`)
    expect(ready.status).toBe(503)
    state.isDown = false
    await world.until('permits again', async () => (await infer(world)) === 200)
    await world.close()
    const seqs = got.map(({ seq }) => Number(seq))
    expect(seqs).toEqual(seqs.map((_, i) => i))
    expect(got.at(-1)?.['type']).toBe('log.closed')
  }, 20_000)

  it('that blocks leaves ordinary actions alone where they may go on unrecorded', async () => {
    const { state, url } = await collector()
    state.isDown = true
    const sink = { type: 'http', name: 'siem', url, when_full: 'block', lag_max: 1 }
    const world = await started({ sinks: [sink], when_full: 'continue' })
    expect(await infer(world)).toBe(200)
    const records = await world.records()
    expect(records.some(({ type, effect }) => type === 'decision' && effect === 'permit')).toBe(
      true,
    )
    await world.close()
  })

  it('that drops stands in nobody’s way', async () => {
    const { got, state, url } = await collector()
    state.isDown = true
    const secrets = await mkdtemp(join(tmpdir(), 'modelgate-sink-'))
    closing.push(() => rm(secrets, { recursive: true }))
    const tokenFile = join(secrets, 'token')
    await writeFile(tokenFile, 'very-secret-token', { mode: 0o600 })
    const sink = { type: 'http', name: 'siem', url, lag_max: 1_000, token_file: tokenFile }
    const world = await started({ sinks: [sink] })
    for (let i = 0; i < 5; i++) expect(await infer(world)).toBe(200)
    await world.until('a failure', async () => (await world.metric('audit_sink_errors_total')) > 0)
    expect(world.logText()).toContain('http-503')
    expect(state.authorization).toBe('Bearer very-secret-token')
    expect(world.logText()).not.toContain('very-secret')
    expect(await world.ledgerText()).not.toContain('very-secret')
    await world.close()
    expect(got).toEqual([])
  })

  it.each([
    [{ sinks: [{ type: 'redis', name: 'r' }] }, 'store.kind: redis'],
    [{ sinks: [{ type: 'syslog', name: 's', host: '192.0.2.1', tls: false }] }, 'plain TCP'],
    [{ sinks: [{ type: 'http', name: 'h', url: 'http://192.0.2.1/' }] }, 'https://'],
    [
      {
        sinks: [
          { type: 'stdout', name: 'a' },
          { type: 'stdout', name: 'a' },
        ],
      },
      'unique',
    ],
    [{ sinks: [{ type: 'stdout', name: 'a', mask: ['prev'] }] }, 'the ledger itself writes'],
    [{ sinks: [{ type: 'stdout', name: 'a', filter: { types: [] } }] }, 'types'],
  ])('is refused at the start when it is %j', async (audit, words) => {
    await expect(started(audit)).rejects.toThrow(words)
  })
})
