import { describe, expect, it } from '@jest/globals'
import { compileFieldTree } from '../../../gateway/classify/body/body-fields.ts'
import { watchMessages } from '../../../gateway/classify/body/message-watch.ts'
import type { CompiledFrames } from '../../../gateway/classify/pack/compiled-pack.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { resourceText } from '../../../gateway/domain/vocabulary.ts'
import { builtInPack, classify } from './support.ts'

const framesOf = (...paths: readonly string[]): CompiledFrames => ({
  action: 'infer',
  tree: compileFieldTree(paths),
  paths,
  form: 'plain',
  isNamed: false,
})

/** What each message of one connection comes to: operations, `passes`, or the reason. */
function watch(frames: CompiledFrames, messages: readonly unknown[], isNamed = false) {
  const watching = watchMessages({ ...frames, isNamed })
  return messages.map((message) => {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    const verdict = watching.message('text', Buffer.from(text))
    if (isRefusal(verdict)) return verdict.reason
    return verdict?.map(({ action, resource }) => `${action} ${resourceText(resource)}`) ?? 'passes'
  })
}

const AUDIO = { type: 'input_audio_buffer.append', audio: 'AAAA' }
const named = (model: unknown) => ({ type: 'session.update', model })
const MODEL = framesOf('model')

describe('messages over a WebSocket', () => {
  it('pass once one has named a model; every one that does is authorised', () => {
    expect(watch(MODEL, [named('m1'), AUDIO, named('m2'), named('m1')])).toEqual([
      ['infer model:m1'],
      'passes',
      ['infer model:m2'],
      ['infer model:m1'],
    ])
  })

  it('do not pass before', () => {
    expect(watch(MODEL, [AUDIO])).toEqual(['model_missing'])
    expect(watch(MODEL, [AUDIO], true)).toEqual(['passes'])
  })

  it('ask for every model they name', () => {
    const frames = framesOf('session.model', 'session.transcription.model', 'models[].id')
    const session = { model: 'a', transcription: { model: 'b' } }
    expect(watch(frames, [{ session, models: [{ id: 'c' }, { id: 'd' }] }, {}])).toEqual([
      ['infer model:a', 'infer model:b', 'infer model:c', 'infer model:d'],
      'passes',
    ])
    expect(watch(frames, [{ models: [{ id: 'c' }, {}] }])).toEqual(['model_missing'])
    expect(watch(frames, [{ models: { id: 'c' } }])).toEqual(['model_invalid'])
  })

  it.each([null, ''])('do not pass with %j for a name, even later', (model) => {
    const reason = model === null ? 'model_missing' : 'model_invalid'
    expect(watch(MODEL, [named('m1'), named(model)])).toEqual([['infer model:m1'], reason])
  })

  it('may hold null elsewhere', () => {
    const frames = framesOf('session.model', 'models[].id')
    const rest = { session: null, x: [null], models: [] }
    expect(watch(frames, [rest, { model: null, text: 'null' }], true)).toEqual(['passes', 'passes'])
    expect(watch(frames, [{ models: [{ id: null }] }], true)).toEqual(['model_missing'])
    expect(watch(frames, [{ x: null, session: { model: null } }], true)).toEqual(['model_missing'])
  })

  it.each([
    ['a repeated key', '{"model":"m1","model":"m2"}'],
    ['a repeated key, escaped', '{"model":"m1","mod\\u0065l":"m2"}'],
    ['another spelling', '{"Model":"m1"}'],
    ['two spellings', '{"model":"m1","MODEL":"m2"}'],
    ['an array', '[{"model":"m1"}]'],
    ['a string', '"m1"'],
    ['two texts', '{"model":"m1"}{"model":"m2"}'],
    ['what only some parsers read', '{"model":"m1","x":NaN}'],
    ['nothing', ''],
  ])('are read strictly: %s', (_name, text) => {
    expect(watch(MODEL, [text], true)).toEqual(['body_unparsable'])
  })

  it.each([1, true, {}, ['m1'], 'a@b', '../m', 'x'.repeat(257)])(
    'name models as they are named elsewhere: %j',
    (model) => {
      expect(watch(MODEL, [named(model)])).toEqual(['model_invalid'])
    },
  )

  it('are text', () => {
    const binary = watchMessages({ ...MODEL, isNamed: true }).message(
      'binary',
      Buffer.from('{"model":"m1"}'),
    )
    expect(binary).toMatchObject({ reason: 'body_encoding' })
  })

  it('name 64 models at most on one connection', () => {
    const names = Array.from({ length: 65 }, (_, i) => named(`m${i}`))
    expect(watch(MODEL, [...names.slice(0, 64), names[0], names[64]]).slice(-2)).toEqual([
      ['infer model:m0'],
      'model_invalid',
    ])
    const many = framesOf('models[]')
    expect(watch(many, [{ models: names.map(({ model }) => model) }])).toEqual(['model_invalid'])
  })
})

describe('the classification of a route with messages', () => {
  it('has a watch of its own for each request', async () => {
    const pack = await builtInPack('vllm')
    const classified = await Promise.all(
      [1, 2].map(() => classify(pack, 'GET /v1/realtime', { upgrade: true })),
    )
    const verdicts = classified.map((one) => {
      if (isRefusal(one)) return one.reason
      return one.frames?.message('text', Buffer.from(JSON.stringify(named('m1'))))
    })
    expect(verdicts).toEqual([
      [{ action: 'infer', resource: { kind: 'model', name: 'm1' } }],
      [{ action: 'infer', resource: { kind: 'model', name: 'm1' } }],
    ])
    const [first, second] = classified
    expect(!isRefusal(first) && !isRefusal(second) && first?.frames !== second?.frames).toBe(true)
  })

  it('is none where messages do not decide', async () => {
    const classified = await classify(await builtInPack('vllm'), 'GET /v1/models')
    expect('frames' in classified).toBe(false)
  })
})
