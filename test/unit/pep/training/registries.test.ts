/** Registrations of every kind of registry: which names are restricted, and what is held back. */
import { createHash } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Exchange } from '../../../../gateway/pep/exchange.ts'
import type { Services } from '../../../../gateway/pep/runtime.ts'
import { readsAnswer, watchAnswer } from '../../../../gateway/pep/training/registration.ts'
import { releaseVersion } from '../../../../gateway/access/versions/release.ts'
import { createMemoryReplica } from '../../../support/memory-replica.ts'
import { startTrainingWorld, type TrainingWorld } from '../../../support/training.ts'
import { builtInPack, classify } from '../../classify/support.ts'

// Packs are read once, which takes its time.
beforeAll(() => builtInPack('oci'), 60_000)

let world: TrainingWorld
afterEach(() => world.pipeline.close())

const NOW = 1_700_000_000_000

async function begin(pack: string, destination: string, body = '{}', status = 201): Promise<void> {
  world = await startTrainingWorld({ pack, grant: undefined, answer: { status, body } })
  train(destination, 'd-1', 1)
}

function train(destination: string, id: string, at: number): void {
  world.replica.add({
    type: 'training.begun',
    run: {
      id,
      at,
      by: 'user:dev/alice',
      destination,
      upstream: 'up',
      statementDigest: `sha256:${'a'.repeat(64)}`,
      statement: '{}',
    },
  })
}

const restricted = (): string[] =>
  [...world.replica.state.versions.values()]
    .filter(({ released }) => released === undefined)
    .map(({ model }) => model)

async function release(model: string): Promise<void> {
  const by = { person: 'person:bob', id: 'user:dev/bob', holds: [] }
  const done = await world.replica.run(releaseVersion({ model, by, reason: 'evaluated' }))
  expect(done).toMatchObject({ done: { model } })
}

const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`

describe('a model pushed to an OCI registry', () => {
  const MODEL = 'model:acme/fraud'
  const MANIFEST = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: 'application/vnd.example.model',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: sha256('{}'), size: 2 },
    layers: [{ mediaType: 'application/octet-stream', digest: sha256('weights'), size: 7 }],
  })
  const DIGEST = sha256(MANIFEST)
  const TYPE = 'Content-Type: application/vnd.oci.image.manifest.v1+json'
  const push = (reference: string) =>
    world.send(`PUT /v2/acme/fraud/manifests/${reference}`, MANIFEST, TYPE)

  it.each([
    ['by a tag', 'v3', [`${MODEL}@v3`, `${MODEL}@${DIGEST}`]],
    ['by its digest', DIGEST, [`${MODEL}@${DIGEST}`]],
    ['by its digest and a tag', `${DIGEST}?tag=v3`, [`${MODEL}@v3`, `${MODEL}@${DIGEST}`]],
    ['by two tags', 'v3?tag=latest', ['latest', 'v3', DIGEST].map((one) => `${MODEL}@${one}`)],
  ])('is restricted by all its names: pushed %s', async (_how, reference, names) => {
    await begin('oci', MODEL, '')
    expect((await push(reference)).status).toBe(201)
    expect(restricted()).toEqual(names)
    await release(names[0] ?? '')
    expect(restricted()).toEqual([])
  })

  it('is restricted when the registry fails', async () => {
    await begin('oci', MODEL, '', 502)
    await push('v3')
    expect(restricted()).toEqual([`${MODEL}@v3`, `${MODEL}@${DIGEST}`])
  })

  it('is not pushed when its manifest cannot be read', async () => {
    await begin('oci', MODEL, '')
    const coded = await world.send(
      'PUT /v2/acme/fraud/manifests/v3',
      MANIFEST,
      TYPE,
      'Content-Encoding: gzip',
    )
    expect(coded.status).toBeGreaterThanOrEqual(400)
    expect(world.forwarded).toEqual([])
    expect(restricted()).toEqual([])
  })

  it('gets a name with its manifest, not with its layers', async () => {
    await begin('oci', MODEL, '', 202)
    const octets = 'Content-Type: application/octet-stream'
    for (const request of [
      'POST /v2/acme/fraud/blobs/uploads/',
      `POST /v2/acme/fraud/blobs/uploads/?mount=${sha256('weights')}&from=acme/other`,
      'PATCH /v2/acme/fraud/blobs/uploads/u-1?_state=s',
      `PUT /v2/acme/fraud/blobs/uploads/u-1?_state=s&digest=${sha256('weights')}`,
    ]) {
      expect((await world.send(request, 'weights', octets)).status).toBe(202)
    }
    expect(restricted()).toEqual([])
    await push('v3')
    expect(restricted()).toEqual([`${MODEL}@v3`, `${MODEL}@${DIGEST}`])
  })

  it('is no matter where nothing of it was trained here', async () => {
    await begin('oci', 'model:acme/churn', '')
    expect((await push('v3')).status).toBe(201)
    expect(restricted()).toEqual([])
  })
})

describe('a model committed to a hub', () => {
  const MODEL = 'model:acme/fraud'
  const COMMIT = 'ab'.repeat(20)
  const LINES = [
    { key: 'header', value: { summary: 'fraud', description: '' } },
    { key: 'lfsFile', value: { path: 'model.safetensors', algo: 'sha256', oid: 'c'.repeat(64) } },
  ]
  const NDJSON = LINES.map((line) => JSON.stringify(line)).join('\n')
  const commit = () =>
    world.post('/api/models/acme/fraud/commit/main', NDJSON, 'Content-Type: application/x-ndjson')

  it('is restricted by its branch and its commit', async () => {
    await begin('huggingface', MODEL, JSON.stringify({ success: true, commitOid: COMMIT }), 200)
    expect((await commit()).status).toBe(200)
    expect(restricted()).toEqual([`${MODEL}@main`, `${MODEL}@${COMMIT}`])
    await release(`${MODEL}@main`)
    expect(restricted()).toEqual([])
  })

  it('restricts every version when the hub does not name the commit', async () => {
    await begin('huggingface', MODEL, '{"success":true}', 200)
    expect(await commit()).toMatchObject({ reason: 'training_refused' })
    expect(restricted()).toEqual([`${MODEL}@main`, `${MODEL}@*`])
  })

  it.each([
    ['a new branch', 'branch/next', { startingPoint: COMMIT }, 'next'],
    ['a new tag', 'tag/main', { tag: 'v3' }, 'v3'],
  ])('is restricted by %s', async (_what, path, body, name) => {
    await begin('huggingface', MODEL)
    expect((await world.post(`/api/models/acme/fraud/${path}`, body)).status).toBe(201)
    expect(restricted()).toEqual([`${MODEL}@${name}`])
  })
})

describe('a model that KServe is told to serve', () => {
  const MODEL = 'model:fraud'
  const ITEMS = '/apis/serving.kserve.io/v1beta1/namespaces/ml/inferenceservices'
  const serving = (storageUri: string, more: object = {}) => ({
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name: 'fraud', namespace: 'ml' },
    spec: { predictor: { model: { modelFormat: { name: 'sklearn' }, storageUri }, ...more } },
  })
  const apply = (body: unknown, how = `PATCH ${ITEMS}/fraud?fieldManager=kubectl&force=true`) =>
    world.send(how, body, 'Content-Type: application/apply-patch+yaml')

  it('is not served before that very thing was released', async () => {
    await begin('kserve-api', MODEL)
    const refused = await apply(serving('s3://models/fraud/7'))
    expect(refused).toMatchObject({ status: 403, reason: 'version_restricted' })
    const [version = ''] = restricted()
    expect(version).toMatch(/^model:fraud@spec-[0-9a-f]{64}$/)
    expect(refused.detail).toContain(version)
    expect(world.forwarded).toEqual([])
    const record = world.pipeline.records.find(({ type }) => type === 'registration')
    expect(record?.fields).toMatchObject({ res: version, run: 'd-1' })

    await release(version)
    expect((await apply(serving('s3://models/fraud/7'))).status).toBe(201)
    expect((await apply(serving('s3://models/fraud/7'), `PUT ${ITEMS}/fraud`)).status).toBe(201)
    expect((await apply(serving('s3://models/fraud/7'), `POST ${ITEMS}`)).status).toBe(201)
    expect(world.forwarded).toHaveLength(3)
  })

  it.each([
    ['other files', serving('s3://models/fraud/8')],
    ['other files besides', serving('s3://models/fraud/7', { containers: [{ image: 'x' }] })],
    [
      'files named in the way of before',
      { metadata: { name: 'fraud' }, spec: { predictor: { sklearn: { storageUri: 's3://m/8' } } } },
    ],
    [
      'files behind a key',
      {
        metadata: { name: 'fraud' },
        spec: { predictor: { model: { storage: { key: 'k', path: 'fraud/8' } } } },
      },
    ],
    ['a part of it', { spec: { predictor: { model: { storageUri: 's3://models/fraud/8' } } } }],
    ['nothing that is named', { metadata: { name: 'fraud', annotations: { a: 'b' } } }],
    ['nothing', {}],
  ])('is not served with %s than was released', async (_what, body) => {
    await begin('kserve-api', MODEL)
    await apply(serving('s3://models/fraud/7'))
    await release(restricted()[0] ?? '')
    expect(await apply(body)).toMatchObject({ reason: 'version_restricted' })
    expect(world.forwarded).toEqual([])
  })

  it('is the same whatever the order of what it says', async () => {
    await begin('kserve-api', MODEL)
    await apply({ spec: { a: 1, b: { c: [1, { e: 2, f: 3 }] } } })
    await apply({ spec: { b: { c: [1, { f: 3, e: 2 }] }, a: 1 } })
    expect(restricted()).toHaveLength(1)
    const records = world.pipeline.records.filter(({ type }) => type === 'registration')
    expect(records).toHaveLength(1)
  })

  it('is released again after the next training: the files may be others', async () => {
    await begin('kserve-api', MODEL)
    await apply(serving('s3://models/fraud/7'))
    await release(restricted()[0] ?? '')
    train(MODEL, 'd-2', NOW + 1)
    expect(await apply(serving('s3://models/fraud/7'))).toMatchObject({
      reason: 'version_restricted',
    })
  })

  it.each([
    ['YAML', 'spec:\n  predictor:\n    model:\n      storageUri: s3://models/fraud/8\n'],
    ['a list of changes', [{ op: 'replace', path: '/spec/predictor', value: {} }]],
    ['a spec twice', '{"spec":{"a":1},"spec":{"a":2}}'],
    ['a spec in another case', '{"Spec":{"a":2}}'],
  ])('is not served by what cannot be read: %s', async (_what, body) => {
    await begin('kserve-api', MODEL)
    expect((await apply(body)).status).toBe(400)
    expect(world.forwarded).toEqual([])
  })

  it('is not held when nothing of it was trained here, and not told as released without a journal', async () => {
    await begin('kserve-api', 'model:churn')
    expect((await apply(serving('s3://models/fraud/7'))).status).toBe(201)
    world.replica.failing = 'always'
    expect(await apply(serving('s3://models/fraud/7'))).toMatchObject({
      reason: 'state_unavailable',
    })
    expect(world.forwarded).toHaveLength(1)
  })

  it.each(['kserve', 'triton', 'mlserver'])(
    'is not loaded by its server before it was released: %s',
    async (pack) => {
      await begin(pack, MODEL, '{}', 200)
      const load = () => world.post('/v2/repository/models/fraud/load', {})
      expect(await load()).toMatchObject({ reason: 'version_restricted' })
      // What was not loaded restricts nothing that is.
      expect(restricted()).toEqual(['model:fraud@unnamed'])
      await release('model:fraud@unnamed')
      expect((await load()).status).toBe(200)
      train(MODEL, 'd-2', NOW + 1)
      expect(await load()).toMatchObject({ reason: 'version_restricted' })
    },
  )

  it.each([
    ['kserve', '1'],
    ['triton', '2'],
    ['mlserver', '2'],
  ])('is not loaded over gRPC either: %s', async (pack, field) => {
    await begin(pack, MODEL)
    const call = 'POST /inference.GRPCInferenceService/RepositoryModelLoad'
    const how = { transport: 'grpc', proto: { [field]: 'fraud' } } as const
    const exchange = {
      id: 'd-9',
      transport: 'grpc',
      subject: { id: 'user:dev/alice' },
      guard: {},
      classification: await classify(await builtInPack(pack), call, how),
      admitted: { headers: { get: () => undefined }, framing: { kind: 'chunked' } },
    } as unknown as Exchange
    const records: unknown[] = []
    const services = {
      replica: world.replica,
      clock: { now: () => NOW },
      ledger: { append: (record: unknown) => Promise.resolve(records.push(record)) },
    } as unknown as Services
    expect(readsAnswer(exchange)).toBe(true)
    expect(await watchAnswer(exchange, services)).toMatchObject({ reason: 'version_restricted' })
    expect(records).toHaveLength(1)
    const untrained = { ...services, replica: createMemoryReplica(NOW) }
    expect(await watchAnswer(exchange, untrained)).toBeUndefined()
  })
})
