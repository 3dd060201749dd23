import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { startForwardGate, type ForwardGate } from '../support/forward-gate.ts'

const MIB = 1024 * 1024
const TOTAL = 64 * MIB
const BLOCK = Buffer.alloc(64 * 1024, 7)

let upstream: Server
let gate: ForwardGate
let produced = 0
let consumed = 0
let resumeUpload: () => void = () => undefined

beforeAll(async () => {
  upstream = createServer((request, response) => {
    if (request.method === 'POST') {
      request.on('data', (chunk: Buffer) => (consumed += chunk.length))
      request.pause()
      resumeUpload = () => request.resume()
      request.on('error', () => undefined)
      request.on('end', () => response.end('stored'))
      response.on('error', () => undefined)
      return
    }
    response.writeHead(200, { 'content-length': TOTAL })
    const produce = (): void => {
      while (produced < TOTAL) {
        produced += BLOCK.length
        if (!response.write(BLOCK)) {
          response.once('drain', produce)
          return
        }
      }
      response.end()
    }
    produce()
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  gate = await startForwardGate((upstream.address() as AddressInfo).port)
})

afterAll(async () => {
  await gate.close()
  upstream.closeAllConnections()
  await new Promise((resolve) => upstream.close(resolve))
})

/** Waits until `value` no longer changes. */
async function settled(value: () => number): Promise<number> {
  for (let last = -1; ;) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    const now = value()
    if (now === last && now > 0) return now
    last = now
  }
}

describe('back-pressure', () => {
  it('holds a download that its client does not read, then delivers all of it', async () => {
    const client = connect(gate.port, '127.0.0.1')
    client.pause()
    client.write('GET / HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n')
    const heldAt = await settled(() => produced)
    // The rest is in kernel buffers of the two connections, whose size the system decides.
    expect(heldAt).toBeLessThan(TOTAL / 2)
    expect(gate.pendingBytes()).toBeLessThan(MIB)
    let received = 0
    let pendingMax = 0
    client.on('data', (chunk: Buffer) => {
      received += chunk.length
      pendingMax = Math.max(pendingMax, gate.pendingBytes())
    })
    client.resume()
    await once(client, 'end')
    expect(received).toBeGreaterThan(TOTAL)
    expect(received).toBeLessThan(TOTAL + 1_000)
    expect(pendingMax).toBeLessThan(MIB)
    expect(await gate.result(0)).toMatchObject({ responseBytes: TOTAL, endedBy: 'upstream' })
  })

  it('holds an upload that its upstream does not read', async () => {
    const client = connect(gate.port, '127.0.0.1')
    client.on('error', () => undefined)
    client.write(`POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: ${TOTAL}\r\n\r\n`)
    let sent = 0
    const send = (): void => {
      while (sent < TOTAL) {
        sent += BLOCK.length
        if (!client.write(BLOCK)) {
          client.once('drain', send)
          return
        }
      }
    }
    send()
    expect(await settled(() => sent)).toBeLessThan(TOTAL / 2)
    expect(consumed).toBeLessThan(MIB)
    client.destroy()
    resumeUpload()
    expect(await gate.result(1)).toMatchObject({ endedBy: 'client' })
  })
})
