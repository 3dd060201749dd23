import { deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { classifyCall } from '../../../gateway/classify/grpc/classify-call.ts'
import { decodeMessage } from '../../../gateway/classify/grpc/message-coding.ts'
import { compileProtoTree } from '../../../gateway/classify/grpc/proto-tree.ts'
import type { MethodGroup } from '../../../gateway/classify/pack/compiled-pack.ts'
import type { ClassifiableRequest } from '../../../gateway/domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../../../gateway/domain/refusal.ts'
import type { Classification } from '../../../gateway/domain/request.ts'
import { field, framed, inferRequest } from '../../support/grpc-messages.ts'

const PEEK_BYTES_MAX = 64 * 1024

const group = (clientStreams: boolean): MethodGroup => ({
  rows: [],
  index: undefined,
  body: 'proto',
  queryNames: new Map(),
  bodyOnlyNames: [],
  bodyTree: undefined,
  formNames: new Map(),
  messages: { tree: compileProtoTree([{ path: '1', presence: false }]), clientStreams },
  headerNames: new Set(),
  plainCaptures: [],
})

/** Classified as `infer` on the model in field 1. */
function meaning(fields: ReadonlyMap<string, { kind: string; text?: string }>) {
  const name = fields.get('1')
  if (name === undefined) return refuse('model_missing')
  if (name.kind !== 'string') return refuse('model_conflict')
  const operations: Classification['operations'] = [
    { action: 'infer', resource: { kind: 'model', name: name.text ?? '' } },
  ]
  return { pack: 'p', route: 'r', operations, upgrade: false, errorShape: 'problem' as const }
}

/** A call of which the body comes in pieces; `looks` counts the bytes that were waited for. */
function callOf(pieces: readonly Buffer[], headers: Readonly<Record<string, string>> = {}) {
  const looks: number[] = []
  let here = 0
  const request: ClassifiableRequest = {
    transport: 'grpc',
    method: 'POST',
    target: { path: '/s/M', query: undefined, segments: [], encoded: '', emptySegments: false },
    headers: { get: (name) => headers[name], pairs: [] },
    upgrade: false,
    hasBody: true,
    peekBody(bytesMax) {
      looks.push(bytesMax)
      const size = () => pieces.slice(0, here).reduce((sum, piece) => sum + piece.length, 0)
      while (here < pieces.length && size() < bytesMax) here += 1
      const bytes = Buffer.concat(pieces.slice(0, here))
      return Promise.resolve({ bytes, complete: here === pieces.length })
    },
  }
  return { request, looks, read: () => here }
}

const classified = (request: ClassifiableRequest, clientStreams = false) =>
  classifyCall(request, group(clientStreams), { peekBytesMax: PEEK_BYTES_MAX, meaning })

const reasonOf = (value: unknown) => (isRefusal(value) ? value.reason : undefined)

/** What the watch says to the pieces and to the end; operations by their names. */
async function watched(
  pieces: readonly Buffer[],
  { streams = false, headers = {} }: { streams?: boolean; headers?: Record<string, string> } = {},
): Promise<readonly string[]> {
  const result = await classified(callOf(pieces, headers).request, streams)
  if (isRefusal(result)) return [`first: ${result.reason}`]
  const { watch } = result
  if (watch === undefined) throw new Error('there is no watch')
  const said = pieces.map((piece) => watch.push(piece))
  return [...said, watch.end()].map((verdict) => {
    if (verdict === undefined || verdict === 'hold') return String(verdict)
    if (isRefusal(verdict)) return verdict.reason
    return verdict.map(({ resource }) => resource.name).join()
  })
}

describe('the first message', () => {
  it('is read no further than its name needs', async () => {
    const big = framed(inferRequest('iris', { raw: Buffer.alloc(50_000) }))
    const pieces = [big.subarray(0, 3), big.subarray(3, 600), big.subarray(600)]
    const call = callOf(pieces)
    const result = await classified(call.request)
    expect(result).toMatchObject({ operations: [{ resource: { name: 'iris' } }] })
    expect(call.read()).toBe(2)
  })

  it('is read to the end when its name comes last', async () => {
    const message = Buffer.concat([field(7, Buffer.alloc(30_000)), field(1, 'iris')])
    const result = await classified(callOf([framed(message)]).request)
    expect(result).toMatchObject({ operations: [{ resource: { name: 'iris' } }] })
  })

  it('is refused when the name is not within what is read', async () => {
    const message = Buffer.concat([field(7, Buffer.alloc(PEEK_BYTES_MAX)), field(1, 'iris')])
    const pieces = [
      framed(message).subarray(0, PEEK_BYTES_MAX),
      framed(message).subarray(PEEK_BYTES_MAX),
    ]
    expect(reasonOf(await classified(callOf(pieces).request))).toBe('body_over_peek')
  })

  it.each<[string, Buffer, Refusal['reason']]>([
    ['nothing', Buffer.alloc(0), 'model_missing'],
    ['an empty message', framed(Buffer.alloc(0)), 'model_missing'],
    ['half a prefix', Buffer.from([0, 0, 0]), 'body_unparsable'],
    ['half a message', framed(inferRequest('iris')).subarray(0, 8), 'body_unparsable'],
    ['an unknown flag', Buffer.concat([Buffer.from([2, 0, 0, 0, 0])]), 'body_unparsable'],
    ['two names', framed(Buffer.concat([field(1, 'a'), field(1, 'b')])), 'model_conflict'],
    [
      'two messages',
      Buffer.concat([framed(field(1, 'a')), framed(field(1, 'a'))]),
      'body_unexpected',
    ],
    ['compression that was not announced', framed(gzipSync('x'), true), 'body_encoding'],
  ])('of %s is refused', async (_, body, reason) => {
    expect(reasonOf(await classified(callOf([body]).request))).toBe(reason)
  })

  it('is refused in a compression that cannot be read', async () => {
    const call = callOf([framed(field(1, 'iris'), true)], { 'grpc-encoding': 'snappy' })
    expect(reasonOf(await classified(call.request))).toBe('body_encoding')
  })
})

describe('the watch', () => {
  const big = framed(
    Buffer.concat([field(1, 'iris'), field(7, Buffer.alloc(5_000)), field(1, 'crown')]),
  )

  it('finds a second name behind what was read, before the message is complete', async () => {
    const pieces = [big.subarray(0, 1_000), big.subarray(1_000, 3_000), big.subarray(3_000)]
    expect(await watched(pieces)).toEqual([
      'undefined',
      'undefined',
      'model_conflict',
      'model_conflict',
    ])
  })

  it('refuses a second message where there is one', async () => {
    const one = framed(field(1, 'iris'))
    const said = await watched([one, one])
    expect(said).toEqual(['undefined', 'body_unexpected', 'body_unexpected'])
  })

  it('tells the models of every further message of a stream', async () => {
    const pieces = ['iris', 'a', 'b'].map((name) => framed(field(1, name)))
    expect(await watched(pieces, { streams: true })).toEqual(['undefined', 'a', 'b', 'undefined'])
    const together = [pieces[0] ?? Buffer.alloc(0), Buffer.concat(pieces.slice(1))]
    expect(await watched(together, { streams: true })).toEqual(['undefined', 'a,b', 'undefined'])
  })

  it('refuses a body that ends within a message', async () => {
    const cut = framed(field(1, 'iris')).subarray(0, 8)
    const pieces = [framed(field(1, 'iris')), cut]
    expect((await watched(pieces, { streams: true })).at(-1)).toBe('body_unparsable')
  })

  it('reads compressed messages, each', async () => {
    const pieces = ['iris', 'crown'].map((name) => framed(gzipSync(field(1, name)), true))
    const headers = { 'grpc-encoding': 'gzip' }
    const said = await watched(pieces, { streams: true, headers })
    expect(said).toEqual(['undefined', 'crown', 'undefined'])
  })
})

describe('compression', () => {
  const plain = inferRequest('iris', { raw: Buffer.alloc(2_000, 7) })

  it('is undone as it was done', () => {
    expect(decodeMessage(gzipSync(plain), 'gzip', 10_000)).toEqual(plain)
    expect(decodeMessage(deflateSync(plain), 'deflate', 10_000)).toEqual(plain)
  })

  it.each<[string, Buffer, 'gzip' | 'deflate']>([
    ['two members', Buffer.concat([gzipSync(field(1, 'a')), gzipSync(field(1, 'b'))]), 'gzip'],
    ['bytes behind', Buffer.concat([gzipSync(plain), Buffer.from('x')]), 'gzip'],
    ['bytes behind', Buffer.concat([deflateSync(plain), Buffer.from('x')]), 'deflate'],
    ['a wrong checksum', Buffer.concat([gzipSync(plain).subarray(0, -8), Buffer.alloc(8)]), 'gzip'],
    ['too little', gzipSync(plain).subarray(0, 20), 'gzip'],
    ['nothing', Buffer.alloc(0), 'deflate'],
    ['more than the bound', gzipSync(Buffer.alloc(20_000)), 'gzip'],
    ['the other coding', deflateSync(plain), 'gzip'],
  ])('of %s is refused', (_, bytes, coding) => {
    expect(decodeMessage(bytes, coding, 10_000)).toBeUndefined()
  })

  it('may not grow without measure', () => {
    const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024))
    expect(decodeMessage(bomb, 'gzip', 100 * 1024 * 1024)).toBeUndefined()
  })
})
