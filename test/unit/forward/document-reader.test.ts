/** Small documents of an upstream, for operators. */
import { afterEach, describe, expect, it } from '@jest/globals'
import type { RequestListener } from 'node:http'
import { createDocumentReader } from '../../../gateway/forward/document-reader.ts'
import { startHttpUpstream, type HttpUpstream } from '../../support/http-upstream.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const LIMITS = {
  connections: 1,
  privilegedConnections: 1,
  connectTimeoutMs: 1000,
  headersTimeoutMs: 1000,
  idleTimeoutMs: 1000,
  queueMax: 1,
  queueTimeoutMs: 1000,
}

async function read(listener: RequestListener, bytesMax = 1000, timeoutMs = 5000) {
  const upstream: HttpUpstream = await startHttpUpstream(listener)
  closers.push(() => upstream.close())
  const reader = createDocumentReader({
    upstream: { name: 'one', origin: upstream.url, ...LIMITS },
    headers: ['authorization', 'Bearer secret'],
    timeoutMs,
    bytesMax,
  })
  closers.unshift(() => reader.close())
  return { answer: await reader.read('/openapi.json'), requests: upstream.requests }
}

describe('a document', () => {
  it('is read with the credential of the upstream', async () => {
    const { answer, requests } = await read((_, response) => void response.end('{}'))
    expect(answer).toEqual({ status: 200, text: '{}' })
    expect(requests[0]?.headers).toMatchObject({
      authorization: 'Bearer secret',
      'accept-encoding': 'identity',
    })
  })

  it('is not followed to another place', async () => {
    const { answer, requests } = await read(
      (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('no'),
    )
    expect(answer).toEqual({ status: 302, text: '' })
    expect(requests).toHaveLength(1)
  })

  it('is given up when it is too long', async () => {
    const { answer } = await read((_, response) => void response.end('x'.repeat(2000)))
    expect(answer).toMatchObject({ status: undefined, failure: 'longer than 1000 bytes' })
  })

  it('is given up when it does not come', async () => {
    const { answer } = await read(() => undefined, 1000, 50)
    expect(answer).toMatchObject({ failure: 'no answer in time' })
  })
})

it('where nobody listens there is none', async () => {
  const reader = createDocumentReader({
    upstream: { name: 'one', origin: 'http://127.0.0.1:1', ...LIMITS },
    headers: [],
    timeoutMs: 2000,
    bytesMax: 1000,
  })
  closers.push(() => reader.close())
  const answer = await reader.read('/')
  expect(answer).toMatchObject({ status: undefined })
  expect('failure' in answer && answer.failure).toMatch(/^no answer: /)
})
