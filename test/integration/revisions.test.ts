/** Rule sets are kept, gone back to and held, and what is open is decided again. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startGateway } from '../../gateway/assembly/gateway.ts'
import { inProcess } from '../support/cli.ts'
import { startWorld, type World } from '../support/world.ts'

const MAY_READ = 'p, role:reader, read, model:*, always, allow\n'
const MAY_INFER = `${MAY_READ}p, role:reader, infer, model:*, always, allow\n`

let world: World
const open: Socket[] = []
beforeAll(async () => {
  world = await startWorld({
    policy: MAY_INFER,
    config: { rules: { dir: 'rules', poll: '1h' } },
    upstreams: [{ name: 'models', pack: 'triton' }],
    handler: (request, socket) => {
      if (!request.head.includes('generate_stream')) return undefined
      open.push(socket)
      return 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n'
    },
  })
}, 30_000)
afterAll(() => world.close())

const cli = (...args: string[]) =>
  inProcess([...args, '--config', world.configFile], { cwd: world.dir })
const policy = (text: string) => writeFile(join(world.rulesDir, 'policy.csv'), text)

interface HistoryJson {
  readonly current: string
  readonly pinned: object | null
  readonly entries: readonly { readonly revision: string; readonly how: string }[]
}
const history = async () =>
  JSON.parse((await cli('history', '--format', 'json')).stdout) as HistoryJson
const inForce = async () => {
  const page = await (await fetch(`http://127.0.0.1:${world.controlPort}/readyz`)).text()
  return /rules (sha256:[0-9a-f]{64})( pinned)?/.exec(page)?.slice(1) ?? []
}
const whenInForce = (revision: string, pinned?: string) =>
  world.until(revision, async () => {
    return JSON.stringify(await inForce()) === JSON.stringify([revision, pinned])
  })

/** Opens an event stream and reads until its first event is here. */
async function stream() {
  const response = await fetch(`http://127.0.0.1:${world.port}/v2/models/iris/generate_stream`, {
    method: 'POST',
    body: '{}',
    headers: {
      authorization: `Bearer ${await world.token(['reader'])}`,
      'content-type': 'application/json',
    },
  })
  const reader = response.body?.getReader()
  const read = async () => Buffer.from((await reader?.read())?.value ?? []).toString()
  expect(await read()).toBe('data: one\n\n')
  return { read, id: response.headers.get('x-modelgate-decision-id') ?? '' }
}

describe('a change of the rules', () => {
  it('ends the streams it does not permit, says so to the client and in the record', async () => {
    const { read, id } = await stream()
    await policy(MAY_READ)
    expect(await read()).toContain('no_rule')
    const outcome = await world.whenRecord((one) => one.type === 'outcome' && one.id === id)
    const [revision] = await inForce()
    expect(outcome).toMatchObject({ reason: 'no_rule', ended_by: 'gateway', pol: revision })
    expect(await world.metric('streams_cut_total', { reason: 'no_rule' })).toBe(1)
  })

  it('leaves alone those that it permits', async () => {
    await policy(`${MAY_INFER}# the same\n`)
    await world.until('the second set', async () => (await history()).entries.length === 3)
    const { read } = await stream()
    await policy(`${MAY_INFER}# the same again\n`)
    await world.until('the third set', async () => (await history()).entries.length === 4)
    open.at(-1)?.end('data: two\n\n')
    expect(await read()).toBe('data: two\n\n')
  })
})

describe('the history', () => {
  it('lists what was in force, with who, when and how', async () => {
    const { entries, current } = await history()
    expect(entries.map(({ how }) => how)).toEqual(['file', 'file', 'file', 'start'])
    expect([current]).toEqual(await inForce().then(([revision]) => [revision]))
    const { stdout } = await cli('history', '--limit', '2')
    expect(stdout).toMatch(/^~0 {4}sha256:[0-9a-f]{12} .* file .* os:\d+ .* 2 rules {2}\[current\]/)
    expect(stdout).toContain('and 2 before')
  })

  it('gives the files of a set back', async () => {
    const out = join(world.dir, 'shown')
    expect((await cli('history', 'show', '~2', '--out', out)).code).toBe(0)
    expect(await readFile(join(out, 'policy.csv'), 'utf8')).toBe(MAY_READ)
    const again = await cli('history', 'show', '~2', '--out', out)
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('EEXIST')])
  })
})

describe('a rollback', () => {
  it('is taken up by a running gateway, holds against edits, and survives a restart', async () => {
    const { entries, current } = await history()
    const before = entries[2]?.revision ?? ''
    const { code, stdout } = await cli('rollback', '~2', '--reason', 'too much')
    expect([code, stdout]).toEqual([0, expect.stringContaining(before)])
    await whenInForce(before, ' pinned')
    const record = await world.whenRecord(({ type }) => type === 'policy.rolled_back')
    expect(record).toMatchObject({ pol: before, from: current, why: 'too much' })
    await world.until('the history', async () => (await history()).entries[0]?.how === 'rollback')
    expect((await history()).entries[0]).toMatchObject({
      by: expect.any(String),
      reason: 'too much',
    })

    await policy(MAY_INFER)
    await world.until('the note', () => world.logText().includes('another set is pinned'))
    expect(await inForce()).toEqual([before, ' pinned'])

    await world.gateway.stop()
    const gateway = await startAgain()
    try {
      const page = await (await fetch(`http://127.0.0.1:${gateway.controlPort}/readyz`)).text()
      expect(page).toContain(`rules ${before} pinned`)
    } finally {
      await gateway.stop()
    }
  }, 30_000)

  it('to a set that is gone is refused, and a start with it says what to do', async () => {
    const store = join(world.dir, 'data/rules')
    const { pinned } = (await history()) as { pinned: { revision: string } }
    const file = join(store, `${pinned.revision.replace(':', '-')}.json`)
    const text = await readFile(file, 'utf8')
    await rm(file)
    await expect(startAgain()).rejects.toThrow(/there is no such file[^]*modelgate unpin/)
    await writeFile(file, text.replace('model:*', 'model:x'))
    await expect(startAgain()).rejects.toThrow('it was changed')
    expect(await cli('rollback', '~9')).toMatchObject({ code: 2 })
    expect(await cli('unpin', '--reason', 'mended')).toMatchObject({ code: 0 })
    const gateway = await startAgain()
    await gateway.stop()
    expect((await readdir(store)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  }, 30_000)
})

function startAgain() {
  return startGateway({
    file: world.configFile,
    cwd: world.dir,
    env: {},
    process: { pid: process.pid, host: 'test', nodeVersion: process.version, isAlive: () => true },
    logDestination: { write: () => undefined },
  })
}
