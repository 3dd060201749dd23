import { describe, expect, it } from '@jest/globals'
import { builtInPack, classify, outcome } from './support.ts'

const VERTEX = '/v1/projects/p1/locations/us-central1'
const ARN = 'arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.titan-v1:0:4k/abc'

/** How the AWS clients for Python, JavaScript and Go write a parameter of a path. */
function encoded(text: string): string {
  return encodeURIComponent(text)
}

describe('a verb in the last segment of a path', () => {
  it.each([
    `GET ${VERTEX}/models/m1:unheardOf`,
    `DELETE ${VERTEX}/endpoints/e1:unheardOf`,
    `GET ${VERTEX}/tuningJobs/t1:cancelled`,
    `GET ${VERTEX}/datasets/d1/datasetVersions/v1:restore:x`,
  ])('is no part of a name: %s', async (line) => {
    expect(outcome(await classify(await builtInPack('vertex'), line))).toBe('unclassified')
  })

  it('says what is done, also where GET changes state', async () => {
    const line = `GET ${VERTEX}/datasets/d1/datasetVersions/v1:restore`
    expect(outcome(await classify(await builtInPack('vertex'), line))).toEqual([
      'data:write dataset:p1/us-central1/d1',
    ])
  })

  it('may stand in a project that has a domain in its id', async () => {
    const line = 'GET /v1/projects/example.com:p1/locations/l1/models/m1'
    expect(outcome(await classify(await builtInPack('vertex'), line))).toEqual([
      'read model:example.com:p1/l1/m1',
    ])
  })
})

describe('an ARN in a path', () => {
  it('is one segment, percent-encoded, and the same for every client', async () => {
    const pack = await builtInPack('bedrock-runtime')
    const line = `POST /model/${encoded(ARN)}/converse`
    expect(outcome(await classify(pack, line))).toEqual([`infer model:${ARN}`])
    expect(outcome(await classify(pack, line.replaceAll('%3A', ':')))).toEqual([
      `infer model:${ARN}`,
    ])
    expect(outcome(await classify(pack, `POST /model/${ARN}/converse`))).toBe('unclassified')
  })

  it('is not taken by a pack of another system', async () => {
    const pack = await builtInPack('sagemaker-runtime')
    const line = `POST /endpoints/${encoded(ARN)}/invocations`
    expect(outcome(await classify(pack, line))).toBe('target_invalid')
  })
})

describe('the operation in X-Amz-Target', () => {
  const json = { ModelName: 'crown' }

  it.each([
    ['SageMaker.DeleteModel', ['deploy model:crown']],
    ['SageMaker.CreateTransformJob', ['infer model:crown']],
    ['SageMaker.ListModels', ['read server:up']],
    ['SageMaker.DeleteEverything', 'unclassified'],
    ['sagemaker.DeleteModel', 'unclassified'],
    ['DeleteModel', 'unclassified'],
  ])('%s is %j', async (operation, expected) => {
    const headers = { 'x-amz-target': operation, 'content-type': 'application/x-amz-json-1.1' }
    const sent = { json, headers }
    expect(outcome(await classify(await builtInPack('sagemaker-api'), 'POST /', sent))).toEqual(
      expected,
    )
  })

  it('is nowhere else', async () => {
    const pack = await builtInPack('sagemaker-api')
    const headers = { 'x-amz-target': 'SageMaker.ListModels' }
    for (const query of ['X-Amz-Target=SageMaker.DeleteModel', 'Action=DeleteModel', 'x=1']) {
      const result = await classify(pack, `POST /?${query}`, { json, headers })
      expect(outcome(result)).toBe('target_invalid')
    }
    expect(outcome(await classify(pack, 'POST /', { json }))).toBe('unclassified')
  })

  it('does not tell a body that says a field in two spellings', async () => {
    const pack = await builtInPack('sagemaker-api')
    const headers = { 'x-amz-target': 'SageMaker.DeleteModel' }
    const raw = '{"ModelName":"mine","modelName":"crown"}'
    expect(outcome(await classify(pack, 'POST /', { raw, headers }))).toBe('body_unparsable')
  })
})
