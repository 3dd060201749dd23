import { describe, expect, it } from '@jest/globals'
import { builtInPack, classify, outcome, type Sent } from './support.ts'

const ask = async (
  pack: string,
  line: string,
  sent: Sent = {},
): Promise<readonly string[] | string> =>
  outcome(await classify(await builtInPack(pack), line, sent))

describe('names in several places', () => {
  const chat = 'POST /v1/chat/completions'

  it.each<[string, string, string, Sent, string]>([
    ['a repeated model', 'vllm', chat, { raw: '{"model":"a","model":"b"}' }, 'body_unparsable'],
    [
      'a model of another case',
      'vllm',
      chat,
      { raw: '{"model":"a","MODEL":"b"}' },
      'body_unparsable',
    ],
    [
      'an escaped twin',
      'vllm',
      chat,
      { raw: '{"model":"a","\\u006dodel":"b"}' },
      'body_unparsable',
    ],
    ['no model', 'vllm', chat, { json: {} }, 'model_missing'],
    ['no body', 'vllm', chat, {}, 'model_missing'],
    ['a null model', 'vllm', chat, { json: { model: null } }, 'model_missing'],
    ['a list of models', 'vllm', chat, { json: { model: ['a'] } }, 'model_invalid'],
    ['a number', 'vllm', chat, { json: { model: 7 } }, 'model_invalid'],
    ['a version in the name', 'vllm', chat, { json: { model: 'a@2' } }, 'model_invalid'],
    ['a name with a parent', 'vllm', chat, { json: { model: 'a/../b' } }, 'model_invalid'],
    [
      'a model in the query too',
      'vllm',
      `${chat}?model=b`,
      { json: { model: 'a' } },
      'model_conflict',
    ],
    [
      'a model in the query in other case',
      'vllm',
      `${chat}?MODEL=b`,
      { json: { model: 'a' } },
      'model_conflict',
    ],
    [
      'a repeated parameter',
      'mlflow',
      'GET /model-versions/get-artifact?name=a&name=b',
      {},
      'model_conflict',
    ],
    [
      'an encoded twin',
      'mlflow',
      'GET /model-versions/get-artifact?name=a&n%61me=b',
      {},
      'model_conflict',
    ],
    [
      'a camel twin',
      'mlflow',
      'POST /api/2.0/mlflow/registered-models/rename',
      { json: { name: 'a', new_name: 'b', newName: 'c' } },
      'body_unparsable',
    ],
    [
      'a missing second name',
      'mlflow',
      'POST /api/2.0/mlflow/registered-models/rename',
      { json: { name: 'a' } },
      'model_missing',
    ],
    [
      'a JSON string of JSON',
      'mlflow',
      'POST /api/2.0/mlflow/registered-models/create',
      { raw: '"{\\"name\\":\\"a\\"}"' },
      'body_unparsable',
    ],
    [
      'a semicolon separator',
      'mlflow',
      'GET /model-versions/get-artifact?x=1;name=b&name=a',
      {},
      'target_invalid',
    ],
    [
      'the redirect header of Triton',
      'triton',
      'POST /v2/models/a/infer',
      { headers: { 'x-vertex-ai-triton-redirect': 'v2/models/b/infer' } },
      'header_invalid',
    ],
    [
      'a model header of another server',
      'triton',
      'POST /v2/models/a/infer',
      { headers: { 'seldon-model': 'b' } },
      'header_invalid',
    ],
    [
      'a model header with underscores',
      'triton',
      'POST /v2/models/a/infer',
      { headers: { seldon_model: 'b' } },
      'header_invalid',
    ],
    [
      'a router header',
      'vllm',
      chat,
      { json: { model: 'a' }, headers: { 'x-portkey-config': 'b' } },
      'header_invalid',
    ],
  ])('%s', async (_name, ...[pack, line, sent, reason]) => {
    expect(await ask(pack, line, sent)).toBe(reason)
  })

  it('asks for every name where the upstream may take either', async () => {
    const headers = { 'x-amzn-sagemaker-adapter-identifier': 'adapter' }
    expect(await ask('vllm', 'POST /invocations', { headers, json: { model: 'base' } })).toEqual([
      'infer model:adapter',
      'infer model:base',
    ])
    const target = { 'x-amzn-sagemaker-target-model': 'b' }
    expect(await ask('triton', 'POST /models/a/invoke', { headers: target })).toEqual([
      'infer model:b',
      'infer model:a',
    ])
    const both = { json: { run_id: 'r', model_id: 'mine' } }
    const presigned = 'POST /api/2.0/mlflow/artifacts/presigned-download-url'
    expect(await ask('mlflow', presigned, both)).toEqual(['export server:up'])
    expect(await ask('mlflow', presigned, { json: { model_id: 'm-1' } })).toEqual([
      'export model:m-1',
    ])
  })

  it('asks for more when a version is made of something else than a run', async () => {
    const line = 'POST /ajax-api/2.0/mlflow/model-versions/create'
    const from = (source: unknown): Sent => ({ json: { name: 'm', source } })
    expect(await ask('mlflow', line, from('models:/secret/1'))).toContain('export model:secret@1')
    expect(await ask('mlflow', line, from('file:///etc'))).toContain('admin server:up')
    expect(await ask('mlflow', line, from(['runs:/x']))).toContain('admin server:up')
  })
})
