/** Weights of any size pass in both directions, in constant memory, and are counted. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'

const MIB = 1024 * 1024
const SIZE = 2 * 1024 * MIB
const GROWTH_MAX = 64 * MIB
const PATH = '/api/2.0/mlflow-artifacts/artifacts/models/m-1/artifacts/model.safetensors'
const BLOCK = Buffer.alloc(MIB, 'weights!')

/** Bytes the upstream received in the body of the last request. */
let received = 0

/** Writes `total` bytes as fast as they are taken. */
function pour(target: NodeJS.WritableStream, total: number): void {
  let left = total
  const more = (): void => {
    while (left > 0) {
      const block = left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left)
      left -= block.length
      if (!target.write(block)) {
        target.once('drain', more)
        return
      }
    }
    target.end()
  }
  more()
}

/** Gives as many bytes as `x-size` asks for, and takes what is put. */
function registry(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'GET') {
    const size = Number(request.headers['x-size'])
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': String(size),
    })
    pour(response, size)
    return
  }
  received = 0
  request.on('data', (chunk: Buffer) => (received += chunk.length))
  request.on('end', () => response.end('{}'))
}

let world: BuiltWorld
beforeAll(async () => {
  world = await startBuiltWorld({
    handler: registry,
    upstreams: [{ name: 'registry', pack: 'mlflow' }],
    config: { log: { level: 'info' } },
  })
  // What a first request allocates for good is not growth.
  await download(16 * MIB)
  await upload(16 * MIB)
}, 30_000)
afterAll(() => world.close())

async function exchange(options: {
  method: string
  role: string
  headers: Record<string, string>
  body?: number
}): Promise<{ status: number; bytes: number }> {
  const authorization = `Bearer ${await world.token([options.role])}`
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      world.url + PATH,
      { method: options.method, headers: { authorization, ...options.headers }, agent: false },
      (response) => {
        let bytes = 0
        response.on('data', (chunk: Buffer) => (bytes += chunk.length))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, bytes }))
        response.on('error', reject)
      },
    )
    request.on('error', reject)
    pour(request, options.body ?? 0)
  })
}

const download = (size: number) =>
  exchange({ method: 'GET', role: 'exporter', headers: { 'x-size': String(size) } })

const upload = (size: number, framing: 'length' | 'chunked' = 'length') =>
  exchange({
    method: 'PUT',
    role: 'deployer',
    headers: framing === 'length' ? { 'content-length': String(size) } : {},
    body: size,
  })

/** Resident memory of the gateway in bytes, and the most it ever was where the system tells. */
async function memory(): Promise<{ now: number; peak: number }> {
  if (process.platform === 'linux') {
    const status = await readFile(`/proc/${world.pid}/status`, 'utf8')
    const kib = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
    return { now: kib('VmRSS') * 1024, peak: kib('VmHWM') * 1024 }
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(world.pid)])
  const now = Number(stdout) * 1024
  return { now, peak: now }
}

/** The outcome with so many bytes in one direction. */
const outcome = (field: 'bytes_in' | 'bytes_out', bytes: number) =>
  world.whenRecord((record) => record.type === 'outcome' && record[field] === bytes)

describe('a body of 2 GiB', () => {
  it('is downloaded whole, in constant memory, and counted', async () => {
    const before = await memory()
    expect(await download(SIZE)).toEqual({ status: 200, bytes: SIZE })
    const after = await memory()
    expect(after.peak - before.now).toBeLessThan(GROWTH_MAX)
    expect(await outcome('bytes_out', SIZE)).toMatchObject({ status: 200, bytes_in: 0 })
    const exported = await world.whenRecord(
      (record) => record.type === 'export' && record['bytes'] === SIZE,
    )
    const expected = createHash('sha256')
    for (let left = SIZE; left > 0; left -= MIB) expected.update(BLOCK)
    expect(exported).toMatchObject({ complete: true, sha256: expected.digest('hex') })
    const counted = { upstream: 'registry', action: 'export' }
    expect(await world.metric('response_bytes_total', counted)).toBe(SIZE + 16 * MIB)
  }, 60_000)

  it('is uploaded whole, in constant memory, and counted', async () => {
    const before = await memory()
    expect(await upload(SIZE)).toMatchObject({ status: 200 })
    expect(received).toBe(SIZE)
    const after = await memory()
    expect(after.peak - before.now).toBeLessThan(GROWTH_MAX)
    expect(await outcome('bytes_in', SIZE)).toMatchObject({ status: 200, bytes_out: 2 })
  }, 60_000)

  it('needs no declared length', async () => {
    expect(await upload(64 * MIB, 'chunked')).toMatchObject({ status: 200 })
    expect(received).toBe(64 * MIB)
    expect(await outcome('bytes_in', 64 * MIB)).toMatchObject({ status: 200 })
  })
})
