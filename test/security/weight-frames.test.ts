/** A caller who may only infer gets no weights in the frames of a WebSocket either. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { jpeg } from '../support/answers/media.ts'
import { request } from '../support/attack.ts'
import { rawExchange } from '../support/raw-client.ts'
import { ggufFile, safetensorsFile } from '../support/small-weights.ts'
import { startWorld, type World } from '../support/world.ts'
import {
  framesIn,
  messagesIn,
  serverClose,
  serverFrame,
  type ServerFrame,
} from '../support/ws-frames.ts'

const ROUTES = `pack: live
title: A model server that talks over WebSocket
routes:
  - methods: [GET]
    path: /live/{model}
    action: infer
    model: [{ path: model }]
    upgrade: websocket
  - methods: [GET]
    path: /dump/{model}
    action: export
    model: [{ path: model }]
    upgrade: websocket
`
const LIMITS = `limits:
  little: { resources: ["model:small"], response: { bytes: 64B } }
`
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n'

/** What the upstream says next. */
let said: { readonly fields?: string; readonly pieces: readonly Buffer[] } = { pieces: [] }
let world: World
beforeAll(async () => {
  world = await startWorld({
    rules: { 'routes/live.yaml': ROUTES, 'limits.yaml': LIMITS },
    upstreams: [{ name: 'live', pack: 'live', websocket: true }],
    handler: (_, socket) => {
      socket.write(`${SWITCHING}${said.fields ?? ''}\r\n`)
      const next = ([piece, ...rest]: readonly Buffer[]): void => {
        if (piece !== undefined) socket.write(piece, () => setImmediate(next, rest))
      }
      next(said.pieces)
      return undefined
    },
  })
})
afterAll(() => world.close())

const LINES = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

/** Everything the client gets until it is told goodbye. */
async function listen(pieces: readonly Buffer[], target = '/live/llama', fields?: string) {
  said = { pieces, ...(fields === undefined ? {} : { fields }) }
  const token = await world.token(target.startsWith('/dump') ? ['exporter'] : ['inference'])
  const bytes = request({ target, host: 'a.test', token, lines: LINES })
  const { raw } = await rawExchange(world.port, bytes, {
    until: (all) =>
      serverClose(all) !== undefined || !all.toString('latin1', 0, 12).endsWith('101'),
    timeoutMs: 2_000,
  })
  const headEnd = raw.indexOf('\r\n\r\n') + 4
  const head = raw.toString('latin1', 0, headEnd)
  const frames = raw.subarray(headEnd)
  return { head, close: serverClose(raw), messages: messagesIn(frames), frames: framesIn(frames) }
}

const payload = (messages: readonly (readonly [string, string])[]): Buffer =>
  Buffer.from(messages.map(([, text]) => text).join(''), 'latin1')

/** Payload that the client got, of whatever kind, without honest pings and the last goodbye. */
const leaked = (frames: readonly ServerFrame[]): number =>
  frames
    .slice(0, -1)
    .filter(({ payload: one }) => one.toString() !== 'are you there')
    .reduce((sum, { payload: one }) => sum + one.length, 0)

/** In frames of `size` bytes, all of one message; `between` comes after each. */
function fragments(bytes: Buffer, size: number, between: Buffer = Buffer.alloc(0)): Buffer {
  const frames: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) {
    const fin = at + size >= bytes.length
    frames.push(serverFrame(bytes.subarray(at, at + size), { opcode: at === 0 ? 2 : 0, fin }))
    frames.push(between)
  }
  return Buffer.concat(frames)
}

/** In messages of `size` bytes each. */
const messages = (bytes: Buffer, size: number, opcode = 2): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      serverFrame(bytes.subarray(i * size, (i + 1) * size), { opcode }),
    ),
  )

const jsonOf = (audio: string): Buffer => serverFrame(JSON.stringify({ type: 'delta', audio }))

/** Base64 in texts, in each so many characters. */
const texts = (bytes: Buffer, size: number): Buffer =>
  Buffer.concat((bytes.toString('base64').match(new RegExp(`.{1,${size}}`, 'g')) ?? []).map(jsonOf))

const PING = serverFrame('are you there', { opcode: 9 })
const WEIGHTS = safetensorsFile()
const GGUF = ggufFile()
const PICTURE = jpeg({ bytes: 30_000 })
const byteByByte = (bytes: Buffer) => [...bytes].map((byte) => Buffer.of(byte))

describe('weights on a WebSocket', () => {
  const cases: readonly (readonly [string, readonly Buffer[], number])[] = [
    ['in one message', [serverFrame(WEIGHTS, { opcode: 2 })], 0],
    ['of another format', [serverFrame(GGUF, { opcode: 2 })], 0],
    ['whose frame never ends', [serverFrame(WEIGHTS, { opcode: 2 }).subarray(0, 1_000)], 0],
    ['byte by byte', byteByByte(serverFrame(GGUF, { opcode: 2 }).subarray(0, 600)), 128],
    ['in fragments', [fragments(WEIGHTS, 500)], 0],
    ['in fragments of 7 bytes with pings between', [fragments(GGUF, 7, PING)], 128],
    ['in messages of 1000 bytes', [messages(WEIGHTS, 1_000)], 0],
    ['in messages of 5 bytes', [messages(GGUF, 5)], 128],
    ['in messages of 11 bytes with pings between', [messages(WEIGHTS, 11), PING], 256],
    [
      'behind an honest picture',
      [serverFrame(PICTURE, { opcode: 2 }), serverFrame(WEIGHTS, { opcode: 2 })],
      PICTURE.length,
    ],
    [
      'at the end of a picture',
      [serverFrame(Buffer.concat([PICTURE, GGUF]), { opcode: 2 })],
      40_000,
    ],
    ['in base64', [serverFrame(WEIGHTS.toString('base64'))], 512],
    ['in base64 within JSON', [jsonOf(GGUF.toString('base64'))], 512],
    ['in base64 over many texts', [texts(WEIGHTS, 4_000)], 4_500],
    ['in texts, not encoded', [messages(GGUF, 800, 1)], 0],
    ['in pings', [messages(WEIGHTS, 120, 9)], 250],
    ['in pongs of 9 bytes', [messages(GGUF, 9, 10)], 128],
    ['in the reason of a close', [serverFrame(GGUF.subarray(0, 120), { opcode: 8 })], 0],
  ]

  it.each(cases)('end it: %s', async (_name, pieces, most) => {
    const before = await world.metric('guard_incidents_total', { kind: 'weights_detected' })
    const { close, frames } = await listen(pieces)
    expect(close).toEqual({ code: 1008, text: expect.stringMatching(/^weights_detected: /) })
    expect(leaked(frames)).toBeLessThanOrEqual(most)
    const outcome = await world.whenRecord(
      (one) => one.type === 'outcome' && one.reason === 'weights_detected',
    )
    expect(outcome).toMatchObject({ status: 101, ended_by: 'gateway', found: expect.any(String) })
    const after = await world.metric('guard_incidents_total', { kind: 'weights_detected' })
    expect(after).toBe(before + 1)
  })

  it('pass to a caller who may export', async () => {
    const frame = serverFrame(WEIGHTS, { opcode: 2 })
    const { messages: got } = await listen(
      [frame, serverFrame(Buffer.of(3, 232), { opcode: 8 })],
      '/dump/m',
    )
    expect(payload(got.slice(0, 1)).equals(WEIGHTS)).toBe(true)
  })
})

describe('the head of the answer', () => {
  it('gives no link away', async () => {
    const link = 'Link: <https://bucket.s3.amazonaws.com/w?X-Amz-Signature=1>; rel="next"\r\n'
    const { head } = await listen([], '/live/llama', link)
    expect(head).toMatch(/^HTTP\/1\.1 502 /)
    expect(head).not.toContain('amazonaws')
  })

  it('opens nothing with a compression in which nothing could be seen', async () => {
    const { head } = await listen(
      [],
      '/live/llama',
      'Sec-WebSocket-Extensions: permessage-deflate\r\n',
    )
    expect(head).toMatch(/^HTTP\/1\.1 502 /)
    expect(world.upstream.received().toLowerCase()).not.toContain('sec-websocket-extensions')
  })
})

describe('a cap on the bytes of an answer', () => {
  it('ends a WebSocket before the byte that is too many', async () => {
    const { close, messages: got } = await listen(
      Array.from({ length: 10 }, () => serverFrame('ten bytes.')),
      '/live/small',
    )
    expect(close).toEqual({ code: 1008, text: expect.stringMatching(/^response_over_limit: /) })
    const bytes = payload(got.filter(([kind]) => kind === 'text')).length
    expect(bytes).toBeLessThanOrEqual(60)
    const refused = { type: 'response.bytes', result: 'refused' }
    expect(await world.metric('obligations_total', refused)).toBe(1)
  })

  it('lets a shorter one pass', async () => {
    const { close, messages: got } = await listen(
      [serverFrame('ten bytes.'), serverFrame(Buffer.of(3, 232), { opcode: 8 })],
      '/live/small',
    )
    expect(got[0]).toEqual(['text', 'ten bytes.'])
    expect(close?.code).toBe(1000)
    const kept = { type: 'response.bytes', result: 'unchanged' }
    await world.until('the end', async () => (await world.metric('obligations_total', kept)) === 1)
  })
})
