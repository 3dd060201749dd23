import { describe, expect, it } from '@jest/globals'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { resourceText } from '../../../gateway/domain/vocabulary.ts'
import { builtInPack, classify, type Sent } from './support.ts'

/** What each list of the answer takes the element for. */
async function listed(pack: string, line: string, element: unknown, sent: Sent = {}) {
  const result = await classify(await builtInPack(pack), line, sent)
  const shapes = isRefusal(result) ? [] : (result.listing ?? [])
  return shapes.map(({ items, read }) => {
    const found = read(element)
    return `${items.join('.')}: ${found === undefined ? 'none' : resourceText(found)}`
  })
}

describe('what model servers list', () => {
  it.each([
    ['kserve', 'GET /v1/models', 'm1', 'models: model:m1'],
    ['kserve', 'GET /v2/models', 'm1', 'models: model:m1'],
    ['kserve', 'GET /v2/models', { name: 'm1' }, 'models: none'],
    ['kserve', 'GET /openai/v1/models', { id: 'm1' }, 'data: model:m1'],
    ['kserve', 'GET /v1/timeseries/models', 'm1', ': model:m1'],
    ['triton', 'POST /v2/repository/index', { name: 'm1' }, ': model:m1'],
    ['triton', 'POST /v2/repository/index', { name: 'm1', version: '3' }, ': model:m1@3'],
    ['triton', 'POST /v2/repository/r/index', { name: 'm1', version: '' }, ': model:m1'],
    ['triton', 'GET /v2/models/stats', { name: 'm1', version: '3' }, 'model_stats: model:m1@3'],
    ['triton', 'GET /models', { modelName: 'm1', modelUrl: '/m1' }, 'models: model:m1'],
    ['triton', 'GET /models', {}, 'models: none'],
    ['triton', 'GET /v1/models', { id: 'm1' }, 'data: model:m1'],
    [
      'mlserver',
      'POST /v2/repository/index',
      { name: 'm1', version: 'v0.1.0' },
      ': model:m1@v0.1.0',
    ],
    ['torchserve', 'GET /models', { modelName: 'm1', modelUrl: 'm1.mar' }, 'models: model:m1'],
    [
      'bentoml-cloud',
      'GET /api/v1/models',
      { repository: { name: 'm1' }, version: 'v7' },
      'items: model:m1@v7',
    ],
    ['feast', 'GET /v1/vector_stores', { id: 'vs_1', name: 'v1' }, 'data: dataset:v1'],
    ['kubeflow', 'GET /api/model_catalog/v1alpha1/models', { name: 'a/b' }, 'items: model:a/b'],
    [
      'kubeflow',
      'GET /api/model_registry/v1alpha3/registered_models',
      { id: '5', name: 'm1' },
      'items: model:m1',
    ],
  ])('%s %s %j: %s', async (pack, line, element, expected) => {
    expect(await listed(pack, line, element)).toEqual([expected])
  })

  it.each([
    ['another case of the name', { name: 'm1', Name: 'm2' }],
    ['another case of the name, as Go folds it', { name: 'm1', NAME: 'm1' }],
    ['another case of the version', { name: 'm1', version: '3', VERSION: '4' }],
    ['a number that is no whole one', { name: 'm1', version: 2 ** 53 }],
    ['a number that is none', { name: 'm1', version: Infinity }],
  ])('is not shown when it cannot be told what it is: %s', async (_name, element) => {
    expect(await listed('triton', 'POST /v2/repository/index', element)).toEqual([': none'])
  })

  it('may have other fields in two cases', async () => {
    const element = { name: 'm1', version: 3, tag: 1, Tag: 2 }
    expect(await listed('triton', 'POST /v2/repository/index', element)).toEqual([': model:m1@3'])
  })

  it('is filtered behind the redirect of Triton as well', async () => {
    const sent = { headers: { 'x-vertex-ai-triton-redirect': 'v2/repository/index' } }
    expect(await listed('triton', 'POST /predict', { name: 'm1' }, sent)).toEqual([': model:m1'])
  })
})
