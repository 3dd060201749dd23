/** gRPC calls over real sockets: unary, streams, metadata, trailers, and what is refused. */
import type { ServerHttp2Stream } from 'node:http2'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { field, framed, inferRequest } from '../support/grpc-messages.ts'
import { ANSWER_HEAD, onMessages } from '../support/grpc-upstream.ts'
import { SERVICE, startGrpcWorld, type GrpcWorld } from '../support/grpc-world.ts'

/** What the upstream does instead, by the `x-test` of a call. */
const BEHAVIOURS: Readonly<Record<string, (stream: ServerHttp2Stream) => void>> = {
  error: (stream) =>
    stream.respond(
      { ...ANSWER_HEAD, 'grpc-status': '5', 'grpc-message': 'no such model' },
      { endStream: true },
    ),
  reset: (stream) => stream.close(8),
  die: (stream) => stream.session?.destroy(),
  http: (stream) => stream.respond({ ':status': 503 }, { endStream: true }),
  'no-status'(stream) {
    stream.respond(ANSWER_HEAD)
    stream.end(framed(field(1, 'half')))
  },
  many(stream) {
    stream.respond(ANSWER_HEAD, { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    for (const text of ['a', 'b', 'c']) stream.write(framed(field(1, text)))
    stream.end()
  },
  'half-then-die'(stream) {
    stream.respond(ANSWER_HEAD)
    stream.write(framed(field(1, 'a')), () => stream.session?.destroy())
  },
  weights(stream) {
    stream.respond(ANSWER_HEAD)
    stream.write(framed(field(1, 'fine')))
    stream.write(framed(Buffer.concat([Buffer.from('GGUF\x03\0\0\0'), Buffer.alloc(5_000)])))
  },
  compressed(stream) {
    stream.respond({ ...ANSWER_HEAD, 'grpc-encoding': 'gzip' })
    stream.write(framed(Buffer.from('x'), true))
  },
}

let grpc: GrpcWorld
let token: string
beforeAll(async () => {
  grpc = await startGrpcWorld({
    calls(stream, call) {
      const behave = BEHAVIOURS[String(call.headers['x-test'])]
      if (behave === undefined) return false
      onMessages(stream, call, () => undefined)
      behave(stream)
      return true
    },
  })
  token = await grpc.world.token(['inference', 'reader'])
}, 30_000)
afterAll(() => grpc.close())

const infer = `${SERVICE}/ModelInfer`
const streamInfer = `${SERVICE}/ModelStreamInfer`
const lastCall = () => grpc.upstream.calls.at(-1)
const asked = (behaviour: string, path = infer) =>
  grpc.client.call(path, {
    token,
    messages: [inferRequest('iris')],
    headers: { 'x-test': behaviour },
  })

describe('a unary call', () => {
  it('is answered with its message, metadata and trailers', async () => {
    const result = await grpc.client.call(infer, { token, messages: [inferRequest('iris')] })
    expect(result).toMatchObject({ status: 200, grpcStatus: 0, rstCode: 0 })
    expect(result.messages).toEqual([field(1, 'iris')])
    expect(result.headers).toMatchObject({ 'x-served-by': 'oip' })
    expect(result.trailers).toMatchObject({ 'x-cost': '7' })
    expect(lastCall()?.messages).toEqual([inferRequest('iris')])
  })

  it('is recorded: decision and outcome, with the status of its trailers', async () => {
    const { decisionId } = await asked('error')
    const decision = await grpc.world.record(decisionId)
    expect(decision).toMatchObject({ effect: 'permit', upstream: 'calls', path: infer })
    const outcome = await grpc.world.whenRecord(
      ({ type, id }) => type === 'outcome' && id === decisionId,
    )
    expect(outcome).toMatchObject({ status: 200, grpc: 5, ended_by: 'upstream' })
  })

  it('brings the identity assertion, and neither the token nor what the caller claims', async () => {
    await grpc.client.call(infer, {
      token,
      messages: [inferRequest('iris')],
      headers: {
        'x-remote-user': 'root',
        'grpc-accept-encoding': 'gzip',
        'grpc-timeout': '5S',
        'user-agent': 'test/1',
      },
    })
    const headers = lastCall()?.headers ?? {}
    expect(headers['x-modelgate-assertion']).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(headers).toMatchObject({
      te: 'trailers',
      'content-type': 'application/grpc',
      'grpc-accept-encoding': 'identity',
      'user-agent': 'test/1',
      via: '2.0 modelgate',
    })
    expect(Number.parseInt(String(headers['grpc-timeout']), 10)).toBeLessThanOrEqual(5_000)
    expect(headers).not.toHaveProperty('authorization')
    expect(headers).not.toHaveProperty('x-remote-user')
    expect(headers).not.toHaveProperty('accept-encoding')
  })

  it('passes on an error of the upstream as it is', async () => {
    expect(await asked('error')).toMatchObject({ grpcStatus: 5, grpcMessage: 'no such model' })
  })
})

describe('streams', () => {
  it('carries many messages of an answer', async () => {
    const result = await asked('many')
    expect(result.messages).toEqual(['a', 'b', 'c'].map((text) => field(1, text)))
    expect(result.grpcStatus).toBe(0)
  })

  it('carries a conversation: each message is answered before the next is sent', async () => {
    const call = grpc.client.open(streamInfer, { token })
    for (const [at, model] of ['iris', 'iris-large', 'iris'].entries()) {
      call.stream.write(framed(inferRequest(model)))
      const messages = await call.received(at + 1)
      expect(messages.at(-1)).toEqual(field(1, model))
    }
    call.stream.end()
    expect(await call.result).toMatchObject({ grpcStatus: 0 })
  })

  it('counts open streams', async () => {
    const call = grpc.client.open(streamInfer, { token })
    call.stream.write(framed(inferRequest('iris')))
    await call.received(1)
    expect(await grpc.world.metric('streams_open', { upstream: 'calls' })).toBe(1)
    call.stream.end()
    await call.result
    await grpc.world.until(
      'the stream to be over',
      async () => (await grpc.world.metric('streams_open', { upstream: 'calls' })) === 0,
    )
  })

  it('ends the upstream’s side when the client takes its call back', async () => {
    const call = grpc.client.open(streamInfer, { token })
    call.stream.write(framed(inferRequest('iris')))
    await call.received(1)
    const seen = lastCall()
    call.stream.close(8)
    await grpc.world.until('the reset', () => seen?.reset === 8)
  })
})

describe('every message of a stream', () => {
  it('is decided on: a model that may not be called ends the call before it is forwarded', async () => {
    const call = grpc.client.open(streamInfer, { token })
    call.stream.write(framed(inferRequest('iris')))
    await call.received(1)
    call.stream.write(framed(inferRequest('crown')))
    const result = await call.result
    expect(result).toMatchObject({ grpcStatus: 7 })
    expect(result.grpcMessage).toContain('no_rule')
    expect(lastCall()?.messages).toEqual([inferRequest('iris')])
    const more = await grpc.world.whenRecord(({ type, id }) => {
      return type === 'decision.more' && id === result.decisionId
    })
    expect(more).toMatchObject({ effect: 'deny', ops: [{ act: 'infer', res: 'model:crown' }] })
  })

  it('must name a model', async () => {
    const call = grpc.client.open(streamInfer, { token })
    call.stream.write(framed(inferRequest('iris')))
    await call.received(1)
    call.stream.write(framed(field(3, 'an id')))
    expect(await call.result).toMatchObject({ grpcStatus: 3 })
    expect(lastCall()?.messages).toHaveLength(1)
  })
})

describe('what the upstream does wrong', () => {
  it.each([
    ['reset', 14, 'upstream_reset'],
    ['die', 14, 'upstream_reset'],
    ['http', 13, 'upstream_invalid'],
  ])('%s is status %d', async (behaviour, status, reason) => {
    const result = await asked(behaviour)
    expect(result).toMatchObject({ status: 200, grpcStatus: status, messages: [] })
    expect(result.grpcMessage).toContain(reason)
    expect(result.grpcMessage).toContain(result.decisionId)
  })

  it.each([
    ['no-status', 13],
    ['half-then-die', 14],
  ])('%s ends an answer that has begun with status %d', async (behaviour, status) => {
    const result = await asked(behaviour)
    expect(result.messages).toHaveLength(1)
    expect(result.grpcStatus).toBe(status)
  })

  it.each([
    ['weights', 'weights_detected', 1],
    ['compressed', 'response_blocked', 0],
  ])('%s are cut for a caller that may not export', async (behaviour, reason, messages) => {
    const result = await asked(behaviour)
    expect(result).toMatchObject({ grpcStatus: 13 })
    expect(result.grpcMessage).toContain(reason)
    expect(result.messages).toHaveLength(messages)
    expect(result.bytes).toBeLessThan(100)
  })

  it('is no longer cut where the caller may export', async () => {
    const call = grpc.client.open(`${SERVICE}/RepositoryModelDownload`, {
      token: await grpc.world.token(['exporter']),
      headers: { 'x-test': 'weights' },
    })
    call.stream.end(framed(field(1, 'iris')))
    expect(await call.received(2)).toHaveLength(2)
    call.stream.close(8)
    await call.result
  })
})

describe('the time a client gives', () => {
  it('ends the call with DEADLINE_EXCEEDED, on both sides', async () => {
    const call = grpc.client.open(streamInfer, { token, headers: { 'grpc-timeout': '150m' } })
    call.stream.write(framed(inferRequest('iris')))
    await call.received(1)
    const seen = lastCall()
    expect(await call.result).toMatchObject({ grpcStatus: 4 })
    await grpc.world.until('the reset', () => seen?.reset === 8)
  })
})
