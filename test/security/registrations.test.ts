/**
 * A version that the registry may have made is restricted, whatever becomes of the client, of the
 * answer and of the upstream: over sockets, with the real forwarder.
 */
import { connect, type Socket } from 'node:net'
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { RawHandler, RecordingUpstream } from '../support/recording-upstream.ts'
import { jsonAnswer, startForwardedWorld } from '../support/forwarded-training.ts'
import { rawExchange } from '../support/raw-client.ts'
import type { TrainingWorld } from '../support/training.ts'
import { until } from '../support/world-files.ts'
import { builtInPack } from '../unit/classify/support.ts'

beforeAll(() => builtInPack('mlflow'), 60_000)

let world: TrainingWorld
let upstream: RecordingUpstream
let close: () => Promise<void>
afterEach(() => close())

const RUN = {
  id: 'd-1',
  at: 1,
  by: 'user:dev/alice',
  destination: 'model:fraud',
  upstream: 'up',
  upstreamRun: 'r-1',
  statementDigest: `sha256:${'a'.repeat(64)}`,
  statement: '{}',
}

async function start(handler: RawHandler, { headersTimeoutMs = 5_000 } = {}): Promise<void> {
  const options = { pack: 'mlflow', grant: undefined, headersTimeoutMs }
  const started = await startForwardedWorld(handler, options)
  ;({ world, upstream, close } = started)
  world.replica.add({ type: 'training.begun', run: RUN })
}

const said = jsonAnswer
const json = (value: unknown, status?: string): string => said(JSON.stringify(value), status)
const MADE = json({ model_version: { name: 'fraud', version: '3', run_id: 'r-1' } })

const post = (body: object): string => {
  const text = JSON.stringify(body)
  return [
    'POST /api/2.0/mlflow/model-versions/create HTTP/1.1',
    'Host: a',
    'Content-Type: application/json',
    `Content-Length: ${text.length}`,
    '',
    text,
  ].join('\r\n')
}
const CREATE = post({ name: 'fraud', source: 'runs:/r-1/model', run_id: 'r-1' })
const OTHER = post({ name: 'churn', source: 'runs:/r-2/model', run_id: 'r-2' })

const restricted = (): string[] =>
  [...world.replica.state.versions.values()]
    .filter(({ released }) => released === undefined)
    .map(({ model }) => model)

const ended = (): Promise<void> =>
  until('its end', () => world.pipeline.records.some(({ type }) => type === 'outcome'))

const written = (): Promise<void> => until('a version', () => world.replica.state.versions.size > 0)

/** The gateway knows that nobody is connected to it any more. */
const alone = (): Promise<void> =>
  until(
    'the client to be gone',
    () =>
      new Promise((resolve) => {
        world.pipeline.listener.server.getConnections((_, count) => resolve(count === 0))
      }),
  )

/** Sends a request and hangs up, in good order or with a reset, as soon as the upstream has it. */
async function hangUp(how: 'end' | 'reset', text = CREATE): Promise<Socket> {
  const socket = connect(world.pipeline.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(text)
  await upstream.whenRequests(1)
  if (how === 'end') socket.destroy()
  else socket.resetAndDestroy()
  return socket
}

describe('a client that hangs up while the registry works', () => {
  it.each(['end', 'reset'] as const)('leaves its version restricted: %s', async (how) => {
    let answer = (): void => undefined
    await start((_request, socket) => {
      answer = () => void socket.write(MADE)
      return undefined
    })
    await hangUp(how)
    // The gateway has seen that the client is gone before the registry answers.
    await alone()
    answer()
    await written()
    expect(restricted()).toEqual(['model:fraud@3'])
    expect(upstream.requests).toHaveLength(1)
    const record = world.pipeline.records.find(({ type }) => type === 'registration')
    expect(record?.fields).toMatchObject({ res: 'model:fraud@3', run: 'd-1' })
    await ended()
    const outcome = world.pipeline.records.find(({ type }) => type === 'outcome')
    expect(outcome?.fields).toMatchObject({ reason: 'client_gone' })
  })

  it('leaves it restricted in the midst of the answer, too', async () => {
    await start((_request, socket) => {
      socket.write(MADE.slice(0, -10))
      return undefined
    })
    await hangUp('reset')
    await alone()
    upstream.connections[0]?.socket.write(MADE.slice(-10))
    await written()
    expect(restricted()).toEqual(['model:fraud@3'])
  })

  it('leaves every version restricted when the answer never comes', async () => {
    await start(() => undefined, { headersTimeoutMs: 200 })
    await hangUp('end')
    await written()
    expect(restricted()).toEqual(['model:fraud@*'])
  })

  it('leaves nothing behind when it was of no training', async () => {
    await start(() => undefined, { headersTimeoutMs: 200 })
    await hangUp('end', OTHER)
    await ended()
    expect(restricted()).toEqual([])
  })
})

describe('an answer that does not tell what was made', () => {
  const NAMELESS = json({ model_version: { name: 'fraud' } })
  const long = json({ model_version: { version: '3' }, x: 'x'.repeat(70_000) })
  const failing: readonly (readonly [string, RawHandler])[] = [
    ['names no version', () => NAMELESS],
    ['names it twice', () => said('{"model_version":{"version":"3","version":"4"}}')],
    ['names what is no version', () => json({ model_version: { version: '3@4' } })],
    ['is no JSON', () => json('created')],
    ['is too long', () => long],
    ['breaks off', (_, socket) => void socket.end(MADE.slice(0, -10))],
    ['is a failure of the registry', () => json({ error_code: 'INTERNAL_ERROR' }, '500 Oops')],
    ['is a failure on the way', () => json({}, '504 Gateway Timeout')],
    ['is no HTTP', () => 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['is a connection that dies', (_, socket) => void socket.destroy()],
    ['stops', (_, socket) => void socket.write(MADE.slice(0, -10))],
    ['never comes', () => undefined],
  ]

  it.each(failing)(
    'leaves every version restricted that was not released: it %s',
    async (_what, handler) => {
      await start(handler, { headersTimeoutMs: 200 })
      const { responses } = await rawExchange(world.pipeline.port, CREATE)
      expect(responses[0]?.status ?? 500).toBeGreaterThanOrEqual(400)
      await ended()
      expect(restricted()).toEqual(['model:fraud@*'])
    },
  )

  it.each(failing)('leaves other models alone: it %s', async (_what, handler) => {
    await start(handler, { headersTimeoutMs: 200 })
    await rawExchange(world.pipeline.port, OTHER)
    await ended()
    expect(restricted()).toEqual([])
  })

  it('leaves it restricted here while the journal cannot be written', async () => {
    await start(() => {
      world.replica.failing = 'always'
      return NAMELESS
    })
    const { responses } = await rawExchange(world.pipeline.port, CREATE)
    expect(responses[0]?.status).toBe(503)
    expect(world.unwritten.has('model:fraud@*')).toBe(true)
    world.replica.failing = undefined
    await world.unwritten.retry()
    expect(restricted()).toEqual(['model:fraud@*'])
    expect(world.replica.state.registrations.size).toBe(0)
  })

  it.each(failing)('leaves nothing on record to be given up: it %s', async (_what, handler) => {
    await start(handler, { headersTimeoutMs: 200 })
    await rawExchange(world.pipeline.port, CREATE)
    await ended()
    expect(world.replica.state.registrations.size).toBe(0)
  })
})

describe('the journal', () => {
  it('has a registration before the registry has any of it', async () => {
    let known = 0
    await start(() => {
      known = world.replica.state.registrations.size
      return MADE
    })
    await rawExchange(world.pipeline.port, CREATE)
    expect(known).toBe(1)
    expect(world.replica.state.registrations.size).toBe(0)
  })

  it('must be told of it before it is sent', async () => {
    await start(() => MADE)
    world.replica.failing = 'always'
    const { responses } = await rawExchange(world.pipeline.port, CREATE)
    expect(responses[0]?.status).toBe(503)
    await world.pipeline.close()
    expect(upstream.requests).toEqual([])
    expect(world.unwritten.size).toBe(0)
  })
})

describe('a registration that was not made', () => {
  it('leaves nothing behind when the registry says no', async () => {
    await start(() => json({ error_code: 'RESOURCE_ALREADY_EXISTS' }, '400 Bad Request'))
    const { responses } = await rawExchange(world.pipeline.port, CREATE)
    expect(responses[0]?.status).toBe(400)
    await ended()
    expect(restricted()).toEqual([])
    expect(world.replica.state.registrations.size).toBe(0)
  })

  it('leaves nothing behind when no byte of it was sent', async () => {
    await start(() => MADE)
    await upstream.close()
    const { responses } = await rawExchange(world.pipeline.port, CREATE)
    expect(responses[0]?.status).toBe(502)
    await ended()
    expect(restricted()).toEqual([])
    expect(world.replica.events.map(({ type }) => type)).toEqual([
      'training.begun',
      'registration.begun',
      'registration.ended',
    ])
  })
})
