/** What the packs of language model runtimes must not be talked into. */
import { Buffer } from 'node:buffer'
import { describe, expect, it } from '@jest/globals'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { resourceText } from '../../../gateway/domain/vocabulary.ts'
import { builtInPack, classify, outcome, type Sent } from './support.ts'

const ask = async (pack: string, line: string, sent: Sent = {}) =>
  outcome(await classify(await builtInPack(pack), line, sent))

describe('a name of Ollama', () => {
  it.each([
    ['Llama3', ['infer model:llama3@latest']],
    ['registry.ollama.ai/library/llama3:8B', ['infer model:llama3@8b']],
    ['hf.co/a/b:q4', ['infer model:hf.co/a/b@q4']],
    ['localhost:5000/a/b', ['infer model:localhost:5000/a/b@latest']],
    ['m:120b-cloud', ['infer model:m@120b-cloud']],
    ['m:local', 'model_invalid'],
    ['m:LOCAL', 'model_invalid'],
    ['m:7b:local', 'model_invalid'],
    ['m:7b:cloud', 'model_invalid'],
    [' m', 'model_invalid'],
    ['m@sha256:00', 'model_invalid'],
    ['http://evil.host/a/b', 'model_invalid'],
    ['', 'model_invalid'],
  ])('%j: %j', async (model, expected) => {
    const json = { model, prompt: 'x' }
    expect(await ask('ollama', 'POST /api/generate', { json })).toEqual(expected)
  })

  it.each([
    ['POST /api/push', { model: 'a', name: 'b' }, 'model_conflict'],
    ['POST /api/push', { model: 'a', name: 'A:latest' }, ['export model:a@latest']],
    ['DELETE /api/delete', { name: 'a' }, ['deploy model:a@latest']],
    ['POST /api/chat', { model: 'a', messages: '' }, ['deploy model:a@latest']],
    ['POST /api/chat', { model: 'a', Messages: [1] }, 'body_unparsable'],
    ['POST /api/copy', { destination: 'b' }, 'model_missing'],
    ['POST /api/copy', { source: 'a' }, 'model_missing'],
  ])('%s %j', async (line, json, expected) => {
    expect(await ask('ollama', line, { json })).toEqual(expected)
    expect(await ask('ollama', line, { json, contentType: 'text/plain' })).toEqual(expected)
  })
})

describe('a process with one model', () => {
  it.each([
    ['sglang', 'POST /v1/chat/completions', { model: 'small' }],
    ['tgi', 'POST /v1/chat/completions', { model: 'small' }],
    ['llamacpp', 'POST /v1/chat/completions', { model: 'small' }],
    ['llamacpp-python', 'POST /v1/chat/completions', { model: 'small' }],
    ['sglang', 'PUT /generate', { lora_path: 'small' }],
  ])('%s is not infer on %j alone', async (pack, line, json) => {
    expect(await ask(pack, line, { json })).toEqual(['infer model:small', 'infer model:up'])
  })

  it('takes no list of adapters, which it would have to be asked for one by one', async () => {
    const json = { text: ['a', 'b'], lora_path: ['x', null] }
    expect(await ask('sglang', 'POST /generate', { json })).toBe('model_invalid')
  })
})

describe('one name for two things', () => {
  it.each<[string, string, Sent, readonly string[] | string]>([
    [
      'azure-openai',
      'POST /openai/deployments/PROD/chat/completions',
      { json: { model: 'prod' } },
      ['infer model:prod'],
    ],
    [
      'azure-openai',
      'POST /openai/deployments/a/embeddings?model=b',
      { json: {} },
      'model_conflict',
    ],
    ['azure-openai', 'POST /OpenAI/deployments/a/embeddings', { json: {} }, 'unclassified'],
    ['openai', 'POST /v1/chat/completions?model=b', { json: { model: 'a' } }, 'model_conflict'],
    ['openai', 'POST /v1/files', { json: { purpose: 'batch' } }, 'body_encoding'],
    [
      'openai',
      'POST /v1/files',
      { form: { purpose: 'Batch' } },
      ['retrain server:up', 'data:write server:up'],
    ],
    ['openai', 'POST /v1/files', { form: { Purpose: 'batch' } }, 'model_conflict'],
    ['llamacpp', 'POST /slots/0?action=save%00', {}, 'unclassified'],
    ['llamacpp', 'POST /slots/0?Action=erase', {}, 'model_conflict'],
    ['llamacpp', 'DELETE /models', { json: { model: 'a' } }, 'model_missing'],
  ])('%s %s %j', async (pack, line, sent, expected) => {
    expect(await ask(pack, line, sent)).toEqual(expected)
  })
})

describe('a WebSocket', () => {
  const message = (json: unknown) => Buffer.from(JSON.stringify(json))
  const opened = async (pack: string, line: string) => {
    const result = await classify(await builtInPack(pack), line, { upgrade: true })
    if (isRefusal(result) || result.frames === undefined) throw new Error('no frames')
    return result.frames
  }
  const texts = (found: unknown) =>
    (found as { action: string; resource: Parameters<typeof resourceText>[0] }[]).map(
      ({ action, resource }) => `${action} ${resourceText(resource)}`,
    )

  it('of vLLM is decided by the message that names the model', async () => {
    const frames = await opened('vllm', 'GET /v1/realtime')
    const audio = message({ type: 'input_audio_buffer.append', audio: '' })
    expect(frames.message('text', audio)).toMatchObject({ reason: 'model_missing' })
    const update = message({ type: 'session.update', model: 'm1' })
    expect(texts(frames.message('text', update))).toEqual(['infer model:m1'])
    expect(frames.message('text', audio)).toBeUndefined()
  })

  it('of OpenAI is decided by its query, and again by each model a message names', async () => {
    const frames = await opened('openai', 'GET /v1/realtime?model=m1')
    expect(frames.message('text', message({ type: 'response.create' }))).toBeUndefined()
    const session = { audio: { input: { transcription: { model: 'm2' } } } }
    const update = message({ type: 'session.update', session })
    expect(texts(frames.message('text', update))).toEqual(['infer model:m2'])
  })

  it.each([
    ['openai', '/v1/realtime'],
    ['azure-openai', '/openai/v1/realtime'],
  ])(
    'of %s that joins a call needs no name, and is decided by each that comes',
    async (pack, path) => {
      const frames = await opened(pack, `GET ${path}?call_id=c1`)
      expect(frames.message('text', message({ type: 'response.create' }))).toBeUndefined()
      const session = { input_audio_transcription: { model: 'm2' } }
      const update = message({ type: 'session.update', session })
      expect(texts(frames.message('text', update))).toEqual(['infer model:m2'])
      const none = message({ type: 'session.update', session: { model: null } })
      expect(frames.message('text', none)).toMatchObject({ reason: 'model_missing' })
    },
  )

  it('is none on a route that is not one', async () => {
    expect(await ask('openai', 'GET /v1/models', { upgrade: true })).toBe('upgrade_invalid')
  })
})

describe('a list of models', () => {
  /** What each list of the answer takes the element for. */
  const listed = async (pack: string, line: string, element: unknown) => {
    const result = await classify(await builtInPack(pack), line)
    const shapes = isRefusal(result) ? [] : (result.listing ?? [])
    return shapes.map(({ items, read }) => {
      const found = read(element)
      return `${items.join('.')}: ${found === undefined ? 'none' : resourceText(found)}`
    })
  }

  it.each([
    ['openai', 'GET /v1/models', { id: 'gpt-x' }, ['data: model:gpt-x']],
    ['vllm', 'GET /v1/models', { id: 'a/b', parent: null }, ['data: model:a/b']],
    ['azure-openai', 'GET /openai/v1/models', { id: 'GPT-x' }, ['data: model:gpt-x']],
    ['ollama', 'GET /api/tags', { name: 'A:1', model: 'A:1' }, ['models: model:a@1']],
    ['ollama', 'GET /api/ps', { name: 'a:1', model: 'b:1' }, ['models: none']],
    ['llamacpp', 'GET /models', { id: 'org/m:q4' }, ['data: model:org/m:q4', 'models: none']],
    ['llamacpp', 'GET /models', { name: 'm', model: 'm' }, ['data: none', 'models: model:m']],
  ])('%s %s %j: %j', async (pack, line, element, expected) => {
    expect(await listed(pack, line, element)).toEqual(expected)
  })
})
