import { describe, expect, it } from '@jest/globals'
import { UsageScan } from '../../../gateway/budget/usage-scan.ts'
import { VectorScan } from '../../../gateway/budget/vector-scan.ts'

const sse = (...events: object[]) => events.map((e) => `data: ${JSON.stringify(e)}\n\n`).join('')

const REPORTS: readonly (readonly [name: string, text: string, tokens: number])[] = [
  [
    'chat completion of OpenAI',
    '{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21,"prompt_tokens_details":{"cached_tokens":4}}}',
    21,
  ],
  [
    'stream of OpenAI with include_usage',
    sse(
      { choices: [{ delta: { content: 'a' } }], usage: null },
      { choices: [], usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 } },
    ) + 'data: [DONE]\n\n',
    12,
  ],
  ['embeddings of OpenAI', '{"data":[],"usage":{"prompt_tokens":8,"total_tokens":8}}', 8],
  [
    'responses of OpenAI',
    sse({
      type: 'response.completed',
      response: { usage: { input_tokens: 30, output_tokens: 4, total_tokens: 34 } },
    }),
    34,
  ],
  [
    'stream of Anthropic',
    sse(
      {
        type: 'message_start',
        message: { usage: { input_tokens: 10, cache_read_input_tokens: 100, output_tokens: 1 } },
      },
      { type: 'message_delta', usage: { output_tokens: 15 } },
    ),
    125,
  ],
  [
    'Ollama',
    '{"response":"x","done":false}\n{"done":true,"prompt_eval_count":26,"eval_count":259}\n',
    285,
  ],
  ['TGI', '{"generated_text":"x","details":{"generated_tokens": 20}}', 20],
  ['llama.cpp', '{"content":"x","tokens_evaluated":3,"tokens_predicted":4}', 7],
  [
    'converse of Bedrock',
    '{"output":{},"usage":{"inputTokens":3,"outputTokens":9,"totalTokens":12}}',
    12,
  ],
  [
    'Vertex',
    '[{"usageMetadata":{"promptTokenCount":4}},\r\n{"usageMetadata" : {"promptTokenCount" : 4, "candidatesTokenCount" : 6, "thoughtsTokenCount": 5, "totalTokenCount": 15}}]',
    15,
  ],
  ['a text about tokens', JSON.stringify({ text: '"usage":{"total_tokens":999}', n: 1 }), 0],
  ['a text that ends in an escape', '{"a":"\\\\","total_tokens":3}', 3],
  ['a value that is no number', '{"total_tokens":"12","x":{"total_tokens":null}}', 0],
  ['a comment of a stream with a quote in it', ': "ping\n\ndata: {"total_tokens":4}\n\n', 4],
]

describe('reports of tokens', () => {
  it.each(REPORTS)('are read: %s', (_, text, tokens) => {
    const whole = new UsageScan()
    whole.push(Buffer.from(text))
    expect(whole.tokens).toBe(tokens)
  })

  it.each(REPORTS)('are read however they are cut: %s', (_, text, tokens) => {
    for (let at = 1; at < text.length; at++) {
      const scan = new UsageScan()
      scan.push(Buffer.from(text.slice(0, at), 'latin1'))
      scan.push(Buffer.from(text.slice(at), 'latin1'))
      expect([at, scan.tokens]).toEqual([at, tokens])
    }
    const scan = new UsageScan()
    for (const byte of Buffer.from(text)) scan.push(Buffer.from([byte]))
    expect(scan.tokens).toBe(tokens)
  })

  it('are read from heads', () => {
    const scan = new UsageScan()
    scan.head(['x-amzn-bedrock-input-token-count', '7', 'x-amzn-bedrock-output-token-count', '5'])
    expect(scan.tokens).toBe(12)
  })
})

describe('vectors of answers', () => {
  const numbers = (n: number) => Array.from({ length: n }, (_, i) => (i % 2 === 0 ? -0.5 : 1e-3))
  it.each([
    ['OpenAI', { data: [{ embedding: numbers(64) }, { embedding: numbers(64) }], usage: {} }, 2],
    ['OpenAI in base64', { data: [{ embedding: 'AAAA' }, { embedding: 'BBBB' }] }, 2],
    ['Ollama', { embeddings: [numbers(32), numbers(32), numbers(32)] }, 3],
    ['TEI', [numbers(100)], 1],
    ['log-probabilities', { content: [{ token: 'x', bytes: [1, 2, 3] }], shape: [1, 768] }, 0],
    ['texts', { text: `[${numbers(64).join(',')}]`, note: 'embedding', a: ['embedding', 'b'] }, 0],
  ])('are counted: %s', (_, value, count) => {
    const text = Buffer.from(JSON.stringify(value))
    for (const size of [1, 7, text.length]) {
      const scan = new VectorScan()
      for (let at = 0; at < text.length; at += size) scan.push(text.subarray(at, at + size))
      expect(scan.vectors).toBe(count)
    }
  })
})
