/** What is measured of the response guard, in this process. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { Agent } from 'undici'
import { createResponseGuard } from '../../../gateway/egress/guard/response-guard.ts'

/** A kind of answer that passes. */
export interface Traffic {
  readonly kind: string
  readonly type: string
  readonly chunks: readonly Buffer[]
}

const CHUNK_BYTES = 64 * 1024
const STREAM_BYTES = 16 * 1024 * 1024

function inChunks(body: Buffer, bytes = CHUNK_BYTES): Buffer[] {
  const count = Math.ceil(body.length / bytes)
  return Array.from({ length: count }, (_, i) => body.subarray(i * bytes, (i + 1) * bytes))
}

function repeated(text: (index: number) => string): Buffer {
  const parts: string[] = []
  for (let bytes = 0, i = 0; bytes < STREAM_BYTES; i++) {
    const part = text(i)
    parts.push(part)
    bytes += part.length
  }
  return Buffer.from(parts.join(''))
}

const SAID = 'Why was "this" payment refused? Because the model found it unlike the others, and'

/** The kinds, each of 16 MiB; binary ones are random, which is what tensors and pictures look like. */
export function allTraffic(): readonly Traffic[] {
  const random = randomBytes(STREAM_BYTES)
  const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), random])
  const json = repeated((i) => `{"index":${i},"text":${JSON.stringify(SAID)},"score":0.${i}173},`)
  const event = (i: number) =>
    `data: {"id":"chatcmpl-${i}","choices":[{"index":0,"delta":{"content":" ${SAID.slice(i % 40, (i % 40) + 6)}"}}]}\n\n`
  const numbers = repeated((i) => `${Math.sin(i)},`)
  const picture = Buffer.from(`{"b64_json":"${random.toString('base64')}"}`)
  return [
    { kind: 'binary octets', type: 'application/octet-stream', chunks: inChunks(random) },
    { kind: 'picture', type: 'image/png', chunks: inChunks(png) },
    { kind: 'JSON', type: 'application/json', chunks: inChunks(json) },
    { kind: 'JSON of numbers', type: 'application/json', chunks: inChunks(numbers) },
    { kind: 'events', type: 'text/event-stream', chunks: inChunks(repeated(event)) },
    {
      kind: 'events, one at a time',
      type: 'text/event-stream',
      chunks: inChunks(repeated(event), 120),
    },
    { kind: 'base64 in JSON', type: 'application/json', chunks: inChunks(picture) },
  ]
}

/** Time this process has had a processor: what others do at the time does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** Bytes a second that one core passes, in GB (10^9). */
export function throughput({ type, chunks }: Traffic, measureMs: number): number {
  const pass = (): number => {
    const guard = createResponseGuard({ mayExport: false, allowedTypes: [type] })
    guard.head({ status: 200, headers: ['content-type', type] })
    let bytes = 0
    for (const chunk of chunks) {
      if (typeof guard.chunk(chunk) === 'object') throw new Error(`${type} was refused`)
      bytes += chunk.length
    }
    if (guard.end() !== undefined) throw new Error(`${type} was refused at its end`)
    return bytes
  }
  pass()
  const started = cpuMs()
  let bytes = 0
  do bytes += pass()
  while (cpuMs() - started < measureMs)
  return bytes / (cpuMs() - started) / 1e6
}

const SMALL = Buffer.from(
  JSON.stringify({ id: 'cmpl-1', text: SAID.repeat(20) }).slice(0, 1022) + '"}',
)
const SMALL_HEAD = {
  status: 200,
  headers: ['content-type', 'application/json', 'content-length', String(SMALL.length)],
}

/** Microseconds that the guard takes of one small JSON answer, head and end included. */
export function smallAnswerUs(measureMs: number): number {
  const rounds = 2_000
  const pass = (): void => {
    for (let i = 0; i < rounds; i++) {
      const guard = createResponseGuard({ mayExport: false })
      guard.head(SMALL_HEAD)
      if (guard.chunk(SMALL) !== undefined) throw new Error('a small answer was refused')
      guard.end()
    }
  }
  pass()
  const started = cpuMs()
  let count = 0
  do {
    pass()
    count += rounds
  } while (cpuMs() - started < measureMs)
  return ((cpuMs() - started) * 1_000) / count
}

/** Microseconds of processor for a round trip with that answer over loopback: node:http and undici. */
export async function roundTripUs(measureMs: number): Promise<number> {
  const server = createServer((_request, response) => {
    response.writeHead(200, SMALL_HEAD.headers)
    response.end(SMALL)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const agent = new Agent({ connections: 1 })
  const once = async (): Promise<void> => {
    const { body } = await agent.request({
      origin: `http://127.0.0.1:${port}`,
      path: '/',
      method: 'GET',
    })
    await body.arrayBuffer()
  }
  for (let i = 0; i < 500; i++) await once()
  const started = cpuMs()
  let count = 0
  for (; cpuMs() - started < measureMs; count++) await once()
  const us = ((cpuMs() - started) * 1_000) / count
  await agent.close()
  await new Promise((resolve) => server.close(resolve))
  return us
}
