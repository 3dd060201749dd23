/**
 * Every answer of the corpus through a whole gateway, for a caller who may not export: over HTTP/1.1,
 * gRPC and a WebSocket, each arrives byte for byte.
 */
import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { answers, DATA_TYPES, type Answer } from '../support/answers/corpus.ts'
import { json, request } from '../support/attack.ts'
import { framed, inferRequest } from '../support/grpc-messages.ts'
import { connectGrpc } from '../support/grpc-client.ts'
import { ANSWER_HEAD } from '../support/grpc-upstream.ts'
import { SERVICE, startGrpcWorld, type GrpcWorld } from '../support/grpc-world.ts'
import { rawExchange } from '../support/raw-client.ts'
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts'
import { framesIn, messagesIn, serverClose, serverFrame } from '../support/ws-frames.ts'

const POLICY = `p, role:inference, infer, model:*, always, allow
p, role:reader, data:read, dataset:*, always, allow
p, role:reader, data:read, model:*, always, allow
`
const ROUTES = `pack: corpus
title: a server that answers with everything
routes:
  - { methods: [POST], path: '/answer/{model}', action: infer, model: [{ path: model }] }
  - { methods: [POST], path: '/media/{model}', action: infer, model: [{ path: model }] }
  - { methods: [POST], path: '/tensors/{model}', action: infer, model: [{ path: model }], answers: [application/octet-stream] }
  - { methods: [POST], path: '/data/{model}', action: data:read, model: [{ path: model }], answers: [${DATA_TYPES.join(', ')}] }
  - { methods: [GET], path: '/socket/{model}', action: infer, model: [{ path: model }], upgrade: websocket }
`

/** What the upstreams say next. */
let said: Answer

function sayOver(socket: Socket): undefined {
  const { at, type, headers, body, messages } = said
  if (at === 'socket') {
    const opcode = type === 'text' ? 1 : 2
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
    )
    for (const message of messages) socket.write(serverFrame(message, { opcode }))
    socket.write(serverFrame(Buffer.of(3, 232), { opcode: 8 }))
    return undefined
  }
  const [name, value] = headers
  const more = name === undefined ? '' : `${name}: ${value ?? ''}\r\n`
  socket.write(
    `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${more}content-length: ${body.length}\r\n\r\n`,
  )
  socket.write(body)
  return undefined
}

let grpc: GrpcWorld
let plain: RecordingUpstream
let token: string
beforeAll(async () => {
  plain = await startRecordingUpstream((_, socket) => sayOver(socket))
  grpc = await startGrpcWorld({
    policy: POLICY,
    upstreams: [
      { name: 'calls', pack: 'oip', protocol: 'grpc' },
      { name: 'plain', pack: 'corpus', websocket: true, url: plain.url },
    ],
    rules: { 'routes/corpus.yaml': ROUTES },
    calls(stream) {
      stream.respond(ANSWER_HEAD, { waitForTrailers: true })
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(Buffer.concat(said.messages.map((one) => framed(one))))
      return true
    },
  })
  token = await grpc.world.token(['inference', 'reader'])
}, 30_000)
afterAll(async () => {
  await grpc.close()
  await plain.close()
})

/** What a client gets of an answer, or what it is told in its place. */
async function ask(answer: Answer): Promise<Buffer | string> {
  said = answer
  if (answer.at === 'call') {
    const messages = [inferRequest('iris')]
    // An idle connection is closed after a while, and the others took theirs.
    const client = await connectGrpc(grpc.url)
    const result = await client.call(`${SERVICE}/ModelInfer`, { token, messages })
    await client.close()
    return result.grpcStatus === 0 ? Buffer.concat(result.messages) : result.grpcMessage
  }
  return answer.at === 'socket' ? listen() : fetchFrom(`/${answer.at}/iris`)
}

async function fetchFrom(target: string): Promise<Buffer | string> {
  const bytes = request({ ...json({}), target, host: 'a.test', token })
  const { responses, raw } = await rawExchange(grpc.world.port, bytes, { timeoutMs: 10_000 })
  const [response] = responses
  return response?.status === 200 ? response.body : raw.toString('latin1', 0, 900)
}

const LINES = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

async function listen(): Promise<Buffer | string> {
  const bytes = request({ target: '/socket/iris', host: 'a.test', token, lines: LINES })
  const { raw } = await rawExchange(grpc.world.port, bytes, {
    until: (all) => serverClose(all) !== undefined,
  })
  const frames = raw.subarray(raw.indexOf('\r\n\r\n') + 4)
  const last = framesIn(frames).at(-1)?.payload
  if (last?.readUInt16BE(0) !== 1_000) return last?.toString() ?? raw.toString('latin1', 0, 200)
  const got = messagesIn(frames).slice(0, -1)
  return Buffer.from(got.map(([, text]) => text).join(''), 'latin1')
}

describe('a caller who may not export', () => {
  it('gets every legitimate answer byte for byte', async () => {
    const stopped: string[] = []
    const corpus = await answers()
    for (const row of corpus) {
      const answer = row.make()
      const got = await ask(answer)
      if (typeof got === 'string') stopped.push(`${row.name}: ${got}`)
      else if (!got.equals(answer.body)) stopped.push(`${row.name}: changed`)
    }
    expect(stopped).toEqual([])
    expect(corpus.length).toBeGreaterThanOrEqual(200)
    expect(await grpc.world.metric('guard_incidents_total')).toBe(0)
  }, 240_000)
})
