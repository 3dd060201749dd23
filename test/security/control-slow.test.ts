/** Calls of the control listener whose body comes late: who was let in before must still be when it is there. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { CONTROL_AUDIENCE, PRIVILEGE_FILES, tokenOf } from '../support/privilege-world.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({
    ...PRIVILEGE_FILES,
    policy: `${PRIVILEGE_FILES.policy}p, role:operator, admin, server:gate:policy, always, allow\n`,
  })
}, 30_000)
afterAll(() => world.close())

interface Answered {
  readonly status: number
  readonly reason?: string
  readonly id?: string
}

/** A call as root, whose body is there at once. */
async function root(path: string, body: object): Promise<Answered> {
  const token = await tokenOf(world.issuer, 'root', CONTROL_AUDIENCE)
  const answer = await fetch(`http://127.0.0.1:${world.controlPort}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { ...((await answer.json()) as object), status: answer.status }
}

/** Begins a call as ruth, all but the last byte of it. */
async function begun(path: string, body: object) {
  const token = await tokenOf(world.issuer, 'ruth', CONTROL_AUDIENCE, { jti: 'jti-r' })
  const text = JSON.stringify(body)
  const socket = connect(world.controlPort, '127.0.0.1')
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n` +
      'Content-Type: application/json\r\nConnection: close\r\n' +
      `Content-Length: ${text.length}\r\n\r\n${text.slice(0, -1)}`,
  )
  // Long enough to be let in: what is let in is not answered before the body is whole.
  await new Promise((resolve) => setTimeout(resolve, 250))
  return async () => {
    socket.write(text.slice(-1))
    return answered(socket)
  }
}

async function answered(socket: Socket): Promise<Answered> {
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))
  await once(socket, 'close')
  const [head = '', body = '{}'] = text.split('\r\n\r\n')
  return { ...(JSON.parse(body) as object), status: Number(head.split(' ')[1]) }
}

describe('a call whose body comes after its caller was locked out', () => {
  it.each([
    ['their account', { kind: 'user', id: 'user:dev/ruth' }],
    // Nothing of the journal tells a token of somebody from another one.
    ['their token', { kind: 'token', issuer: 'dev', id: 'jti-r' }],
  ])('does nothing: a lock on %s', async (_what, target) => {
    const other = await root('/v1/locks', {
      target: { kind: 'user', id: 'user:dev/mallory' },
      reason: 'a leak',
    })
    const calls = await Promise.all([
      begun(`/v1/locks/${other.id}/lift`, { reason: 'for a friend' }),
      begun('/v1/locks', { target: { kind: 'user', id: 'user:dev/root' }, reason: 'revenge' }),
      begun('/v1/drills', {}),
      begun('/rules/reload', {}),
    ])
    const own = await root('/v1/locks', { target, reason: 'taken over' })
    expect(own.status).toBe(201)
    const answers = await Promise.all(calls.map((finish) => finish()))
    expect(answers.map(({ status, reason }) => [status, reason])).toEqual(
      calls.map(() => [403, 'locked']),
    )
    const lifted = [own, other].map(({ id }) => root(`/v1/locks/${id}/lift`, { reason: 'over' }))
    expect((await Promise.all(lifted)).map(({ status }) => status)).toEqual([200, 200])
    await world.whenRecord(
      ({ what, sub, reason }) =>
        what === 'locks.lift' && sub === 'user:dev/ruth' && reason === 'locked',
    )
  })

  it('is done, under one id, when nothing has changed', async () => {
    const finish = await begun('/v1/drills', {})
    expect((await finish()).status).toBe(202)
  })
})
