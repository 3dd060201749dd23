import { describe, expect, it } from '@jest/globals'
import { chat, HOUR, many, randoms, sentence, watching } from '../../support/extraction.ts'

describe('distinct prompts', () => {
  it('fire about where the limit is, and not long before', () => {
    const random = randoms(1)
    const fired = watching({ distinctPrompts: 2_000 }).firstFire(
      many(3_000, () => chat(sentence(random, 20))),
    )
    expect(fired?.rules).toEqual(['distinct_prompts'])
    // The standard error is 4.6 %.
    expect(fired?.at).toBeGreaterThan(1_700)
    expect(fired?.at).toBeLessThan(2_300)
  })

  it('are no more for being asked again, or by another model name, user or temperature', () => {
    const questions = many(50, (i) => `question ${i} about something`)
    const bodies = many(2_000, (i) =>
      chat(questions[i % 50] ?? '', { user: `u${i}`, temperature: i / 1_000, seed: i }),
    )
    expect(watching({ distinctPrompts: 100 }).firstFire(bodies)).toBeUndefined()
  })

  it('are forgotten when the window has passed, and fire once in each', () => {
    const w = watching({ distinctPrompts: 100 })
    const random = randoms(2)
    const batch = (count: number) => many(count, () => chat(sentence(random, 12)))
    expect(w.firstFire(batch(70))).toBeUndefined()
    w.wait(HOUR)
    expect(w.firstFire(batch(70))).toBeUndefined()
    expect(w.firstFire(batch(70))?.rules).toEqual(['distinct_prompts'])
    expect(w.firstFire(batch(200))).toBeUndefined()
    w.wait(HOUR)
    expect(w.firstFire(batch(200))?.rules).toEqual(['distinct_prompts'])
  })

  it.each<[string, (text: string) => object]>([
    ['a tool', (text) => ({ tools: [{ type: 'function', function: { description: text } }] })],
    ['a template', (text) => ({ chat_template: text })],
    ['the form of the answer', (text) => ({ response_format: { json_schema: { title: text } } })],
    ['a choice', (text) => ({ guided_choice: [text] })],
    ['instructions of a run', (text) => ({ additional_instructions: text })],
  ])('are seen in %s', (_, more) => {
    const random = randoms(5)
    const bodies = many(150, () => chat('answer as you are told', more(sentence(random, 12))))
    expect(watching({ distinctPrompts: 100 }).firstFire(bodies)?.rules).toEqual([
      'distinct_prompts',
    ])
  })

  it('are counted for each subject apart', () => {
    const w = watching({ distinctPrompts: 100 })
    const random = randoms(3)
    for (const subject of ['a', 'b', 'c']) {
      for (const body of many(60, () => chat(sentence(random, 12)))) {
        expect(w.send(body, { subject })).toEqual([])
      }
    }
  })
})

describe('the share of requests about probabilities', () => {
  const logits = { share: 0.5, of: 10 }

  it('fires from its number of requests on, at its share', () => {
    const w = watching({ logits })
    const asking = chat('tell me a story', { logprobs: true, top_logprobs: 5 })
    expect(w.firstFire(many(20, () => asking))).toEqual({ at: 10, rules: ['logits'] })
    const half = watching({ logits })
    const mixed = many(40, (i) => (i % 5 > 2 ? asking : chat('tell me a story')))
    expect(half.firstFire(mixed)).toBeUndefined()
  })

  it.each<[string, object]>([
    ['OpenAI', { logprobs: true }],
    ['a bias', { logit_bias: { 50256: 100 } }],
    ['completions', { logprobs: 0 }],
    ['vLLM', { prompt_logprobs: 1 }],
    ['TGI', { parameters: { top_n_tokens: 5 } }],
    ['SGLang', { return_logprob: true }],
    ['llama.cpp', { n_probs: 10 }],
    ['Gemini', { generationConfig: { responseLogprobs: true } }],
    ['another case', { LogProbs: true }],
    ['an escape', JSON.parse('{"logit\\u005fbias":{"1":1}}') as object],
    ['responses', { include: ['message.output_text.logprobs'] }],
    ['TensorRT-LLM', { return_generation_logits: true }],
    ['hidden states', { return_hidden_states: true }],
    ['all there are', { prompt_logprobs: -1 }],
    ['that of the token alone', { prompt_logprobs: 0 }],
    ['Vertex, beside a prompt', { instances: [{ prompt: 'x', logprobs: 5 }] }],
    ['Azure ML', { input_data: { input_string: ['x'], parameters: { return_logprob: true } } }],
    ['experts', { return_routed_experts: true }],
    ['Jurassic', { topKReturn: 5 }],
  ])('sees %s', (_, more) => {
    const w = watching({ logits: { share: 1, of: 2 } })
    expect(w.firstFire(many(2, () => chat('x', more)))?.rules).toEqual(['logits'])
  })

  it('sees a key that is escaped, and a tensor that is called so', () => {
    const w = watching({ logits: { share: 1, of: 1 } })
    expect(w.send('{"prompt":"x","logit\\u005fbias":{"1":1}}')).toEqual(['logits'])
    const tensor = { inputs: [{ name: 'return_log_probs', data: [true] }] }
    expect(watching({ logits: { share: 1, of: 1 } }).send(tensor)).toEqual(['logits'])
  })

  it.each<[string, object]>([
    ['null', { logprobs: null, logit_bias: null }],
    ['false', { logprobs: false, return_logprob: false }],
    ['no alternatives', { n_probs: 0, top_logprobs: 0 }],
    ['an empty bias', { logit_bias: {} }],
    ['those of the prompt left out', { logprob_start_len: -1 }],
    ['a tool with such a field', { tools: [{ function: { parameters: { details: true } } }] }],
    ['a word in a prompt', { prompt: 'what is "logprobs": true' }],
    ['a feature of a table', { instances: [{ details: 'long', logprobs: 3 }] }],
  ])('does not see %s', (_, more) => {
    const w = watching({ logits: { share: 1, of: 1 } })
    expect(w.send({ model: 'm', ...more })).toEqual([])
  })
})

describe('vectors', () => {
  it.each<[string, object, number]>([
    ['a text', { input: 'a text' }, 1],
    ['a list', { input: ['a', 'b', 'c'] }, 3],
    ['tokens', { input: [1, 2, 3, 4] }, 1],
    ['lists of tokens', { input: [[1, 2], [3]] }, 2],
    ['TEI', { inputs: ['a', 'b'] }, 2],
    ['Cohere', { texts: ['a', 'b', 'c', 'd'] }, 4],
    ['something else', { x: 1 }, 1],
  ])('are the inputs of %s', (_, body, count) => {
    const bodies = many(10, () => body)
    const at = Math.ceil(8 / count)
    expect(watching({ vectors: 8 }).firstFire(bodies, true)).toEqual({ at, rules: ['vectors'] })
    expect(watching({ vectors: 1 }).firstFire(bodies, false)).toBeUndefined()
  })
})
