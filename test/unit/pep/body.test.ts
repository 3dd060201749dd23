import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { createPeekableBody, EMPTY_BODY, type BodyOptions } from '../../../gateway/pep/body.ts'

let server: Server
let arrived: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
beforeAll(async () => {
  server = createServer((request, response) => {
    request.on('error', () => undefined)
    arrived?.(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** A request whose client has sent `sent` of a body, and can send more. */
async function incoming(sent: string, headers: string, more: Partial<BodyOptions> = {}) {
  const received = new Promise<IncomingMessage>((resolve) => {
    arrived = (request) => resolve(request)
  })
  const client: Socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => undefined)
  client.write(`POST / HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n${sent}`)
  const request = await received
  let asked = 0
  const options = { idleTimeoutMs: 500, beforeRead: () => void (asked += 1), ...more }
  return { client, request, body: createPeekableBody(request, options), asked: () => asked }
}

const bytesOf = async (stream: Readable | Buffer | null) =>
  stream instanceof Readable ? (await buffer(stream)).toString() : stream?.toString()

describe('peeking at a body', () => {
  it('gives all of a small one, asks for it once, and forwards the same bytes', async () => {
    const { body, asked } = await incoming('hello', 'Content-Length: 5')
    expect(asked()).toBe(0)
    expect(await body.peek(100)).toEqual({ bytes: Buffer.from('hello'), complete: true })
    expect(await body.peek(100)).toMatchObject({ complete: true })
    expect(asked()).toBe(1)
    expect(body.forward()).toEqual(Buffer.from('hello'))
    expect(body.finished).toBe(true)
  })

  it('is not needed for a small body that is all here to be forwarded as one buffer', async () => {
    const { body, request } = await incoming('hello', 'Content-Length: 5')
    while (!request.complete) await new Promise((resolve) => setImmediate(resolve))
    const forwarded = body.forward()
    expect(forwarded).toEqual(Buffer.from('hello'))
  })

  it('leaves a body past its bound to be broken off, even when all of it is here', async () => {
    const chunked = '5\r\nhello\r\n0\r\n\r\n'
    const limit = { bytesMax: 4 }
    const { body, request } = await incoming(chunked, 'Transfer-Encoding: chunked', limit)
    while (!request.complete) await new Promise((resolve) => setImmediate(resolve))
    await expect(bytesOf(body.forward())).rejects.toThrow()
    expect(body.exceeded).toBe(true)
  })

  it('waits for what is still on its way', async () => {
    const { body, client } = await incoming('he', 'Content-Length: 5')
    const peeked = body.peek(100)
    client.write('llo')
    expect(await peeked).toEqual({ bytes: Buffer.from('hello'), complete: true })
  })

  it('stops past the bound, and puts the bytes back in front', async () => {
    const { body, client } = await incoming('0123456789', 'Content-Length: 20')
    expect(await body.peek(4)).toMatchObject({ complete: false })
    const forwarded = bytesOf(body.forward())
    client.write('abcdefghij')
    expect(await forwarded).toBe('0123456789abcdefghij')
  })

  it('takes a body as long as the bound', async () => {
    const { body } = await incoming('0123', 'Content-Length: 4')
    expect(await body.peek(4)).toMatchObject({ complete: true })
  })

  it('joins chunks', async () => {
    const { body } = await incoming(
      '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
      'Transfer-Encoding: chunked',
    )
    expect(await body.peek(100)).toEqual({ bytes: Buffer.from('hello'), complete: true })
  })

  it('refuses a body that breaks off', async () => {
    const { body, client } = await incoming('he', 'Content-Length: 5')
    const peeked = body.peek(100)
    client.destroy()
    expect(await peeked).toMatchObject({ reason: 'request_body_aborted' })
  })

  it('refuses a body that pauses too long, and one that drips on', async () => {
    const paused = await incoming('he', 'Content-Length: 5', { idleTimeoutMs: 30 })
    expect(await paused.body.peek(100)).toMatchObject({ reason: 'request_timeout' })
    paused.client.destroy()
    const dripping = await incoming('', 'Content-Length: 500', { idleTimeoutMs: 40 })
    const drip = setInterval(() => dripping.client.write('x'), 10)
    const peeked = await dripping.body.peek(1_000)
    clearInterval(drip)
    dripping.client.destroy()
    expect(peeked).toMatchObject({ reason: 'request_timeout' })
  })
})

describe('a body with a bound on its size', () => {
  const chunked = '5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n'

  it('is refused when a peek sees more', async () => {
    const { body } = await incoming(chunked, 'Transfer-Encoding: chunked', { bytesMax: 9 })
    expect(await body.peek(100)).toMatchObject({ reason: 'body_too_large' })
  })

  it('is broken off when it is forwarded, and says so', async () => {
    const { body } = await incoming(chunked, 'Transfer-Encoding: chunked', { bytesMax: 9 })
    await expect(bytesOf(body.forward())).rejects.toThrow('over its bound')
    expect(body.exceeded).toBe(true)
  })

  it('is forwarded whole up to it', async () => {
    const { body } = await incoming(chunked, 'Transfer-Encoding: chunked', { bytesMax: 10 })
    expect(await bytesOf(body.forward())).toBe('helloworld')
    expect(body.exceeded).toBe(false)
  })

  it('breaks off when the client does', async () => {
    const { body, client } = await incoming('5\r\nhello\r\n', 'Transfer-Encoding: chunked', {
      bytesMax: 10,
    })
    const forwarded = bytesOf(body.forward())
    client.destroy()
    await expect(forwarded).rejects.toThrow()
    expect(body.exceeded).toBe(false)
  })
})

it('no body is empty and finished', async () => {
  const peeked = await EMPTY_BODY.peek(1)
  expect(isRefusal(peeked)).toBe(false)
  expect(peeked).toMatchObject({ complete: true })
  expect([EMPTY_BODY.forward(), EMPTY_BODY.finished]).toEqual([null, true])
})
