import { once } from 'node:events'
import { IncomingMessage } from 'node:http'
import { connect, createServer, Socket, type AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { refuse } from '../../../gateway/domain/refusal.ts'
import { createUpgradeForwarder } from '../../../gateway/forward/upgrade.ts'

let connections = 0
const upstream = createServer((socket) => {
  connections += 1
  socket.destroy()
})
beforeAll(() => new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise((resolve) => upstream.close(resolve)))

it('an upgrade that is ended as soon as it can be reaches no upstream', async () => {
  const { port } = upstream.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const options = { name: 'up', origin, headersTimeoutMs: 1_000, wsIdleTimeoutMs: 0 }
  const outcome = await createUpgradeForwarder({ upstreams: [options] }).upgrade(
    {
      upstream: 'up',
      privilege: 'ordinary',
      method: 'GET',
      path: '/',
      headers: ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version', '13'],
      body: null,
      contentLength: undefined,
    },
    {
      request: new IncomingMessage(new Socket()),
      socket: new PassThrough(),
      head: Buffer.alloc(0),
      onCuttable: (cut) => cut(refuse('denied_by_rule')),
    },
  )
  expect(outcome).toMatchObject({ outcome: 'refused', reason: 'denied_by_rule' })
  // Connections are taken in the order they come: one made before would have been counted by now.
  await once(
    connect(port, '127.0.0.1').on('error', () => undefined),
    'close',
  )
  expect(connections).toBe(1)
})
