/**
 * A change of the rules reaches what is open: a WebSocket and an event stream of a caller who may no
 * longer are ended, those of a caller who still may go on.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { WebSocket, WebSocketServer } from 'ws'
import { inProcess } from '../support/cli.ts'
import { startWorld, type World } from '../support/world.ts'

const ROUTES = `pack: live
title: A model server that talks over WebSocket
routes:
  - methods: [GET]
    path: /live/{model}
    action: infer
    model: [{ path: model }]
    upgrade: websocket
`
const STAYS = 'p, role:reader, infer, model:*, always, allow\n'
const GOES = 'p, role:inference, infer, model:*, always, allow\n'

let world: World
let server: Server
let sockets: WebSocketServer
/** The upstream's side of the event streams, in the order in which they were opened. */
const events: Socket[] = []

beforeAll(async () => {
  server = createServer()
  sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => socket.send(`echo ${data.toString()}`))
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const live = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  world = await startWorld({
    policy: STAYS + GOES,
    rules: { 'routes/live.yaml': ROUTES },
    config: { rules: { dir: 'rules', poll: '1h' } },
    upstreams: [
      {
        name: 'live',
        pack: 'live',
        url: live,
        websocket: true,
        match: { path_prefix: '/ws' },
        strip_prefix: true,
      },
      { name: 'models', pack: 'triton' },
    ],
    handler: (_request, socket) => {
      events.push(socket)
      return 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n'
    },
  })
}, 30_000)
afterAll(async () => {
  for (const client of sockets.clients) client.terminate()
  sockets.close()
  await new Promise((resolve) => server.close(resolve))
  await world.close()
})

const bearer = async (role: string) => ({ authorization: `Bearer ${await world.token([role])}` })
/** Written elsewhere, and put in place by a rename: a file written where it is, is waited for. */
const staged = () => join(world.dir, 'policy.new')
const stage = (text: string) => writeFile(staged(), text)
const putInPlace = () => rename(staged(), join(world.rulesDir, 'policy.csv'))

/** How many rule sets have been in force. */
async function accepted(): Promise<number> {
  const args = ['history', '--format', 'json', '--config', world.configFile]
  const { stdout } = await inProcess(args, { cwd: world.dir })
  return (JSON.parse(stdout) as { entries: object[] }).entries.length
}

/** A WebSocket that is open, and answers. */
async function tunnel(role: string) {
  const socket = new WebSocket(`ws://127.0.0.1:${world.port}/ws/live/llama`, {
    headers: await bearer(role),
  })
  await once(socket, 'open')
  const say = async (text: string) => {
    const answer = once(socket, 'message')
    socket.send(text)
    const [data] = (await answer) as [Buffer]
    return data.toString()
  }
  expect(await say('first')).toBe('echo first')
  return { socket, say }
}

/** An event stream whose first event is here. */
async function stream(role: string) {
  const response = await fetch(`http://127.0.0.1:${world.port}/v2/models/iris/generate_stream`, {
    method: 'POST',
    body: '{}',
    headers: { ...(await bearer(role)), 'content-type': 'application/json' },
  })
  const reader = response.body?.getReader()
  const read = async () => Buffer.from((await reader?.read())?.value ?? []).toString()
  expect(await read()).toBe('data: one\n\n')
  return { read, id: response.headers.get('x-modelgate-decision-id') ?? '', at: events.at(-1) }
}

describe('a change of the rules', () => {
  it('ends what it does not permit, and leaves alone what it does', async () => {
    await stage(STAYS)
    const kept = { tunnel: await tunnel('reader'), stream: await stream('reader') }
    const cut = { tunnel: await tunnel('inference'), stream: await stream('inference') }
    const closed = once(cut.tunnel.socket, 'close') as Promise<[number, Buffer]>

    expect(await accepted()).toBe(1)
    await putInPlace()
    const [[code], last] = await Promise.all([closed, cut.stream.read()])
    expect(code).toBe(1008)
    expect(last).toContain('no_rule')
    expect(await cut.stream.read()).toBe('')

    expect(await kept.tunnel.say('second')).toBe('echo second')
    kept.stream.at?.write('data: two\n\n')
    expect(await kept.stream.read()).toBe('data: two\n\n')

    const outcome = await world.whenRecord(
      ({ type, id }) => type === 'outcome' && id === cut.stream.id,
    )
    expect(outcome).toMatchObject({ reason: 'no_rule', ended_by: 'gateway' })
    const ofTunnel = await world.whenRecord(
      ({ type, status }) => type === 'outcome' && status === 101,
    )
    expect(ofTunnel).toMatchObject({ reason: 'no_rule', ended_by: 'gateway' })
    expect(await world.metric('streams_cut_total', { reason: 'no_rule' })).toBe(2)

    kept.tunnel.socket.close(1000)
    kept.stream.at?.end()
    expect(await kept.stream.read()).toBe('')
    expect(await world.metric('streams_cut_total')).toBe(2)
    await world.until('the history', async () => (await accepted()) === 2)
  })

  it('that names another role only cuts nothing', async () => {
    const kept = { tunnel: await tunnel('reader'), stream: await stream('reader') }
    const before = await accepted()
    await stage(`${STAYS}p, role:exporter, read, model:*, always, allow\n`)
    await putInPlace()
    // A set is in the history once it is in force.
    await world.until('the reload', async () => (await accepted()) === before + 1)
    expect(await kept.tunnel.say('third')).toBe('echo third')
    kept.stream.at?.end('data: two\n\n')
    expect(await kept.stream.read()).toBe('data: two\n\n')
    kept.tunnel.socket.close(1000)
  })
})
