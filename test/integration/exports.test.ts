/** Exports under grants, over sockets: bound, counted, ended and written down. */
import { createHash, randomBytes } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { inProcess } from '../support/cli.ts'
import {
  download,
  grantOf,
  grantsFile,
  PATH,
  startExportWorld,
  startRegistry,
  type Registry,
} from '../support/exports.ts'
import type { World } from '../support/world.ts'

const BODY = randomBytes(600_000)
const hex = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const SOON_MS = 1_500

const APPROVALS = [{ by: 'user:dev/bob', at: '2026-01-02T03:04:05Z' }]
const GRANTS = {
  once: grantOf({ uses: 1, approvals: APPROVALS }),
  resumed: grantOf({ uses: 1 }),
  failing: grantOf({ uses: 1 }),
  ahead: grantOf({ uses: 1 }),
  endless: grantOf({ uses: 1 }),
  bytes: grantOf({ bytes: '400000B' }),
  right: grantOf({ digest: `sha256:${hex(BODY)}` }),
  wrong: grantOf({ digest: `sha256:${'0'.repeat(64)}` }),
  removed: grantOf(),
  versioned: grantOf({ resources: ['model:m-1@3'] }),
  soon: grantOf({ expires: new Date(Date.now() + 3_600_000).toISOString() }),
}

let registry: Registry
let world: World
let token: string
beforeAll(async () => {
  registry = await startRegistry(BODY)
  world = await startExportWorld(registry, GRANTS, {
    config: { rules: { dir: 'rules', poll: '1h' } },
  })
  token = await world.token(['exporter'])
}, 30_000)
afterAll(async () => {
  await world.close()
  await registry.close()
})

const get = (grant: string, headers: Record<string, string> = {}, method = 'GET') =>
  download(world.port, token, { method, headers: { 'x-modelgate-grant': grant, ...headers } })
const exportOf = (id: unknown) => world.whenRecord((one) => one.type === 'export' && one.id === id)
const idOf = ({ headers }: { headers: Record<string, unknown> }) =>
  headers['x-modelgate-decision-id']
const problem = (body: Buffer) => JSON.parse(body.toString()) as { reason: string; detail: string }

async function paused<T>(at: number, work: () => Promise<T>): Promise<T> {
  registry.pauseAt = at
  try {
    return await work()
  } finally {
    registry.pauseAt = Infinity
    registry.resume()
  }
}

describe('one use', () => {
  it('is for one of many downloads at the same time, and is written down', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => get('once').done))
    const good = all.filter(({ status }) => status === 200)
    expect(good).toHaveLength(1)
    expect(good[0]?.body.equals(BODY)).toBe(true)
    const others = all
      .filter(({ status }) => status !== 200)
      .map(({ body }) => problem(body).reason)
    expect(others.every((one) => one === 'grant_in_use' || one === 'grant_spent')).toBe(true)
    expect((await get('once').done).status).toBe(403)
    const record = await exportOf(good[0] && idOf(good[0]))
    expect(record).toMatchObject({
      sub: 'user:dev/alice',
      res: 'model:m-1',
      path: PATH,
      status: 200,
      bytes: BODY.length,
      sha256: hex(BODY),
      grant: 'once',
      by: ['user:dev/bob'],
      complete: true,
    })
    expect(registry.requests.some(({ headers }) => 'x-modelgate-grant' in headers)).toBe(false)
  })

  it('lasts over an interruption, and over no second file', async () => {
    const head = await get('resumed', {}, 'HEAD').done
    expect(head.status).toBe(200)
    await paused(200_000, async () => {
      const first = get('resumed')
      await first.got(200_000)
      expect(problem((await get('resumed').done).body).reason).toBe('grant_in_use')
      first.abort()
      await first.done.catch(() => undefined)
      await world.whenRecord((one) => one.type === 'export' && one['grant'] === 'resumed')
    })
    const ahead = await get('resumed', { range: 'bytes=200001-' }).done
    expect([ahead.status, problem(ahead.body).reason]).toEqual([403, 'export_unbound'])
    const suffix = await get('resumed', { range: 'bytes=-5' }).done
    expect(problem(suffix.body).reason).toBe('export_unbound')
    const rest = await get('resumed', { range: 'bytes=200000-' }).done
    expect(rest.status).toBe(206)
    expect(rest.body.equals(BODY.subarray(200_000))).toBe(true)
    expect(await exportOf(idOf(rest))).toMatchObject({
      resumed: true,
      complete: true,
      partial: { from: 200_000, to: BODY.length - 1, of: BODY.length },
    })
    expect(problem((await get('resumed').done).body).reason).toBe('grant_spent')
  })

  it('ends for who never takes the last byte when twice the file has left', async () => {
    const last = BODY.length - 2
    registry.answer = (_, response) => {
      const headers = { 'content-range': `bytes 0-${last}/${BODY.length}` }
      response.writeHead(206, headers).end(BODY.subarray(0, last + 1))
    }
    const range = `bytes=0-${last}`
    const statuses: number[] = []
    for (let i = 0; i < 6; i++) {
      const { status, headers } = await get('endless', { range }).done
      statuses.push(status)
      if (status === 206) await exportOf(headers['x-modelgate-decision-id'])
      else break
    }
    registry.answer = undefined
    // The third is begun while less than twice the file has left.
    expect(statuses).toEqual([206, 206, 206, 403])
  })

  it('begins at the beginning, however a part is asked for', async () => {
    registry.answer = ({ headers }, response) => {
      const from = Number(/\d+/.exec(String(headers['x-ms-range']))?.[0])
      const sent = { 'content-range': `bytes ${from}-${BODY.length - 1}/${BODY.length}` }
      response.writeHead(206, sent).end(BODY.subarray(from))
    }
    const ahead = await get('ahead', { 'x-ms-range': 'bytes=300000-' }).done
    expect([ahead.status, problem(ahead.body).reason]).toEqual([403, 'export_unbound'])
    expect((await get('ahead', { 'x-ms-range': 'bytes=0-' }).done).body.equals(BODY)).toBe(true)
    registry.answer = undefined
    expect(problem((await get('ahead').done).body).reason).toBe('grant_spent')
  })

  it('is given back when the upstream fails', async () => {
    for (const status of [500, 404]) {
      registry.answer = (_, response) => void response.writeHead(status).end('no')
      expect((await get('failing').done).status).toBe(status)
    }
    registry.answer = (incoming) => void incoming.socket.destroy()
    expect((await get('failing').done).status).toBe(502)
    registry.answer = undefined
    expect((await get('failing').done).body.equals(BODY)).toBe(true)
    expect((await get('failing').done).status).toBe(403)
  })
})

it('ends a transfer when the bytes of its grant are used up', async () => {
  const { body, isWhole, headers } = await get('bytes').done
  expect(isWhole).toBe(false)
  expect(body.length).toBeLessThanOrEqual(400_000)
  const record = await exportOf(headers['x-modelgate-decision-id'])
  expect(record).toMatchObject({ reason: 'grant_spent', complete: false })
  expect(record['bytes']).toBeLessThanOrEqual(400_000)
})

describe('a declared digest', () => {
  it('is that of what leaves, whole or in part', async () => {
    const whole = await get('right').done
    expect(whole.body.equals(BODY)).toBe(true)
    expect(await exportOf(idOf(whole))).toMatchObject({ matched: true })
    const part = await get('right', { range: 'bytes=1000-1999' }).done
    expect([part.status, part.headers['content-range']]).toEqual([
      206,
      `bytes 1000-1999/${BODY.length}`,
    ])
    expect(part.body.equals(BODY.subarray(1000, 2000))).toBe(true)
    expect(registry.requests.at(-1)?.headers.range).toBeUndefined()
    expect(registry.requests.at(-1)?.headers['accept-encoding']).toBe('identity')
  })

  it('that is another lets no transfer end, and is an incident', async () => {
    for (const range of [{}, { range: 'bytes=1000-' }]) {
      const { body, isWhole, headers } = await get('wrong', range).done
      expect(isWhole).toBe(false)
      expect(body.length).toBeLessThan(BODY.length)
      const record = await exportOf(headers['x-modelgate-decision-id'])
      expect(record).toMatchObject({ reason: 'digest_mismatch', matched: false, found: hex(BODY) })
    }
    await world.whenRecord((one) => one.type === 'incident' && one['kind'] === 'digest')
    expect(await world.metric('exports_total', { result: 'mismatch' })).toBe(2)
  })

  it('is not got around by a redirect, another digest in the path, or a 206 nobody asked for', async () => {
    registry.answer = (_, response) =>
      void response.writeHead(302, { location: 'https://s3/x' }).end()
    expect(problem((await get('right').done).body).reason).toBe('response_blocked')
    registry.answer = (_, response) =>
      void response.writeHead(206, { 'content-range': 'bytes 0-1/3' }).end('ab')
    expect(problem((await get('right').done).body).reason).toBe('digest_mismatch')
    registry.answer = undefined
  })
})

describe('a grant that does not fit', () => {
  it('is told to its holder', async () => {
    const { status, body } = await get('versioned').done
    expect(status).toBe(403)
    expect(problem(body).detail).toContain('Grant versioned is for model:m-1@3 alone')
    expect(problem((await get('nobody').done).body).detail).toContain('does not cover this request')
  })
})

describe('an end of the grant', () => {
  const put = async (grants: object) => {
    await writeFile(join(world.dir, 'new'), grantsFile(grants as typeof GRANTS))
    await rename(join(world.dir, 'new'), join(world.rulesDir, 'grants.yaml'))
    expect(await world.gateway.reload()).toEqual([])
  }

  it('ends its transfers: taken back, or expired', async () => {
    await paused(100_000, async () => {
      const removed = get('removed')
      const soon = get('soon')
      await Promise.all([removed.got(100_000), soon.got(100_000)])
      const others: Partial<typeof GRANTS> = { ...GRANTS }
      delete others.removed
      const expires = new Date(Date.now() + SOON_MS).toISOString()
      await put({ ...others, soon: { ...others.soon, expires } })
      const gone = await removed.done
      expect(gone.isWhole).toBe(false)
      expect(await exportOf(idOf(gone))).toMatchObject({ reason: 'grant_ended', bytes: 100_000 })
      const over = await soon.done
      expect(over.isWhole).toBe(false)
      expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expires))
      expect(await exportOf(idOf(over))).toMatchObject({ reason: 'grant_ended' })
      expect((await get('soon').done).status).toBe(403)
    })
  }, 15_000)
})

it('lists all of it', async () => {
  const args = ['exports', '--config', world.configFile]
  const run = (...more: string[]) => inProcess([...args, ...more], { cwd: world.dir })
  const text = await run('--grant', 'once')
  expect(text).toMatchObject({ code: 0 })
  expect(text.stdout).toContain('grant once, approved by user:dev/bob')
  const json = JSON.parse((await run('--format', 'json')).stdout) as { grant: string }[]
  expect(json.length).toBeGreaterThan(8)
  const csv = (await run('--format', 'csv', '--resource', 'model:m-1')).stdout.split('\r\n')
  expect(csv).toHaveLength(json.length + 2)
  expect((await run('--subject', 'user:dev/nobody')).stdout).toBe('No export is recorded.\n')
})
