/** What a signer and a witness do with whatever is sent to them. */
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { listen } from '../../gateway/assembly/listeners.ts'
import { originHash } from '../../gateway/audit/signing/growth-memory.ts'
import { createGrowthServer } from '../../gateway/audit/signing/growth-server.ts'
import { verifiedLines } from '../../gateway/audit/signing/signature-lines.ts'
import { listenOnSocket } from '../../gateway/audit/signing/unix-socket.ts'
import { createWitness } from '../../gateway/audit/signing/witness.ts'
import { ADD_CHECKPOINT_PATH } from '../../gateway/audit/signing/witness-client.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { afterResponses, rawExchange } from '../support/raw-client.ts'
import { newSigner } from '../support/tree-log.ts'
import {
  growingLog,
  newMemory,
  ORIGIN,
  removeWitnessing,
  witnessingDirectory,
} from '../support/witnessing.ts'

const own = newSigner('w1.example.net', 'cosignature')
const log = growingLog()
const fork = growingLog('other', log.signer)
const { memory } = newMemory([own])
let server: Server
let port: number

beforeAll(async () => {
  const logs = [log.signer.verifier]
  const witness = createWitness({ signers: [own], logs, memory, clock: systemClock })
  server = createGrowthServer({
    path: ADD_CHECKPOINT_PATH,
    answer: (body) => witness.answer(body),
    noteOf: (name) => witness.noteOf(name),
  })
  port = await listen(server, '127.0.0.1', 0)
})
afterAll(async () => {
  await new Promise((done) => server.close(done))
  removeWitnessing()
})

async function send(text: string | Buffer) {
  const { responses } = await rawExchange(port, text)
  const [response] = responses
  if (response === undefined) throw new Error('no answer')
  const { status, body } = response
  return { status, body: body.toString(), type: response.header('content-type') }
}

const post = (body: string) =>
  send(
    `POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${Buffer.from(body).toString('latin1')}`,
  )
const get = (path: string) => send(`GET ${path} HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n`)

describe('a witness on the wire', () => {
  it('answers as C2SP tlog-witness says', async () => {
    expect(await get(`/${originHash(ORIGIN)}/checkpoint`)).toMatchObject({ status: 404 })
    const first = await post(log.body(0, 5))
    expect(first.status).toBe(200)
    expect(verifiedLines(log.text(5), Buffer.from(first.body), [own.verifier])).toHaveLength(1)
    expect(await post(log.body(5, 9))).toMatchObject({ status: 200 })
    const conflict = { status: 409, body: '9\n', type: 'text/x.tlog.size' }
    expect(await post(log.body(5, 12))).toEqual(conflict)
    expect(await post(log.body(0, 4))).toEqual(conflict)
    expect(await post(fork.body(9, 9))).toEqual(conflict)
    expect(await post(fork.body(9, 12))).toMatchObject({ status: 422 })
    expect(await post(log.body(9, 12, { proof: log.proof(8, 12) }))).toMatchObject({ status: 422 })
    expect(await post(growingLog('leaf', newSigner('other')).body(9, 12))).toMatchObject({
      status: 404,
    })
    expect(await post(growingLog('leaf', newSigner(ORIGIN)).body(9, 12))).toMatchObject({
      status: 403,
    })
    const read = await get(`/${originHash(ORIGIN)}/checkpoint`)
    expect([read.status, read.body.startsWith(log.text(9))]).toEqual([200, true])
  })

  it.each([
    ['CRLF', (body: string) => body.replaceAll('\n', '\r\n'), 400],
    [
      'a space at the end of a line',
      (body: string) => body.replace(`\n${ORIGIN}`, ` \n${ORIGIN}`),
      400,
    ],
    ['no end of the last line', (body: string) => body.slice(0, -1), 400],
    ['an end cut off', (body: string) => body.slice(0, -30), 400],
    ['no signature', (body: string) => body.slice(0, body.lastIndexOf('\u2014')), 400],
    ['a hyphen for the dash', (body: string) => body.replace('\u2014', '-'), 400],
    ['a size with a leading zero', (body: string) => body.replace('\n12\n', '\n012\n'), 400],
    ['a negative size', (body: string) => body.replace('\n12\n', '\n-12\n'), 400],
    [
      'an old size above that of the checkpoint',
      (body: string) => body.replace('old 9', 'old 13'),
      400,
    ],
    ['an old size without the word', (body: string) => body.slice('old '.length), 400],
    ['64 lines of proof', (body: string) => body.replace('\n', `\n${`${HASH}\n`.repeat(64)}`), 400],
    ['a NUL', (body: string) => body.replace(ORIGIN, `${ORIGIN}\0`), 400],
    ['another size than was signed', (body: string) => body.replace('\n12\n', '\n13\n'), 403],
    ['the same signature twice, once broken', (body: string) => body + breakLine(body), 403],
    [
      'an extension that was not signed',
      (body: string) => body.replace('=\n\n\u2014', '=\nx\n\n\u2014'),
      403,
    ],
  ])('refuses %s', async (_what, change, status) => {
    const before = memory.headOf(ORIGIN)
    expect(await post(change(log.body(9, 12)))).toMatchObject({ status })
    expect(memory.headOf(ORIGIN)).toBe(before)
  })

  const HASH = log.rootAt(1).toString('base64')
  const breakLine = (body: string): string => {
    const line = body.slice(body.lastIndexOf('\u2014'))
    return `${line.slice(0, -12)}${line.endsWith('AAAAAAAAAA=\n') ? 'B' : 'A'}AAAAAAAAA=\n`
  }

  it('takes no more than 64 KiB, announced or not', async () => {
    const head = 'POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n'
    const much = 'x'.repeat(65 * 1024)
    const announced = await send(`${head}Content-Length: ${much.length}\r\n\r\n${much}`)
    expect(announced).toMatchObject({ status: 413 })
    const chunk = `${much.length.toString(16)}\r\n${much}\r\n`
    const chunked = await send(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`)
    expect(chunked).toMatchObject({ status: 413 })
  })

  it('does not take the rest of a body for a request', async () => {
    const hidden = 'GET /x HTTP/1.1\r\nHost: w\r\n\r\n'
    const body = hidden.repeat(3000)
    const { responses, endedBy } = await rawExchange(
      port,
      `POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      { until: () => false, timeoutMs: 2000 },
    )
    expect(responses.length).toBeLessThanOrEqual(1)
    expect(endedBy).not.toBe('timeout')
  })

  it.each([
    ['GET', '/add-checkpoint', 405],
    ['PUT', '/add-checkpoint', 405],
    ['GET', '/', 404],
    ['GET', '/add-checkpoint/', 404],
    ['GET', '/add-checkpoint?x', 404],
    ['GET', `/${'0'.repeat(64)}/checkpoint`, 404],
    ['GET', '/../lock/checkpoint', 404],
    ['GET', '/accepted-gaps.log/checkpoint', 404],
    ['POST', '/%61dd-checkpoint', 404],
  ])('%s %s is %i', async (method, path, status) => {
    const text = `${method} ${path} HTTP/1.1\r\nHost: w\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
    expect(await send(text)).toMatchObject({ status })
  })

  it('refuses both lengths at once, and serves the next on its connection', async () => {
    const head = 'POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n'
    const both = `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`
    expect((await rawExchange(port, both)).responses[0]?.status).toBe(400)
    const one = 'GET /x HTTP/1.1\r\nHost: w\r\n\r\n'
    const { responses } = await rawExchange(port, [one, one], { until: afterResponses(2) })
    expect(responses.map(({ status }) => status)).toEqual([404, 404])
  })
})

describe('the socket of a signer', () => {
  const service = { path: '/x', answer: () => ({ status: 200, body: '' }) as const }
  const close = (one: Server) => new Promise((done) => one.close(done))

  it('lets nobody else connect, from the first moment', async () => {
    const path = join(witnessingDirectory(), 'signer.sock')
    const one = createGrowthServer(service)
    await listenOnSocket(one, path, 0o600)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(one.address()).toBe(path)
    // A second one does not take it over.
    const two = createGrowthServer(service)
    await expect(listenOnSocket(two, path, 0o600)).rejects.toThrow('another process')
    expect(await reaches(path)).toBe(true)
    await close(one)
    expect(existsSync(path)).toBe(false)
  })

  it('is not made where others could put another, or over a file', async () => {
    const dir = witnessingDirectory()
    const path = join(dir, 'signer.sock')
    writeFileSync(path, '')
    const one = createGrowthServer(service)
    await expect(listenOnSocket(one, path, 0o600)).rejects.toThrow('something else')
    chmodSync(dir, 0o770)
    await expect(listenOnSocket(one, join(dir, 'b'), 0o600)).rejects.toThrow('its directory')
    await expect(listenOnSocket(one, join(dir, 'no', 'b'), 0o600)).rejects.toThrow('its directory')
  })

  function reaches(path: string): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ path })
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
  }
})
