import { describe, expect, it } from '@jest/globals'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { builtInPack, classify, formBody, outcome, type Sent } from './support.ts'

const ask = async (
  pack: string,
  line: string,
  sent: Sent = {},
): Promise<readonly string[] | string> =>
  outcome(await classify(await builtInPack(pack), line, sent))

describe('the path', () => {
  it.each([
    ['vllm', 'POST /v1/chat/completions%0A', 'target_invalid'], // `$` matches before a newline.
    ['vllm', 'POST /v1/chat/%63ompletions', 'target_invalid'],
    ['kserve', 'POST /v1/models/a%3Apredict', 'target_invalid'],
    ['kserve', 'POST /v1/models/a:predict/', 'unclassified'],
    ['kserve', 'POST /v1/models/a:Predict', 'method_not_allowed'],
    ['kserve', 'POST /v1/models/a:export', 'method_not_allowed'],
    ['kserve', 'POST /v1/models/:predict', 'method_not_allowed'],
    ['triton', 'POST /v2/models/a%20b/infer', 'target_invalid'], // Raw matching upstream.
    ['triton', 'POST /v2/models/a/infer/', 'unclassified'],
    ['triton', 'POST /V2/models/a/infer', 'unclassified'],
    ['triton', 'POST /v2/models/a/versions/01/infer', 'model_invalid'],
    ['triton', 'POST /v2/models/a/versions/-1/infer', 'model_invalid'],
    ['triton', 'POST /v2/models/a/versions/18446744073709551617/infer', 'model_invalid'],
    ['triton', 'POST /v2/models/stats', 'method_not_allowed'], // Shadowed by the literal.
    ['triton', 'POST /v2/models/a@1/infer', 'model_invalid'],
    ['triton', 'POST /v2/models/.hidden/infer', 'model_invalid'],
    ['triton', 'POST /v2/models/a..b/infer', 'model_invalid'],
    ['mlflow', 'DELETE /api/2.0/mlflow-artifacts/artifacts/%252e%252e', 'target_invalid'],
    ['mlflow', 'DELETE /api/2.0/mlflow-artifacts/artifacts/.', 'target_invalid'],
    ['mlflow', 'GET /api/2.0/mlflow-artifacts/artifacts/1;/a', 'target_invalid'],
    ['mlflow', 'GET /api/2.0/mlflow-artifacts/artifacts/1//a', 'target_invalid'],
    ['mlflow', 'POST /ajax-api/3.0/jobs', 'unclassified'],
    ['mlflow', 'GET /ajax-api/3.0/unheard-of', 'unclassified'],
    ['mlflow', 'GET /admin', 'unclassified'],
    ['vllm', 'GET /v1/models/', 'unclassified'],
    ['vllm', 'GET /internal', 'unclassified'],
  ])('%s %s: %s', async (pack, line, reason) => {
    expect(await ask(pack, line, { headers: { 'content-type': 'application/json' } })).toBe(reason)
  })

  it('names the logged model in an artifact path, else the server', async () => {
    const root = 'GET /ajax-api/2.0/mlflow-artifacts/artifacts'
    expect(await ask('mlflow', `${root}/1/models/m-7/artifacts/w.bin`)).toEqual([
      'export model:m-7',
    ])
    expect(await ask('mlflow', `${root}/1/run7/artifacts/w.bin`)).toEqual(['export server:up'])
    expect(await ask('mlflow', `${root}/1/models/m-7/`)).toEqual(['export server:up'])
  })
})

describe('the method', () => {
  it.each([
    ['triton', 'GET /v2/models/a/infer', 'method_not_allowed'],
    ['vllm', 'OPTIONS /v1/chat/completions', 'method_not_allowed'],
    ['mlflow', 'PUT /api/2.0/mlflow/registered-models/alias', 'method_not_allowed'],
  ])('%s %s: %s', async (pack, line, reason) => {
    expect(await ask(pack, line)).toBe(reason)
  })

  it('says which methods there are', async () => {
    const pack = await builtInPack('mlflow')
    const result = await classify(pack, 'PUT /api/2.0/mlflow/registered-models/alias')
    expect(isRefusal(result) && result.allow).toEqual(['GET', 'POST', 'DELETE', 'HEAD'])
  })

  it('a GET, HEAD or OPTIONS with a body is refused: MLflow reads its parameters there', async () => {
    const line = '/api/2.0/mlflow/model-versions/get-download-uri'
    for (const method of ['GET', 'HEAD']) {
      const sent = { json: { name: 'secret', version: '1' } }
      expect(await ask('mlflow', `${method} ${line}`, sent)).toBe('body_unexpected')
      expect(await ask('mlflow', `${method} ${line}?name=mine`, sent)).toBe('body_unexpected')
    }
  })
})

/** A worker has a method that runs any of its others. */
const ANYTHING = ['admin server:up', 'deploy server:up', 'export server:up', 'retrain server:up']

describe('the body decides', () => {
  it.each<[unknown, readonly string[] | string]>([
    [{ method: 'save_sharded_state' }, ['export server:up']],
    [{ method: 'reload_weights' }, ['deploy server:up']],
    [{ method: 'get_model' }, ANYTHING],
    [{ method: ['save_sharded_state'] }, ANYTHING],
    [{}, ANYTHING],
  ])('collective_rpc %j', async (json, expected) => {
    expect(await ask('vllm', 'POST /collective_rpc', { json })).toEqual(expected)
  })

  it.each<[unknown, readonly string[] | string]>([
    [{ action: 'reset' }, ['deploy server:up']],
    [{ action: 'checksum' }, ['read server:up']],
    [{ action: 'RESET' }, 'unclassified'],
    [{}, 'unclassified'],
  ])('weight_checker %j', async (json, expected) => {
    expect(await ask('vllm', 'POST /weight_checker', { json })).toEqual(expected)
  })

  const chat = 'POST /v1/chat/completions'
  const json = { model: 'a' }
  it.each<[string, string, string, Sent, string]>([
    [
      'a content coding',
      'vllm',
      chat,
      { json, headers: { 'content-encoding': 'gzip' } },
      'body_encoding',
    ],
    [
      'stacked codings',
      'mlflow',
      'POST /api/2.0/mlflow/registered-models/create',
      { json: { name: 'a' }, headers: { 'content-encoding': 'identity, gzip' } },
      'body_encoding',
    ],
    ['another media type', 'vllm', chat, { json, contentType: 'text/plain' }, 'body_encoding'],
    [
      'UTF-16',
      'vllm',
      chat,
      { json, contentType: 'application/json; charset=utf-16' },
      'body_encoding',
    ],
    ['no media type', 'vllm', chat, { json, contentType: '' }, 'body_encoding'],
    [
      'a model past the bound',
      'vllm',
      chat,
      { json: { x: 'y'.repeat(100), model: 'a' }, peekBytesMax: 64 },
      'body_over_peek',
    ],
    [
      'a model past the bound, behind a file',
      'vllm',
      'POST /v1/audio/transcriptions',
      { form: { file: 'x'.repeat(99), model: 'a' }, peekBytesMax: 90 },
      'body_over_peek',
    ],
    [
      'JSON where a form is due',
      'vllm',
      'POST /v1/audio/transcriptions',
      { json },
      'body_encoding',
    ],
    [
      'a form without a model',
      'vllm',
      'POST /v1/audio/transcriptions',
      { form: { file: 'x' } },
      'model_missing',
    ],
    [
      'a form that is no form',
      'mlflow',
      'POST /api/2.0/mlflow/registered-models/create',
      { raw: formBody({ name: 'a' }, 'xx') },
      'body_unparsable',
    ],
    [
      'a WebSocket on a plain route',
      'vllm',
      'GET /v1/models',
      { upgrade: true },
      'upgrade_invalid',
    ],
  ])('%s', async (_name, ...[pack, line, sent, reason]) => {
    expect(await ask(pack, line, sent)).toBe(reason)
  })

  it('accepts JSON by any name for it, and whatever the upstream ignores', async () => {
    const contentType = 'application/vnd.api+json; charset=UTF-8'
    expect(await ask('vllm', chat, { json, contentType })).toEqual(['infer model:a'])
    const create = 'POST /api/2.0/mlflow/registered-models/create'
    const sent = { json: { name: 'a' }, contentType: 'text/plain' }
    expect(await ask('mlflow', create, sent)).toEqual(['deploy model:a'])
  })
})
