/** What an upstream answers to a registration is on record before the client sees its end. */
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { startTrainingWorld, type TrainingWorld } from '../../../support/training.ts'
import { builtInPack } from '../../classify/support.ts'

// Packs are read once, which takes its time.
beforeAll(() => builtInPack('mlflow'), 60_000)

let world: TrainingWorld
afterEach(() => world.pipeline.close())

const CREATE = '/api/2.0/mlflow/model-versions/create'
const BODY = { name: 'fraud', source: 'runs:/r-1/model', run_id: 'r-1' }
const ANSWER = JSON.stringify({ model_version: { name: 'fraud', version: '3', run_id: 'r-1' } })

async function begin(body = ANSWER, status = 200): Promise<void> {
  world = await startTrainingWorld({ pack: 'mlflow', grant: undefined, answer: { status, body } })
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
    await begin()
    world.replica.failing = 'always'
    expect(await world.post(CREATE, BODY)).toMatchObject({ reason: 'state_unavailable' })
    expect(world.unwritten.has('model:fraud@3')).toBe(true)
    await world.unwritten.retry()
    expect(world.unwritten.has('model:fraud@3')).toBe(true)

    world.replica.failing = undefined
    await world.unwritten.retry()
    expect(world.unwritten.size).toBe(0)
    expect(world.replica.state.versions.get('model:fraud@3')).toMatchObject({ run: 'd-1' })
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

  it('may be as long as others', async () => {
    await begin('{}')
    const body = { ...OTHER, description: 'x'.repeat(10_000) }
    expect((await world.post(CREATE, body)).status).toBe(200)
  })
})
