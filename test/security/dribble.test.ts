/** A body in a million tiny chunks costs a thousand times what its bytes do (CVE-2025-23310). */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { HOSTS, startAttackWorld } from '../support/attack.ts'
import type { World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await startAttackWorld()
})
afterAll(() => world.close())

/** Sends `count` one-byte chunks and resolves to what came back before the connection ended. */
async function dribble(target: string, host: string, count: number): Promise<string> {
  const token = await world.token(['inference', 'deployer'])
  const head = [
    `POST ${target} HTTP/1.1`,
    `Host: ${host}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    'Transfer-Encoding: chunked',
  ]
  return new Promise((resolve) => {
    const socket = connect(world.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (bytes: Buffer) => {
      answer += bytes.toString('latin1')
      if (answer.includes('\r\n\r\n')) socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(answer))
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    let left = count
    const more = (): void => {
      if (socket.destroyed) return
      if (left <= 0) return void socket.write('0\r\n\r\n')
      left -= 512
      socket.write('1\r\n \r\n'.repeat(512), () => setImmediate(more))
    }
    more()
  })
}

describe('a body that comes in tiny pieces', () => {
  it('is refused where it decides, long before its end', async () => {
    const received = world.upstream.received().length
    const answer = await dribble('/v1/chat/completions', HOSTS.llm, 400_000)
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(world.upstream.received().length).toBe(received)
  })

  it('is broken off where it streams', async () => {
    const answer = await dribble('/v2/models/iris/infer', HOSTS.models, 400_000)
    expect(answer).toMatch(/^HTTP\/1\.1 (?:400|413) /)
  })
})
