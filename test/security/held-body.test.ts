/**
 * A body held back must not hold on to yesterday's permission (I10): policy and time are those of
 * the decision, which comes after the body that decides.
 */
import { connect, type Socket } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { HOSTS, startAttackWorld } from '../support/attack.ts'
import { WORLD_POLICY, type World } from '../support/world.ts'

let world: World
let now = Date.now()
beforeAll(async () => {
  const clock = { now: () => now, monotonicMs: () => performance.now() }
  world = await startAttackWorld({ clock })
})
afterAll(() => world.close())

const BODY = JSON.stringify({ model: 'llama', messages: [{ role: 'user', content: 'hi' }] })

/** A chat request whose last byte is still to come. */
async function hold(token: string): Promise<Socket> {
  const socket = connect(world.port, '127.0.0.1')
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    `Host: ${HOSTS.llm}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${BODY.length}`,
  ]
  const before = await world.metric('authn_total', { result: 'accepted' })
  socket.write(`${head.join('\r\n')}\r\n\r\n${BODY.slice(0, -1)}`)
  await world.until(
    'the token of the held request is accepted',
    async () => (await world.metric('authn_total', { result: 'accepted' })) > before,
  )
  return socket
}

async function letGo(socket: Socket): Promise<string> {
  const answer = new Promise<string>((resolve) => {
    socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1')))
  })
  socket.write(BODY.slice(-1))
  const text = await answer
  socket.destroy()
  return text
}

describe('a request whose body is held back', () => {
  it('is permitted when nothing has changed meanwhile', async () => {
    const socket = await hold(await world.token(['inference']))
    expect(await letGo(socket)).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('is refused when the rule was revoked meanwhile', async () => {
    const received = world.upstream.received().length
    const socket = await hold(await world.token(['inference']))
    const file = join(world.rulesDir, 'policy.csv')
    const revoked = WORLD_POLICY.replace(/^p, role:inference, infer.*\n/m, '')
    expect(revoked).not.toBe(WORLD_POLICY)
    await writeFile(file, revoked)
    expect(await world.gateway.reload()).toEqual([])
    const answer = await letGo(socket)
    expect(answer).toMatch(/^HTTP\/1\.1 403 /)
    expect(answer).toContain('"no_rule"')
    expect(world.upstream.received().length).toBe(received)
    await writeFile(file, WORLD_POLICY)
    expect(await world.gateway.reload()).toEqual([])
  })

  it('is refused when its token expired meanwhile', async () => {
    const socket = await hold(await world.token(['inference']))
    now += 3_600_000
    const answer = await letGo(socket)
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
    expect(answer).toContain('error="invalid_token"')
    now -= 3_600_000
  })
})
