import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { leafHash } from '../../gateway/audit/line/record.ts'
import { createHttpOutlet, type HttpOutletOptions } from '../../gateway/audit/sinks/http-outlet.ts'
import { removeDirectories } from '../support/audit-harness.ts'
import { createAuthority } from '../support/certificates.ts'
import { fileLog, PLENTY_MS, startSink, stopSinks, upTo } from '../support/sinks.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  await stopSinks()
  for (const close of closing.splice(0)) await close()
})
afterAll(removeDirectories)

interface Event {
  readonly id: string
  readonly leafhash: string
  readonly data: { readonly seq: number }
}

interface Post {
  readonly headers: IncomingMessage['headers']
  readonly text: string
  readonly events: readonly Event[]
}

type Answer = (response: ServerResponse, post: Post) => void

/** A collector; each post is answered by the next of `answers`, then with 204. */
async function collector(answers: readonly Answer[] = [], server: Server = createServer()) {
  const posts: Post[] = []
  const left = [...answers]
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const post = { headers: request.headers, text, events: JSON.parse(text) as Event[] }
      const answer = left.shift()
      if (answer !== undefined) {
        answer(response, post)
        return
      }
      posts.push(post)
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const seqs = (): number[] => posts.flatMap(({ events }) => events.map(({ data }) => data.seq))
  return { posts, seqs, port, url: `http://127.0.0.1:${port}/events` }
}

const outletTo = (url: string, more: Partial<HttpOutletOptions> = {}) =>
  createHttpOutlet({ url, recordsMax: 10, timeoutMs: 2_000, ...more })

describe('an HTTP sink', () => {
  it('posts CloudEvents in batches, with the bytes of the ledger and its token', async () => {
    const log = fileLog()
    log.addMany(24)
    log.add({ type: 'decision', fields: { path: '/a\u2028b\u0007', ops: [{ res: 'model:ü' }] } })
    const { posts, seqs, url } = await collector()
    const { sinks } = startSink(log, outletTo(url, { token: () => 's3cret' }))
    await sinks.stop(PLENTY_MS)
    expect(seqs()).toEqual(upTo(25))
    expect(posts.map(({ events }) => events.length)).toEqual([10, 10, 6])
    expect(posts[0]?.headers).toMatchObject({
      'content-type': 'application/cloudevents-batch+json; charset=utf-8',
      authorization: 'Bearer s3cret',
    })
    expect(posts[2]?.events.at(-1)).toMatchObject({
      specversion: '1.0',
      id: '25',
      source: 'urn:modelgate:test/audit/n1',
      subject: 'model:ü',
      datacontenttype: 'application/json',
    })
    const data = /"data":(\{"v":1.*\})\}\]$/.exec(posts[2]?.text.slice(-700) ?? '')?.[1] ?? ''
    const line = data.slice(data.lastIndexOf('{"v":1'))
    expect(leafHash(Buffer.from(line))).toBe(posts[2]?.events.at(-1)?.leafhash)
  })

  it.each<[string, Answer]>([
    ['http-503', (response) => response.writeHead(503, { 'retry-after': '1' }).end()],
    ['http-302', (response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    ['http-401', (response) => response.writeHead(401).end('x'.repeat(200_000))],
    [
      'answer-cut',
      (response) =>
        response.writeHead(200, { 'content-length': 9 }).write('half', () => response.destroy()),
    ],
    ['ECONNRESET', (response) => response.destroy()],
    ['timeout', () => undefined],
  ])('sends again after %s, in order and with nothing missing', async (why, answer) => {
    const log = fileLog()
    log.addMany(14)
    const { seqs, url } = await collector([answer, answer])
    const { sinks, events, until } = startSink(log, outletTo(url, { timeoutMs: 300 }))
    await until(({ type }) => type === 'recovered')
    await sinks.stop(PLENTY_MS)
    expect(seqs()).toEqual(upTo(14))
    expect(events[0]).toEqual({ type: 'failed', sink: 'siem', why, attempt: 1 })
  })

  it('makes batches smaller for 413', async () => {
    const log = fileLog()
    log.addMany(9)
    const { posts, seqs, url } = await collector([(response) => response.writeHead(413).end()])
    const { sinks, until } = startSink(log, outletTo(url))
    await until(({ type }) => type === 'sent')
    await sinks.stop(PLENTY_MS)
    expect(seqs()).toEqual(upTo(9))
    expect(posts[0]?.events).toHaveLength(5)
  })

  it('waits for a collector that is not there, and loses nothing', async () => {
    const first = await collector()
    for (const close of closing.splice(0)) await close()
    const log = fileLog()
    log.addMany(3)
    const { sinks, until } = startSink(log, outletTo(first.url), { whenFull: 'block' })
    await until((event) => event.type === 'failed' && event.why === 'ECONNREFUSED')
    const seen: number[] = []
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const events = JSON.parse(Buffer.concat(chunks).toString()) as Event[]
        seen.push(...events.map(({ data }) => data.seq))
        response.writeHead(202).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(first.port, '127.0.0.1', resolve))
    closing.push(() => new Promise((resolve) => server.close(resolve)))
    await until(({ type }) => type === 'recovered')
    await sinks.stop(PLENTY_MS)
    expect(seen).toEqual(upTo(3))
  })

  it('takes over TLS only whom it may trust', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'modelgate-sink-'))
    closing.push(() => rm(dir, { recursive: true }))
    const authority = await createAuthority(dir, 'collectors')
    const { certFile, keyFile } = await authority.issue('localhost', 'serverAuth')
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)])
    const server = createTlsServer({ cert, key }) as unknown as Server
    const { seqs, port } = await collector([], server)
    const log = fileLog()
    log.addMany(2)
    const url = `https://localhost:${port}/`
    const wary = startSink(log, outletTo(url))
    await wary.until(({ type }) => type === 'failed')
    await wary.sinks.stop(0)
    expect(seqs()).toEqual([])
    const ca = (await readFile(authority.certFile)).toString()
    await startSink(log, outletTo(url, { ca })).sinks.stop(PLENTY_MS)
    expect(seqs()).toEqual(upTo(2))
  })

  it('ends in time when nobody answers, and keeps its place', async () => {
    const { url } = await collector([() => undefined, () => undefined])
    const log = fileLog()
    log.addMany(2)
    const { sinks, lag } = startSink(log, outletTo(url, { timeoutMs: 60_000 }))
    await sinks.stop(5_000)
    expect(lag()).toBe(3)
  })
})
