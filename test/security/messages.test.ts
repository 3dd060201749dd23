/** Attacks through the messages of a WebSocket whose model comes in a message, byte by byte. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { request } from '../support/attack.ts'
import { rawExchange } from '../support/raw-client.ts'
import { startWorld, type World } from '../support/world.ts'
import { clientFrame, serverClose } from '../support/ws-frames.ts'

const ROUTES = `pack: live
title: A model server that is told the model over WebSocket
routes:
  - methods: [GET]
    path: /v1/realtime
    action: read
    upgrade: websocket
    frames: { action: infer, model: [model, session.model] }
  - methods: [GET]
    path: /live/{model}
    action: infer
    model: [{ path: model }]
    upgrade: websocket
    frames: { action: infer, model: [session.model] }
`
const POLICY = `p, role:reader, read, server:*, always, allow
p, role:inference, infer, model:open-*, always, allow
`
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'

let world: World
beforeAll(async () => {
  world = await startWorld({
    policy: POLICY,
    rules: { 'routes/live.yaml': ROUTES },
    upstreams: [{ name: 'live', pack: 'live', websocket: true }],
    config: { limits: { peek_bytes: '64KiB' } },
    handler: () => SWITCHING,
  })
})
afterAll(() => world.close())

/** Opens a WebSocket, sends `frames`, and waits until both sides are closed. */
async function talk(frames: readonly Buffer[], target = '/v1/realtime') {
  const at = world.upstream.connections.length
  const lines = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
  const token = await world.token(['reader', 'inference'])
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  const head = request({ target, host: 'a.test', token, lines: [...lines, key] })
  // The close of a client, so that an exchange that is not refused ends as well.
  const bytes = [head, ...frames, clientFrame('', { opcode: 8 })]
  const { raw } = await rawExchange(world.port, bytes, {
    until: (all) => serverClose(all) !== undefined,
    timeoutMs: 1_000,
  })
  const connection = world.upstream.connections[at]
  await world.until('the end of the tunnel', () => connection?.socket.destroyed === true)
  const all = connection?.bytes ?? Buffer.alloc(0)
  return { close: serverClose(raw), upstream: all.subarray(all.indexOf('\r\n\r\n') + 4) }
}

const GOODBYE = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf0])
const named = (model: string) => clientFrame(JSON.stringify({ type: 'session.update', model }))
const AUDIO = clientFrame('{"type":"input_audio_buffer.append","audio":"AAAA"}')
const PING = clientFrame('ping', { opcode: 9 })
const fragment = (text: string, opcode: number, fin: boolean) => clientFrame(text, { opcode, fin })

/** Nothing went upstream but `frames` and a goodbye. */
function onlyPassed(upstream: Buffer, frames: readonly Buffer[], goodbye = GOODBYE) {
  expect(upstream.toString('hex')).toBe(Buffer.concat([...frames, goodbye]).toString('hex'))
}

describe('a message that names a model', () => {
  it('passes in exactly the frames it came in when the model is permitted', async () => {
    const frames = [PING, named('open-a'), AUDIO, named('open-b'), AUDIO]
    const { upstream } = await talk(frames)
    onlyPassed(upstream, [...frames, clientFrame('', { opcode: 8 })], Buffer.alloc(0))
  })

  it('ends the connection when it is not, and nothing of it passes', async () => {
    const { close, upstream } = await talk([named('open-a'), AUDIO, named('crown'), AUDIO])
    expect(close?.code).toBe(1008)
    expect(close?.text).toMatch(/^no_rule: /)
    expect(Buffer.byteLength(close?.text ?? '')).toBeLessThanOrEqual(123)
    onlyPassed(upstream, [named('open-a'), AUDIO])
    const more = await world.whenRecord(
      ({ type, effect }) => type === 'decision.more' && effect === 'deny',
    )
    expect(more).toMatchObject({ reason: 'no_rule', ops: [{ act: 'infer', res: 'model:crown' }] })
    const outcome = await world.whenRecord(({ type, id }) => type === 'outcome' && id === more.id)
    expect(outcome).toMatchObject({ status: 101, reason: 'no_rule', ended_by: 'gateway' })
    expect(await world.metric('streams_cut_total', { reason: 'no_rule' })).toBe(1)
    expect(await world.ledgerText()).not.toContain('AAAA')
  })

  it('is judged whole, however it is cut', async () => {
    const [a, b, c] = ['{"model":"open-', 'a","model', '":"crown"}']
    const cut = await talk([
      fragment(a, 1, false),
      PING,
      fragment(b, 0, false),
      fragment(c, 0, true),
    ])
    expect(cut.close).toEqual({ code: 1008, text: expect.stringMatching(/^body_unparsable: /) })
    onlyPassed(cut.upstream, [PING])
    const bytes = [...named('crown')].map((byte) => Buffer.of(byte))
    const dribbled = await talk(bytes)
    expect(dribbled.close?.code).toBe(1008)
    onlyPassed(dribbled.upstream, [])
  })

  it('is judged although it came with the handshake', async () => {
    const { close, upstream } = await talk([Buffer.concat([named('crown'), AUDIO])])
    expect(close?.code).toBe(1008)
    onlyPassed(upstream, [])
  })

  it.each([
    ['a repeated name', '{"model":"open-a","model":"crown"}', 'body_unparsable'],
    ['a name in another case', '{"model":"open-a","MODEL":"crown"}', 'body_unparsable'],
    ['two names', '{"model":"open-a","session":{"model":"crown"}}', 'no_rule'],
    ['null for a name', '{"model":null}', 'model_missing'],
    ['a name that is none', '{"model":["crown"]}', 'model_invalid'],
    ['no name', '{"type":"input_audio_buffer.append"}', 'model_missing'],
    ['no JSON', 'crown', 'body_unparsable'],
  ])('is refused with %s', async (_name, text, reason) => {
    const { close, upstream } = await talk([clientFrame(text)])
    expect(close?.code).toBe(1008)
    expect(close?.text).toContain(reason)
    onlyPassed(upstream, [])
  })
})

describe('a message that cannot be read', () => {
  it.each([
    ['binary', clientFrame('{"model":"open-a"}', { opcode: 2 }), 1008],
    ['no UTF-8', clientFrame(Buffer.from('{"model":"open-a\xff"}', 'latin1')), 1007],
    ['too large', clientFrame('{', { length: 65_537 }), 1009],
    [
      'too large in pieces',
      Buffer.concat([
        fragment('x'.repeat(40_000), 1, false),
        fragment('x'.repeat(40_000), 0, true),
      ]),
      1009,
    ],
    [
      'endless',
      Buffer.concat(
        Array<Buffer>(25_000)
          .fill(fragment('', 0, false))
          .with(0, fragment('', 1, false)),
      ),
      1009,
    ],
    ['unmasked', Buffer.from([0x81, 0x02, 0x7b, 0x7d]), 1002],
    ['compressed', Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 0x41]), 1002],
    ['begun within another', Buffer.concat([fragment('{', 1, false), named('open-a')]), 1002],
    ['a fragment of nothing', fragment('{}', 0, true), 1002],
    ['of a reserved kind', clientFrame('{}', { opcode: 11 }), 1002],
  ])('ends the connection: %s', async (_name, bytes, code) => {
    const { close, upstream } = await talk([bytes])
    expect(close?.code).toBe(code)
    const goodbye = Buffer.from(GOODBYE)
    goodbye.writeUInt16BE(code, 6)
    onlyPassed(upstream, [], goodbye)
  })

  it('does not pass when it is never finished', async () => {
    const { upstream } = await talk([fragment('{"model":"crown"', 1, false), PING])
    onlyPassed(upstream, [PING, clientFrame('', { opcode: 8 })], Buffer.alloc(0))
  })
})

describe('a route whose model is in the request', () => {
  it('takes messages without a name at once, and judges those with one', async () => {
    const other = clientFrame('{"type":"session.update","session":{"model":"crown"}}')
    const { close, upstream } = await talk([AUDIO, other], '/live/open-a')
    expect(close).toEqual({ code: 1008, text: expect.stringMatching(/^no_rule: /) })
    onlyPassed(upstream, [AUDIO])
  })
})
