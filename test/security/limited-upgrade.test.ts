/**
 * A WebSocket under limits is refused where nobody could change what its frames carry; how much they
 * carry is counted.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { request } from '../support/attack.ts'
import { rawExchange } from '../support/raw-client.ts'
import { startWorld, type World } from '../support/world.ts'

const ROUTES = `pack: echo
title: A model server that talks over WebSocket
routes:
  - methods: [GET]
    path: /live/{model}
    action: infer
    model: [{ path: model }]
    upgrade: websocket
`
const LIMITS = `limits:
  short: { resources: ["model:llama"], parameters: { max_tokens: { max: 16 } } }
  little: { resources: ["model:small"], response: { bytes: 64B } }
  quiet: { resources: ["model:secret"], response: { redact: [logprobs] } }
`
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'

let world: World
beforeAll(async () => {
  world = await startWorld({
    rules: { 'routes/echo.yaml': ROUTES, 'limits.yaml': LIMITS },
    upstreams: [{ name: 'live', pack: 'echo', websocket: true }],
    handler: () => SWITCHING,
  })
})
afterAll(() => world.close())

async function upgrade(model: string) {
  const lines = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  const token = await world.token(['inference'])
  const bytes = request({ target: `/live/${model}`, host: 'a.test', token, lines })
  const until = (raw: Buffer) => raw.includes('\r\n\r\n')
  const { raw } = await rawExchange(world.port, bytes, { until })
  return raw.toString()
}

describe('an upgrade', () => {
  it('is carried where no limit applies', async () => {
    expect(await upgrade('free')).toMatch(/^HTTP\/1\.1 101 /)
  })

  it.each([
    ['llama', 'parameter_refused', 'parameter.cap'],
    ['secret', 'obligation_unknown', 'response.redact'],
  ])('of %s is refused with %s', async (model, reason, type) => {
    const before = world.upstream.received().length
    expect(await upgrade(model)).toMatch(/^HTTP\/1\.1 403 /)
    const record = await world.whenRecord((one) => one.reason === reason && one.type === 'outcome')
    expect(record).toMatchObject({ ended_by: 'gateway', bytes_in: 0 })
    expect(world.upstream.received()).toHaveLength(before)
    expect(await world.metric('obligations_total', { type, result: 'refused' })).toBe(1)
  })
})
