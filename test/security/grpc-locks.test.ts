/** Locks on gRPC calls, over sockets: open streams of both shapes end, new ones never reach the upstream. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { LockTarget } from '../../gateway/access/lock.ts'
import { framed, inferRequest } from '../support/grpc-messages.ts'
import { ANSWER_HEAD, onMessages } from '../support/grpc-upstream.ts'
import { SERVICE, startGrpcWorld, type GrpcWorld } from '../support/grpc-world.ts'
import { CONTROL_AUDIENCE } from '../support/privilege-world.ts'

const STREAM = `${SERVICE}/ModelStreamInfer`
const UNARY = `${SERVICE}/ModelInfer`
/** `NO_ERROR`: a server that ends a call early; `CANCEL`: what the upstream is told. */
const RST = { none: 0, cancel: 8 } as const
const PERMISSION_DENIED = 7

let grpc: GrpcWorld
beforeAll(async () => {
  const host = '127.0.0.1'
  grpc = await startGrpcWorld({
    policy: [
      'p, role:inference, infer, model:*, always, allow',
      'p, role:operator, admin, server:gate:locks, always, allow',
      '',
    ].join('\n'),
    issuer: { roles: ['inference', 'operator'] },
    config: {
      listen: {
        data: { host, port: 0 },
        control: { host, port: 0, audience: CONTROL_AUDIENCE },
        grpc: { host, port: 0 },
      },
    },
    // Answers every message and never ends a call by itself.
    calls: (stream, call) => {
      stream.respond(ANSWER_HEAD)
      onMessages(stream, call, (message) => stream.write(framed(message)))
      return true
    },
  })
}, 30_000)
afterAll(() => grpc.close())

const tokenOf = (sub: string, jti: string) => grpc.world.token(['inference'], { sub, jti })

/** A call of somebody that has been answered once; of the first shape the client has ended its side. */
async function open(shape: Shape, sub: string, model: string) {
  const call = grpc.client.open(STREAM, { token: await tokenOf(sub, `jti-${sub}`) })
  const request = framed(inferRequest(model, { version: '1' }))
  if (shape === 'server streaming') call.stream.end(request)
  else call.stream.write(request)
  expect(await call.received(1)).toHaveLength(1)
  return { ...call, seen: grpc.upstream.calls.at(-1) }
}

async function control(path: string, body: object): Promise<string> {
  const token = await grpc.world.issuer.mint(
    { sub: 'root', aud: CONTROL_AUDIENCE, client_id: 'cli', roles: ['operator'] },
    { lifetimeS: 60 },
  )
  const answer = await fetch(`http://127.0.0.1:${grpc.world.controlPort}/v1/locks${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'for the test', ...body }),
  })
  const text = await answer.text()
  expect([answer.status < 300, text]).toEqual([true, text])
  return (JSON.parse(text) as { id: string }).id
}

type Shape = 'server streaming' | 'bidi'
const SHAPES: readonly Shape[] = ['server streaming', 'bidi']

/** What is locked; whether it leaves another caller's call on another model alone. */
const TARGETS: readonly [LockTarget, isOnOne: boolean][] = [
  [{ kind: 'user', id: 'user:dev/mallory' }, true],
  [{ kind: 'token', issuer: 'dev', id: 'jti-mallory' }, true],
  [{ kind: 'model', id: 'model:iris' }, true],
  [{ kind: 'version', id: 'model:iris@1' }, true],
  [{ kind: 'role', id: 'role:inference' }, false],
  [{ kind: 'network', cidr: '127.0.0.0/8' }, false],
  [{ kind: 'upstream', id: 'calls' }, false],
  [{ kind: 'all' }, false],
]
const CASES = SHAPES.flatMap((shape) => TARGETS.map(([...one]) => [shape, ...one] as const))

describe('an open gRPC call', () => {
  it.each(CASES)('(%s) under a lock on %j ends, and nothing new begins', async (...given) => {
    const [shape, target, isOnOne] = given
    const call = await open(shape, 'mallory', 'iris')
    const other = await open(shape, 'alice', 'wine')
    const id = await control('', { target })

    const result = await call.result
    expect(result).toMatchObject({ grpcStatus: PERMISSION_DENIED, rstCode: RST.none })
    expect(result.grpcMessage).toContain('locked')
    // Why, and whom it is on, is for operators.
    expect(JSON.stringify([result.trailers, result.headers])).not.toContain('for the test')
    await grpc.world.until('the reset', () => call.seen?.reset === RST.cancel)
    const outcome = await grpc.world.whenRecord(
      (one) => one.type === 'outcome' && one.id === result.decisionId,
    )
    expect(outcome).toMatchObject({ reason: 'locked', lock: id, ended_by: 'gateway', grpc: 7 })

    const before = grpc.upstream.calls.length
    const token = await tokenOf('mallory', 'jti-mallory')
    const messages = [inferRequest('iris', { version: '1' })]
    const refused = await grpc.client.call(UNARY, { token, messages })
    expect(refused.grpcStatus).toBe(PERMISSION_DENIED)
    expect(refused.grpcMessage).toContain('locked')
    expect(grpc.upstream.calls).toHaveLength(before)

    if (isOnOne) {
      if (shape === 'bidi') {
        other.stream.write(framed(inferRequest('wine', { version: '1' })))
        expect(await other.received(2)).toHaveLength(2)
      }
      expect(other.stream.closed).toBe(false)
    } else expect((await other.result).grpcStatus).toBe(PERMISSION_DENIED)
    other.stream.close()
    await control(`/${id}/lift`, {})
  })

  it('that names another model in a later message is refused when that one is locked', async () => {
    const id = await control('', { target: { kind: 'model', id: 'model:secret' } })
    const call = await open('bidi', 'mallory', 'iris')
    call.stream.write(framed(inferRequest('secret', { version: '1' })))
    expect(await call.result).toMatchObject({ grpcStatus: PERMISSION_DENIED })
    expect(call.seen?.messages).toHaveLength(1)
    await control(`/${id}/lift`, {})
  })
})
