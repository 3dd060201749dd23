/** A caller who may only infer gets no weights in the messages and trailers of a gRPC call either. */
import type { ServerHttp2Stream } from 'node:http2'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { inferResponse } from '../support/answers/inference.ts'
import { field, framed, inferRequest } from '../support/grpc-messages.ts'
import { ANSWER_HEAD } from '../support/grpc-upstream.ts'
import { SERVICE, startGrpcWorld, type GrpcWorld } from '../support/grpc-world.ts'
import { ggufFile, safetensorsFile } from '../support/small-weights.ts'

/** What the upstream says next: bytes in the order given, then trailers. */
let said: { readonly pieces: readonly Buffer[]; readonly trailers?: Record<string, string> }

function answer(stream: ServerHttp2Stream): boolean {
  stream.respond(ANSWER_HEAD, { waitForTrailers: true })
  const { pieces, trailers = {} } = said
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', ...trailers }))
  const next = ([piece, ...rest]: readonly Buffer[]): void => {
    if (stream.destroyed) return
    if (piece === undefined) stream.end()
    else stream.write(piece, () => setImmediate(next, rest))
  }
  next(pieces)
  return true
}

let grpc: GrpcWorld
let token: string
beforeAll(async () => {
  grpc = await startGrpcWorld({ calls: answer })
  token = await grpc.world.token(['inference', 'exporter'])
}, 30_000)
afterAll(() => grpc.close())

const METHODS = { infer: 'ModelInfer', export: 'RepositoryModelDownload' } as const

async function call(
  pieces: readonly Buffer[],
  trailers?: Record<string, string>,
  by: keyof typeof METHODS = 'infer',
) {
  said = { pieces, ...(trailers === undefined ? {} : { trailers }) }
  const messages = [inferRequest('iris')]
  return grpc.client.call(`${SERVICE}/${METHODS[by]}`, { token, messages })
}

const WEIGHTS = safetensorsFile()
const GGUF = ggufFile()
const HONEST = inferResponse({ values: 2_000, seed: 5 })

/** In messages with `size` bytes of it in a field each. */
const over = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    framed(field(6, bytes.subarray(i * size, (i + 1) * size))),
  )

const tensor = (raw: Buffer): Buffer =>
  Buffer.concat([field(1, 'iris'), field(2, '1'), field(6, raw)])

describe('weights in a gRPC call', () => {
  const cases: readonly (readonly [string, readonly Buffer[], number])[] = [
    ['as a message', [framed(WEIGHTS)], 0],
    ['in a tensor', [framed(tensor(WEIGHTS))], 64],
    ['in the second of two tensors', [framed(Buffer.concat([HONEST, field(6, GGUF)]))], 9_000],
    ['after honest messages', [framed(HONEST), framed(HONEST), framed(tensor(GGUF))], 17_000],
    [
      'in the middle of a tensor',
      [framed(tensor(Buffer.concat([Buffer.alloc(5_000, 1), GGUF])))],
      5_100,
    ],
    ['over messages of 1000 bytes', over(WEIGHTS, 1_000), 64],
    ['over messages of 64 bytes', over(GGUF, 64), 256],
    ['byte by byte', [...framed(tensor(GGUF)).subarray(0, 400)].map((one) => Buffer.of(one)), 256],
    ['in base64', [framed(field(1, WEIGHTS.toString('base64')))], 600],
    ['in base64 over messages', over(Buffer.from(GGUF.toString('base64')), 2_000), 2_100],
  ]

  it.each(cases)('end it: %s', async (_name, pieces, most) => {
    const result = await call(pieces)
    expect(result.grpcStatus).not.toBe(0)
    expect(result.grpcMessage).toContain('weights_detected')
    expect(result.bytes).toBeLessThanOrEqual(most)
    const outcome = await grpc.world.whenRecord(
      ({ type, id }) => type === 'outcome' && id === result.decisionId,
    )
    expect(outcome).toMatchObject({ reason: 'weights_detected', found: expect.any(String) })
  })

  it('pass to a caller who may export', async () => {
    const result = await call([framed(WEIGHTS)], undefined, 'export')
    expect(result.grpcStatus).toBe(0)
    expect(result.messages[0]?.equals(WEIGHTS)).toBe(true)
  })

  it('are not seen in what a model answers', async () => {
    const result = await call([framed(HONEST)])
    expect(result.grpcStatus).toBe(0)
    expect(result.messages[0]?.equals(HONEST)).toBe(true)
  })
})

describe('trailers', () => {
  const details = (bytes: number): string => Buffer.alloc(bytes, 7).toString('base64')

  it('leave with details of usual length', async () => {
    const trailers = { 'grpc-status-details-bin': details(300), 'x-cost': '7' }
    expect((await call([framed(HONEST)], trailers)).trailers).toMatchObject(trailers)
  })

  it('leave without binary fields that are together too long', async () => {
    const { trailers, grpcStatus } = await call([framed(HONEST)], {
      'grpc-status-details-bin': details(4_000),
      'x-more-bin': details(4_000),
      'x-cost': '7',
    })
    expect(grpcStatus).toBe(0)
    expect(trailers).toMatchObject({ 'x-cost': '7' })
    expect(Object.keys(trailers).filter((name) => name.endsWith('-bin'))).toEqual([])
  })

  it('end the call when they hold weights', async () => {
    const file = WEIGHTS.subarray(0, 2_000).toString('base64')
    const result = await call([framed(HONEST)], { 'grpc-status-details-bin': file })
    expect(result.grpcMessage).toContain('weights_detected')
    expect(JSON.stringify(result.trailers)).not.toContain(file.slice(0, 100))
  })
})
