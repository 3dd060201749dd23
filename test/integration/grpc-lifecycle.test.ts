/** gRPC calls that last: rules that change, tokens that expire, drains, duties, big messages. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { once } from 'node:events'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { connectGrpc } from '../support/grpc-client.ts'
import { field, framed, inferRequest, varint } from '../support/grpc-messages.ts'
import { ANSWER_HEAD, onMessages } from '../support/grpc-upstream.ts'
import { SERVICE, startGrpcWorld, type GrpcWorld } from '../support/grpc-world.ts'

// Each test has a gateway of its own.
jest.setTimeout(30_000)

const infer = `${SERVICE}/ModelInfer`
const streamInfer = `${SERVICE}/ModelStreamInfer`

let grpc: GrpcWorld | undefined
afterEach(async () => {
  await grpc?.close()
  grpc = undefined
})

async function start(options: Parameters<typeof startGrpcWorld>[0] = {}): Promise<GrpcWorld> {
  grpc = await startGrpcWorld(options)
  return grpc
}

/** A stream that has been answered once. */
async function openStream({ client }: GrpcWorld, token: string) {
  const call = client.open(streamInfer, { token })
  call.stream.write(framed(inferRequest('iris')))
  await call.received(1)
  return call
}

describe('an open call', () => {
  it('ends when the rules no longer permit it', async () => {
    const world = await start()
    const call = await openStream(world, await world.world.token(['inference']))
    await writeFile(
      join(world.world.rulesDir, 'policy.csv'),
      'p, role:x, read, model:*, always, allow\n',
    )
    expect(await world.world.gateway.reload()).toEqual([])
    const result = await call.result
    expect(result.grpcStatus).toBe(7)
    expect(result.grpcMessage).toContain('no_rule')
    const seen = world.upstream.calls.at(-1)
    await world.world.until('the reset', () => seen?.reset === 8)
    const outcome = await world.world.whenRecord(
      ({ type, id }) => type === 'outcome' && id === result.decisionId,
    )
    expect(outcome).toMatchObject({ reason: 'no_rule', ended_by: 'gateway', grpc: 7 })
  })

  it('ends when the token expires', async () => {
    const world = await start({ issuer: { clock_tolerance: '0s' } })
    const { issuer } = world.world
    const claims = { sub: 'alice', aud: 'modelgate', client_id: 'cli', roles: ['inference'] }
    const call = await openStream(world, await issuer.mint(claims, { lifetimeS: 5 }))
    const result = await call.result
    expect(result.grpcStatus).toBe(16)
    expect(result.grpcMessage).toContain('authn_expired')
  })

  it('may end by itself in a drain, and new ones go elsewhere', async () => {
    const world = await start()
    const token = await world.world.token(['inference'])
    const call = await openStream(world, token)
    const goaway = once(world.client.session, 'goaway')
    const stopped = world.world.gateway.stop()
    await goaway
    call.stream.write(framed(inferRequest('iris')))
    expect(await call.received(2)).toHaveLength(2)
    call.stream.end()
    expect(await call.result).toMatchObject({ grpcStatus: 0 })
    await stopped
  })

  it('is told when the drain takes too long', async () => {
    const world = await start()
    const call = await openStream(world, await world.world.token(['inference']))
    await world.world.gateway.stop()
    const result = await call.result
    expect(result.grpcStatus).toBe(14)
    expect(result.grpcMessage).toContain('draining')
  })
})

describe('duties of a permit', () => {
  const limits = (text: string) => ({ rules: { 'limits.yaml': text } })

  it('on parameters and on what leaves are refused: messages are not rewritten', async () => {
    const world = await start(
      limits('limits:\n  few: { for: [role:inference], parameters: { max_tokens: { max: 5 } } }\n'),
    )
    const token = await world.world.token(['inference'])
    const result = await world.client.call(infer, { token, messages: [inferRequest('iris')] })
    expect(result.grpcStatus).toBe(7)
    expect(result.grpcMessage).toContain('obligation_unknown')
    expect(world.upstream.calls).toHaveLength(0)
  })
})

describe('a limit on bytes', () => {
  it('ends an answer that is longer', async () => {
    const world = await start({
      rules: { 'limits.yaml': 'limits:\n  short: { response: { bytes: 20B } }\n' },
    })
    const token = await world.world.token(['inference'])
    const call = world.client.open(streamInfer, { token })
    call.stream.write(framed(inferRequest('iris')))
    await call.received(1)
    call.stream.write(framed(inferRequest('iris')))
    const result = await call.result
    expect(result.grpcMessage).toContain('response_over_limit')
    expect(result).toMatchObject({ grpcStatus: 13, bytes: framed(field(1, 'iris')).length })
  })
})

describe('big messages', () => {
  it('pass in constant memory, both ways', async () => {
    const SIZE = 64 * 1024 * 1024
    const piece = Buffer.alloc(256 * 1024, 7)
    /** `SIZE` bytes of a message that begins with `head`. */
    const parts = (head: Buffer) => {
      const tensor = Buffer.concat([varint(7 * 8 + 2), varint(SIZE)])
      const prefix = Buffer.alloc(5)
      prefix.writeUInt32BE(head.length + tensor.length + SIZE, 1)
      return Buffer.concat([prefix, head, tensor])
    }
    const pour = async (stream: NodeJS.WritableStream, head: Buffer) => {
      stream.write(parts(head))
      for (let sent = 0; sent < SIZE; sent += piece.length) {
        if (!stream.write(piece)) await once(stream, 'drain')
      }
    }
    const world = await start({
      calls(stream, call) {
        onMessages(stream, call, () => undefined)
        stream.respond(ANSWER_HEAD, { waitForTrailers: true })
        stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        stream.once('end', () => {
          void pour(stream, field(1, 'iris')).then(() => stream.end())
        })
        return true
      },
    })
    const call = world.client.open(infer, { token: await world.world.token(['inference']) })
    const rss = () => process.memoryUsage().rss
    const before = rss()
    let most = before
    const timer = setInterval(() => (most = Math.max(most, rss())), 5)
    await pour(call.stream, inferRequest('iris'))
    call.stream.end()
    const result = await call.result
    clearInterval(timer)
    expect(result.grpcStatus).toBe(0)
    expect(result.bytes).toBeGreaterThan(SIZE)
    expect(world.upstream.calls[0]?.bytes).toBeGreaterThan(SIZE)
    // Client, gateway and upstream are one process here.
    expect(most - before).toBeLessThan(96 * 1024 * 1024)
  }, 60_000)
})

describe('connections to the upstream', () => {
  it('are of each privilege class’s own, and a privileged one carries a single call', async () => {
    const world = await start()
    const token = await world.world.token(['inference', 'deployer'])
    const client = await connectGrpc(world.url)
    for (let i = 0; i < 3; i++) {
      await client.call(infer, { token, messages: [inferRequest('iris')] })
      await client.call(`${SERVICE}/RepositoryModelLoad`, { token, messages: [field(2, 'iris')] })
    }
    await client.close()
    expect(world.upstream.calls).toHaveLength(6)
    await world.world.until(
      'the privileged ones to be closed',
      () => world.upstream.sessions.size === 1,
    )
  })

  it('are made anew when the upstream has closed them', async () => {
    const world = await start()
    const token = await world.world.token(['inference'])
    const call = () => world.client.call(infer, { token, messages: [inferRequest('iris')] })
    expect(await call()).toMatchObject({ grpcStatus: 0 })
    for (const session of world.upstream.sessions) session.close()
    await world.world.until('the end of the connection', () => world.upstream.sessions.size === 0)
    expect(await call()).toMatchObject({ grpcStatus: 0 })
  })

  it('that cannot be made are UNAVAILABLE', async () => {
    const world = await start()
    await world.upstream.close()
    const token = await world.world.token(['inference'])
    const result = await world.client.call(infer, { token, messages: [inferRequest('iris')] })
    expect(result.grpcStatus).toBe(14)
    expect(result.grpcMessage).toContain('upstream_connect')
  })
})
