/** vLLM's realtime route with its built-in pack: the model comes in a message. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { WebSocket, WebSocketServer } from 'ws'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'

const POLICY = `p, role:reader, read, server:*, always, allow
p, role:inference, infer, model:voxtral*, always, allow
`

let world: BuiltWorld
let sockets: WebSocketServer
/** What the upstream was told, in order. */
const heard: string[] = []
beforeAll(async () => {
  world = await startBuiltWorld({
    policy: POLICY,
    issuer: { clock_tolerance: '0s' },
    upstreams: [{ name: 'llm', pack: 'vllm', websocket: true }],
  })
  sockets = new WebSocketServer({ server: world.upstream.server })
  sockets.on('connection', (socket) => {
    socket.send('{"type":"session.created"}')
    socket.on('message', (data: Buffer) => {
      const { type } = JSON.parse(data.toString()) as { type: string }
      heard.push(type)
      socket.send(JSON.stringify({ type: `${type}.done`, bytes: data.length }))
    })
    socket.on('error', () => undefined)
  })
}, 60_000)
afterAll(async () => {
  for (const client of sockets.clients) client.terminate()
  sockets.close()
  await world.close()
})

/** A client of a caller with `roles`, open and greeted. */
async function open(roles: readonly string[], token?: string) {
  const authorization = `Bearer ${token ?? (await world.token(roles))}`
  const url = `${world.url}/v1/realtime`.replace('http', 'ws')
  const socket = new WebSocket(url, { headers: { authorization } })
  socket.on('error', () => undefined)
  const inbox: string[] = []
  const waiting = new Set<() => void>()
  socket.on('message', (data: Buffer) => {
    inbox.push((JSON.parse(data.toString()) as { type: string }).type)
    for (const wake of waiting) wake()
  })
  const closed = once(socket, 'close').then(([code, reason]) => ({
    code: code as number,
    reason: String(reason),
  }))
  const received = (count: number) =>
    new Promise<string[]>((resolve) => {
      const look = () => {
        if (inbox.length < count) return
        waiting.delete(look)
        resolve(inbox)
      }
      waiting.add(look)
      look()
    })
  await received(1)
  return { socket, closed, received }
}

const say = (socket: WebSocket, message: object) => socket.send(JSON.stringify(message))
const update = (model: unknown) => ({ type: 'session.update', model })
const audio = (bytes: number) => ({ type: 'input_audio_buffer.append', audio: 'A'.repeat(bytes) })

describe('a session whose model is named in a message', () => {
  it('goes on with a model that is permitted', async () => {
    const { socket, received } = await open(['reader', 'inference'])
    say(socket, update('voxtral-mini'))
    say(socket, audio(300_000))
    socket.send(JSON.stringify({ type: 'input_audio_' }).slice(0, 10), { fin: false })
    socket.ping()
    socket.send(JSON.stringify({ type: 'input_audio_' }).slice(10), { fin: true })
    expect((await received(4)).slice(1)).toEqual([
      'session.update.done',
      'input_audio_buffer.append.done',
      'input_audio_.done',
    ])
    const more = await world.whenRecord(({ type }) => type === 'decision.more')
    expect(more).toMatchObject({
      effect: 'permit',
      ops: [{ act: 'infer', res: 'model:voxtral-mini' }],
    })
    socket.close(1000)
  })

  it.each([
    ['without a name', audio(4), 'model_missing: '],
    ['with a model that is not permitted', update('llama'), 'no_rule: '],
    ['with the default model', update(null), 'model_missing: '],
    ['with a message that is too long', audio(1024 * 1024), 'body_over_peek: '],
  ])('ends %s before the upstream hears of it', async (_name, message, text) => {
    const { socket, closed } = await open(['reader', 'inference'])
    const before = heard.length
    say(socket, message)
    const { code, reason } = await closed
    expect(code).toBe(text.startsWith('body') ? 1009 : 1008)
    expect(reason.startsWith(text)).toBe(true)
    expect(heard).toHaveLength(before)
  })

  it('ends when a later message names another model', async () => {
    const { socket, closed, received } = await open(['reader', 'inference'])
    say(socket, update('voxtral-mini'))
    await received(2)
    say(socket, update('llama'))
    expect(await closed).toMatchObject({ code: 1008 })
  })

  it('ends when the token expires, as any other', async () => {
    const claims = {
      sub: 'bob',
      aud: 'modelgate',
      client_id: 'cli',
      roles: ['reader', 'inference'],
    }
    const token = await world.issuer.mint(claims, { lifetimeS: 2 })
    const { socket, closed, received } = await open([], token)
    say(socket, update('voxtral-mini'))
    await received(2)
    const { code, reason } = await closed
    expect(code).toBe(1008)
    expect(reason).toMatch(/^authn_expired: /)
  })
})
