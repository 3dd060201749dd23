/** What an upstream answers to a registration is on record before the client sees its end. */
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import {
  startTrainingWorld,
  type TrainingWorld,
  type TrainingWorldOptions,
} from '../../../support/training.ts'
import { UNHEARD_MS } from '../../../../gateway/access/versions/begun.ts'
import { livingOver } from '../../../support/memory-replica.ts'
import { builtInPack } from '../../classify/support.ts'

// Packs are read once, which takes its time.
beforeAll(() => builtInPack('mlflow'), 60_000)

let world: TrainingWorld
afterEach(() => world.pipeline.close())

const CREATE = '/api/2.0/mlflow/model-versions/create'
const BODY = { name: 'fraud', source: 'runs:/r-1/model', run_id: 'r-1' }
const ANSWER = JSON.stringify({ model_version: { name: 'fraud', version: '3', run_id: 'r-1' } })

async function begin(
  body = ANSWER,
  status = 200,
  more: Partial<TrainingWorldOptions> = {},
): Promise<void> {
  const answer = { status, body }
  world = await startTrainingWorld({ pack: 'mlflow', grant: undefined, answer, ...more })
  world.replica.add({
    type: 'training.begun',
    run: {
      id: 'd-1',
      at: 1,
      by: 'user:dev/alice',
      destination: 'model:fraud',
      upstream: 'up',
      upstreamRun: 'r-1',
      statementDigest: `sha256:${'a'.repeat(64)}`,
      statement: '{}',
    },
  })
}

describe('a registration of a version of a retraining', () => {
  it('is linked and restricted, and its answer goes on as it was', async () => {
    await begin()
    const { status, body } = await world.post(CREATE, BODY)
    expect({ status, body }).toEqual({ status: 200, body: ANSWER })
    const version = world.replica.state.versions.get('model:fraud@3')
    expect(version).toMatchObject({ run: 'd-1', by: 'user:dev/alice' })
    const record = world.pipeline.records.find(({ type }) => type === 'registration')
    expect(record?.fields).toMatchObject({ res: 'model:fraud@3', ver: '3', run: 'd-1' })
  })

  it('is nothing when the upstream refused it', async () => {
    await begin('{"error_code":"RESOURCE_ALREADY_EXISTS"}', 400)
    await world.post(CREATE, BODY)
    expect(world.replica.state.versions.size).toBe(0)
  })

  it.each([
    ['names no version', '{"model_version":{"name":"fraud"}}'],
    ['names it twice', '{"model_version":{"version":"3","version":"4"}}'],
    ['is too long', JSON.stringify({ model_version: { version: '3' }, x: 'x'.repeat(65_536) })],
  ])('is not told as done when the answer %s', async (_what, answer) => {
    await begin(answer)
    expect(await world.post(CREATE, BODY)).toMatchObject({ reason: 'training_refused' })
  })

  it('is not sent when what the registry would repeat of it leaves nothing to read', async () => {
    await begin()
    const body = { ...BODY, description: 'x'.repeat(10_000) }
    expect(await world.post(CREATE, body)).toMatchObject({ reason: 'training_refused' })
    expect(world.forwarded).toEqual([])
  })

  it('is not told as done, and restricted here, while it cannot be put on record', async () => {
    await begin(ANSWER, 200, { onForwarded: () => (world.replica.failing = 'always') })
    expect(await world.post(CREATE, BODY)).toMatchObject({ reason: 'state_unavailable' })
    expect(world.unwritten.has('model:fraud@3')).toBe(true)
    await world.unwritten.retry()
    expect(world.unwritten.has('model:fraud@3')).toBe(true)

    world.replica.failing = undefined
    await world.unwritten.retry()
    expect(world.unwritten.size).toBe(0)
    expect(world.replica.state.versions.get('model:fraud@3')).toMatchObject({ run: 'd-1' })
    expect(world.replica.state.registrations.size).toBe(0)
  })
})

describe('a registration that may be of a training', () => {
  const types = () => world.replica.events.slice(1).map(({ type }) => type)
  const PENDING = { model: 'model:fraud', version: '*', upstreamRun: 'r-1', by: 'user:dev/alice' }

  it('is on record when it is sent, and over with the entry of its version', async () => {
    let known: unknown
    const onForwarded = () => (known = [...world.replica.state.registrations.values()])
    await begin(ANSWER, 200, { onForwarded })
    expect((await world.post(CREATE, BODY)).status).toBe(200)
    expect(known).toMatchObject([PENDING])
    expect(types()).toEqual(['registration.begun', 'version.registered'])
    const decision = world.pipeline.records.find(({ type }) => type === 'decision')
    expect(known).toMatchObject([{ id: decision?.fields['id'] }])
    expect(world.replica.state.registrations.size).toBe(0)
  })

  it('is over when the upstream refused it', async () => {
    await begin('{"error_code":"RESOURCE_ALREADY_EXISTS"}', 400)
    expect((await world.post(CREATE, BODY)).status).toBe(400)
    expect(types()).toEqual(['registration.begun', 'registration.ended'])
  })

  it('is over as soon as the journal can be told that the upstream refused it', async () => {
    const onForwarded = () => (world.replica.failing = 'always')
    await begin('{"error_code":"RESOURCE_ALREADY_EXISTS"}', 400, { onForwarded })
    expect((await world.post(CREATE, BODY)).status).toBe(400)
    expect(types()).toEqual(['registration.begun'])
    world.replica.failing = undefined
    await world.registrations.turn()
    expect(types()).toEqual(['registration.begun', 'registration.ended'])
  })

  it('is settled when the gateway itself fails', async () => {
    const onForwarded = () => {
      throw new Error('the test says so')
    }
    await begin(ANSWER, 200, { onForwarded })
    expect((await world.post(CREATE, BODY)).status).toBe(500)
    expect(world.replica.state.registrations.size).toBe(0)
    expect(world.replica.state.versions.has('model:fraud@*')).toBe(true)
  })

  it('is not sent while the journal cannot be told', async () => {
    await begin()
    world.replica.failing = 'always'
    expect(await world.post(CREATE, BODY)).toMatchObject({
      status: 503,
      reason: 'state_unavailable',
    })
    expect(world.forwarded).toEqual([])
    expect(world.unwritten.size).toBe(0)
  })

  it('leaves nothing on record when it is not known whether the journal was told', async () => {
    await begin()
    const run: typeof world.replica.run = world.replica.run.bind(world.replica)
    world.replica.run = async (command) => {
      await run(command)
      world.replica.failing = 'always'
      return run(command)
    }
    expect((await world.post(CREATE, BODY)).status).toBe(503)
    expect(world.forwarded).toEqual([])
    expect(types()).toEqual(['registration.begun'])
    world.replica.run = run
    world.replica.failing = undefined
    await world.registrations.turn()
    expect(types()).toEqual(['registration.begun', 'registration.ended'])
  })

  it('is not sent when there are too many of them', async () => {
    await begin()
    world.replica.run = () => Promise.resolve({ declined: 'too_many', detail: 'Too many.' })
    expect(await world.post(CREATE, BODY)).toMatchObject({
      reason: 'state_unavailable',
      detail: 'Too many.',
    })
    expect(world.forwarded).toEqual([])
  })

  it('is given up by others when this gateway is gone, and not before', async () => {
    const onForwarded = () => (world.replica.failing = 'always')
    await begin(ANSWER, 200, { onForwarded })
    await world.post(CREATE, BODY)
    world.replica.failing = undefined
    const other = livingOver(world.replica)
    world.replica.time += UNHEARD_MS - 1
    await other.turn()
    expect(world.replica.state.versions.size).toBe(0)
    world.replica.time += 1
    await other.turn()
    expect([...world.replica.state.versions.keys()]).toEqual(['model:fraud@*'])
  })
})

describe('a registration that has nothing to do with a training', () => {
  const OTHER = { name: 'churn', source: 'runs:/r-2/model', run_id: 'r-2' }

  it.each([
    ['names no version', '{"model_version":{"name":"churn"}}'],
    ['is too long', JSON.stringify({ model_version: { version: '3' }, x: 'x'.repeat(65_536) })],
    ['is no JSON', 'created'],
  ])('is let through when the answer %s', async (_what, answer) => {
    await begin(answer)
    const { status, body } = await world.post(CREATE, OTHER)
    expect({ status, body }).toEqual({ status: 200, body: answer })
    expect(world.replica.state.versions.size).toBe(0)
  })

  it('writes nothing to the journal', async () => {
    await begin()
    await world.post(CREATE, OTHER)
    expect(world.replica.events).toHaveLength(1)
  })

  it('is not sent while nobody knows whether it has', async () => {
    await begin()
    world.replica.failing = 'always'
    world.replica.stalenessMs = Infinity
    const { reason } = await world.post(CREATE, OTHER)
    expect([reason, world.forwarded]).toEqual(['state_unavailable', []])
  })

  it('may be as long as others', async () => {
    await begin('{}')
    const body = { ...OTHER, description: 'x'.repeat(10_000) }
    expect((await world.post(CREATE, body)).status).toBe(200)
  })
})
