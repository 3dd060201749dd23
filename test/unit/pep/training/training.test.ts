/** A training is what was granted, to the byte that is sent, and on record before it is sent. */
import { createHash } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { TrainingRun } from '../../../../gateway/access/version.ts'
import {
  BODY,
  digestOfNothing,
  FREE_GRANT,
  GRANT,
  REGISTERED,
  startTrainingWorld,
  TERMS,
  type TrainingWorld,
  type TrainingWorldOptions,
} from '../../../support/training.ts'
import { builtInPack } from '../../classify/support.ts'

// Packs are read once, which takes its time.
beforeAll(() => builtInPack('openai'), 60_000)

let world: TrainingWorld
afterEach(() => world.pipeline.close())

const JOBS = '/v1/fine_tuning/jobs'

async function train(body: unknown, options: TrainingWorldOptions = {}, ...lines: string[]) {
  world = await startTrainingWorld(options)
  return world.post(JOBS, body, ...lines)
}

function recorded(type: string): Readonly<Record<string, unknown>>[] {
  return world.pipeline.records.filter((one) => one.type === type).map(({ fields }) => fields)
}

describe('a training that is as granted', () => {
  it('is sent as it was read, and on record before', async () => {
    const { status, body } = await train(BODY)
    expect({ status, body }).toEqual({ status: 200, body: '{"id":"ftjob-1"}' })
    expect(world.forwarded).toEqual([JSON.stringify(BODY)])
    const order = world.pipeline.calls.filter((one) => one !== 'outcome' && one !== 'authenticate')
    expect(order.slice(-2)).toEqual(['record', 'provenance'])
    const [begun, named] = world.replica.events
    expect(begun).toMatchObject({
      type: 'training.begun',
      run: { by: 'user:dev/alice', grant: 'grant-1', destination: 'model:fraud', upstream: 'up' },
    })
    expect(named).toMatchObject({ type: 'training.named', upstreamRun: 'ftjob-1' })
  })

  it('leaves an in-toto statement with its inputs, approvals and revisions', async () => {
    await train(BODY)
    const [record] = recorded('provenance')
    const text = String(record?.['statement'])
    expect(record?.['digest']).toBe(`sha256:${createHash('sha256').update(text).digest('hex')}`)
    expect(record).toMatchObject({ by: ['user:dev/bob', 'user:dev/carol'], grant: 'grant-1' })
    const [run] = [...world.replica.state.runs.values()] as [TrainingRun]
    expect(run.statement).toBe(text)
    expect(JSON.parse(text)).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'model:fraud', annotations: { digestOf: 'request' } }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          externalParameters: {
            datasets: ['dataset:file-check', 'dataset:file-train'],
            base: 'model:gpt-base',
            destination: 'model:fraud',
            parameters: { seed: '7' },
          },
          internalParameters: {
            grant: 'grant-1',
            policyRevision: 'sha256:00',
            configRevision: 'sha256:11',
            approvals: [{ by: 'approver 1' }, { by: 'approver 2' }],
          },
          resolvedDependencies: [
            { uri: 'dataset:file-check', digest: { sha256: 'b'.repeat(64) } },
            { uri: 'dataset:file-train', digest: { sha256: 'a'.repeat(64) } },
            { uri: 'model:gpt-base' },
          ],
        },
        runDetails: {
          byproducts: [
            { name: 'request' },
            { name: 'body', digest: { sha256: sha256(JSON.stringify(BODY)) } },
          ],
        },
      },
    })
    // People are beside it, where they can be encrypted and erased.
    expect(text).not.toContain('user:')
  })

  it('does not depend on the order of members', async () => {
    const turned = Object.fromEntries(Object.entries(BODY).reverse())
    expect((await train(turned)).status).toBe(200)
  })
})

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

describe('a training that differs from its grant', () => {
  // 272
  it.each([
    ['another dataset', { ...BODY, training_file: 'file-other' }, 'dataset:file-other'],
    ['one dataset less', { ...BODY, validation_file: undefined }, 'dataset:file-check'],
    ['another base', { ...BODY, model: 'gpt-other' }, 'model:gpt-base'],
    ['another destination', { ...BODY, suffix: 'fraud2' }, 'model:fraud'],
    ['no destination', { ...BODY, suffix: undefined }, 'model:fraud'],
    ['a member nobody knows', { ...BODY, test_file: 'file-other' }, 'not known here'],
    ['results that go elsewhere', { ...BODY, integrations: [{ type: 'wandb' }] }, 'not known'],
    ['a dataset that is no name', { ...BODY, training_file: ['file-train'] }, 'not known'],
    ['an empty name', { ...BODY, validation_file: '' }, 'validation_file'],
  ])('is refused: %s', async (_what, body, told) => {
    const { status, reason, detail } = await train(body)
    expect({ status, reason }).toEqual({ status: 403, reason: 'grant_mismatch' })
    expect(detail).toContain(told)
    expect(world.forwarded).toEqual([])
    expect(recorded('provenance')).toEqual([])
    expect(world.replica.events).toEqual([])
  })

  it.each([
    ['a key twice', '{"model":"gpt-base","training_file":"file-train","training_file":"x"}'],
    ['a key that is written otherwise', '{"model":"gpt-base","Training_File":"x"}'],
    ['an escaped key twice', '{"model":"gpt-base","training_file":"a","training\\u005ffile":"b"}'],
  ])('is refused for a body that two readers take for two: %s', async (_what, body) => {
    expect(await train(body)).toMatchObject({ status: 400, reason: 'body_unparsable' })
    expect(world.forwarded).toEqual([])
  })

  it('is refused when the body is too large to be read whole', async () => {
    const body = { ...BODY, metadata: { note: 'x'.repeat(1024 * 1024) } }
    expect(await train(body)).toMatchObject({ status: 403, reason: 'grant_mismatch' })
  })

  it('is refused on a route of which it is unknown what it trains with', async () => {
    world = await startTrainingWorld()
    expect(await world.post('/v1/audio/voices', {})).toMatchObject({ reason: 'grant_mismatch' })
  })
})

describe('what may be trained with, and where', () => {
  it.each([
    ['is outside of the zone', { zone: [] }, 'up is not in the training zone'],
    ['is not registered', { datasets: {} }, 'dataset:file-train is not registered'],
    [
      'has no digest',
      { datasets: { ...REGISTERED, 'file-check': { tags: [], training: 'allowed' } } },
      'dataset:file-check is not registered with a digest',
    ],
    [
      'became another',
      { datasets: { ...REGISTERED, 'file-train': { tags: [], digest: digestOfNothing('c') } } },
      'another digest',
    ],
    [
      'is forbidden whatever its classification',
      { datasets: withTrain({ classification: 'internal', training: 'forbidden' }) },
      'must not be trained with',
    ],
    [
      'is of a class that is not allowed',
      { datasets: withTrain({ classification: 'secret' }) },
      'classification',
    ],
    ['is of no class', { datasets: withTrain({}) }, 'classification'],
  ])('is refused when it %s', async (_what, options, told) => {
    const { reason, detail } = await train(BODY, options)
    expect(reason).toBe('training_refused')
    expect(detail).toContain(told)
    expect(world.forwarded).toEqual([])
  })

  it('needs a grant for one training where the operator says so', async () => {
    expect(await train(BODY, { grant: FREE_GRANT, required: true })).toMatchObject({
      reason: 'training_refused',
    })
    await world.pipeline.close()
    expect((await train(BODY, { required: true })).status).toBe(200)
  })

  it('is on record without such a grant, too', async () => {
    expect((await train(BODY, { grant: FREE_GRANT, zone: [] })).status).toBe(200)
    expect(recorded('provenance')).toHaveLength(1)
    expect(world.replica.state.runs.size).toBe(1)
  })

  it('leaves a record of a retrain of which nothing is known', async () => {
    world = await startTrainingWorld({ grant: undefined })
    expect((await world.post('/v1/audio/voices', {})).status).toBe(200)
    expect(recorded('provenance')).toHaveLength(1)
    expect(world.replica.events).toEqual([])
  })

  it('leaves none of what trains nothing', async () => {
    world = await startTrainingWorld({ grant: undefined, required: true })
    expect((await world.post('/v1/fine_tuning/jobs/ftjob-1/cancel', {})).status).toBe(200)
    expect(recorded('provenance')).toEqual([])
  })
})

function withTrain(attributes: object) {
  const dataset = { tags: [], digest: digestOfNothing('a'), ...attributes }
  return { ...REGISTERED, 'file-train': dataset }
}

describe('what cannot be put on record', () => {
  it('is not sent when the ledger cannot be written', async () => {
    const append = (type: string): void => {
      if (type === 'provenance') throw new Error('full')
    }
    expect(await train(BODY, { append })).toMatchObject({
      status: 503,
      reason: 'audit_unavailable',
    })
    expect(world.forwarded).toEqual([])
  })

  it('is not sent when the journal cannot be written', async () => {
    world = await startTrainingWorld()
    world.replica.failing = 'always'
    const { status, reason } = await world.post(JOBS, BODY)
    expect({ status, reason }).toEqual({ status: 503, reason: 'state_unavailable' })
    expect(world.forwarded).toEqual([])
  })

  // 274: this replica may not have heard yet that the grant was taken back.
  it('is not sent when its grant ended in the newest state', async () => {
    world = await startTrainingWorld()
    const person = { person: 'person:a', id: 'user:dev/alice', holds: [] }
    world.replica.add(
      {
        type: 'grant.issued',
        grant: {
          id: GRANT.id,
          request: 'req-1',
          terms: {
            holder: person.id,
            actions: ['retrain'],
            resources: ['model:gpt-base'],
            durationMs: 1,
            training: TERMS,
          },
          holder: person,
          digest: digestOfNothing('d'),
          votes: [],
          demands: [],
          issuedAt: 0,
          startsAt: 0,
          expiresAt: GRANT.expiresAt,
        },
      },
      { type: 'grant.revoked', id: GRANT.id, by: 'user:dev/bob', reason: 'over' },
    )
    expect(await world.post(JOBS, BODY)).toMatchObject({ reason: 'grant_ended' })
    expect(world.forwarded).toEqual([])
  })
})
