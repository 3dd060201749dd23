import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { createPeerRate } from '../../gateway/assembly/signals/peer-rate.ts'
import { createControlApp } from '../../gateway/pap/control-app.ts'
import type { SignalAnswer, SignalDelivery } from '../../gateway/pap/signals-api.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function listening(answer: SignalAnswer | undefined, max = 100) {
  const got: (SignalDelivery | string)[] = []
  const rate = createPeerRate(max, () => 0)
  const take = (what: SignalDelivery | string, peer?: string) => {
    if (typeof what === 'string') expect(peer).toBe('127.0.0.1')
    got.push(what)
    return Promise.resolve(answer ?? { taken: true as const })
  }
  const signals = { admits: (peer: string) => rate.admits(peer), event: take, logout: take }
  const app = createControlApp({
    metrics: () => Promise.resolve({ contentType: 'text/plain', text: '' }),
    unreadiness: () => [],
    assertionKeys: () => ({}),
    signals: max === 0 ? undefined : signals,
  })
  const running = createServer(app)
  server = running
  await new Promise<void>((resolve) => running.listen(0, '127.0.0.1', resolve))
  const { port } = running.address() as AddressInfo
  const send = (path: string, headers: Record<string, string>, body = 'a.b.c', method = 'POST') =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers,
      ...(method === 'POST' ? { body } : {}),
    })
  return { got, send }
}

const SET_TYPE = { 'content-type': 'application/secevent+jwt' }
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

describe('pushed signals', () => {
  it('are answered with 202 and nothing else', async () => {
    const { got, send } = await listening({ taken: true })
    const answer = await send('/signals/events', { ...SET_TYPE, authorization: 'Bearer x' })
    expect([answer.status, await answer.text()]).toEqual([202, ''])
    expect(got).toEqual([{ text: 'a.b.c', authorization: 'Bearer x', peer: '127.0.0.1' }])
  })

  it('are turned away with the code of RFC 8935', async () => {
    const { send } = await listening({ err: 'authentication_failed', description: 'no' })
    const answer = await send('/signals/events', SET_TYPE)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('content-language')).toBe('en')
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    expect(await answer.json()).toEqual({ err: 'authentication_failed', description: 'no' })
  })

  it('are to be sent again when they cannot be taken now', async () => {
    const { send } = await listening({ err: 'unavailable', description: 'no', retryAfterMs: 4_100 })
    const answer = await send('/signals/events', SET_TYPE)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
  })

  it('of a logout are answered with 200, not to be kept', async () => {
    const { got, send } = await listening({ taken: true })
    const answer = await send('/signals/logout', FORM, 'logout_token=a.b.c&more=1')
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(got).toEqual(['a.b.c'])
    for (const body of ['', 'logout_token=', 'logout_token=a&logout_token=b']) {
      expect((await send('/signals/logout', FORM, body)).status).toBe(400)
    }
    expect(got).toHaveLength(1)
  })

  it.each([
    [405, {}, 'GET', {}],
    [403, { origin: 'https://evil.example' }, 'POST', SET_TYPE],
    [403, { origin: 'null' }, 'POST', SET_TYPE],
    [415, {}, 'POST', { 'content-type': 'text/plain' }],
    [415, {}, 'POST', FORM],
    [415, { 'content-encoding': 'gzip' }, 'POST', SET_TYPE],
  ])('get %i with %j by %s', async (status, headers, method, type) => {
    const { got, send } = await listening(undefined)
    const answer = await send('/signals/events', { ...type, ...headers }, 'a.b.c', method)
    expect([answer.status, got.length]).toEqual([status, 0])
    expect(answer.headers.get('access-control-allow-origin')).toBe(null)
  })

  it('are bounded in size and in number', async () => {
    const { got, send } = await listening(undefined, 2)
    const long = await send('/signals/events', SET_TYPE, 'x'.repeat(70_000))
    expect([long.status, got.length]).toEqual([400, 0])
    expect((await send('/signals/events', SET_TYPE)).status).toBe(202)
    const more = await send('/signals/events', SET_TYPE)
    expect([more.status, more.headers.get('retry-after')]).toEqual([429, '60'])
  })

  it('are not known where they are not configured', async () => {
    const { send } = await listening(undefined, 0)
    expect((await send('/signals/events', SET_TYPE)).status).toBe(404)
  })
})

describe('the rate of peers', () => {
  it('is that of an address, or of a /64', () => {
    let now = 0
    const rate = createPeerRate(1, () => now)
    expect(rate.admits('::ffff:10.0.0.1')).toBe(true)
    expect(rate.admits('10.0.0.1')).toBe(false)
    expect(rate.admits('2001:db8::1')).toBe(true)
    expect(rate.admits('2001:db8::2')).toBe(false)
    expect(rate.admits('2001:db8:0:1::1')).toBe(true)
    now = 60_000
    expect(rate.admits('10.0.0.1')).toBe(true)
  })
})
