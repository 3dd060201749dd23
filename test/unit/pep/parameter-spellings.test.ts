/** Every way an API has to ask for more of a model than its answer, by parameter. */
import { describe, expect, it } from '@jest/globals'
import type { DecidedOperation } from '../../../gateway/domain/access.ts'
import { PARAMETERS, type ParameterName } from '../../../gateway/domain/parameters.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { dutiesOf } from '../../../gateway/pep/obligations/duties.ts'
import { limitBody } from '../../../gateway/pep/obligations/limited-body.ts'
import { PERMIT } from '../../support/pipeline.ts'

/** What becomes of `body` where `parameter` is refused. */
function refusing(parameter: ParameterName, body: object): string {
  const source = 'limits.yaml:3'
  const obligations = [{ type: 'parameter.refuse', parameters: { parameter }, source }]
  const decided: DecidedOperation = {
    action: 'infer',
    resource: { kind: 'model', name: 'm' },
    decision: { ...PERMIT, obligations },
  }
  const duties = dutiesOf([decided])
  if ('source' in duties) throw new Error('not understood')
  const bytes = Buffer.from(JSON.stringify(body))
  const left = limitBody(bytes, { duties: duties.parameters, addAt: ['max_tokens'] })
  return isRefusal(left) ? left.reason : left.bytes.toString()
}

describe.each<[ParameterName, readonly object[]]>([
  [
    'n',
    [
      { n_cmpl: 4 }, // llama.cpp
      { numResults: 16 }, // Jurassic
      { parameters: { sampleCount: 8 } }, // Imagen
      { parameters: { num_beams: 8 } }, // Hugging Face
    ],
  ],
  [
    'logprobs',
    [
      { return_likelihoods: 'ALL' }, // Cohere
      { topKReturn: 10 }, // Jurassic
      { generationConfig: { responseLogprobs: true } }, // Gemini
      { generationConfig: { response_logprobs: true } },
      { return_logprobs: true }, // Bedrock, imported models
      { n_probs: 5, post_sampling_probs: true }, // llama.cpp
      { return_sampling_mask: true }, // SGLang
      { inputs: [{ name: 'is_return_log_probs', data: [true] }] }, // FasterTransformer
      { include: ['logprobs'] }, // OpenAI, transcriptions
      { session: { include: ['item.input_audio_transcription.logprobs'] } }, // OpenAI, realtime
      { parameters: { return_options: { token_logprobs: true } } }, // watsonx
      { data_source: { sampling_params: { top_logprobs: 5 } } }, // OpenAI, evals
    ],
  ],
  [
    'prompt_logprobs',
    [
      { sampling_params: { prompt_logprob_token_ids: [1] } },
      { return_flat_raw_top_logprobs: true },
    ],
  ],
  [
    'logit_bias',
    [{ bad_words: ['x'] }, { parameters: { suppress_tokens: [1] } }, { vllm_xargs: { target: 1 } }],
  ],
  [
    'hidden_states',
    [
      { return_routed_experts: true },
      { output_last_hidden_state: 'all' },
      { kv_transfer_params: { do_remote_decode: true } },
      { bootstrap_host: '203.0.113.1' },
    ],
  ],
  ['token_ids', [{ return_prompt_token_ids: true }, { parameters: { return_tensors: true } }]],
  ['echo', [{ return_prompt_text: true }, { echo_last: 5 }]],
  [
    'logits',
    [
      { raw_scores: true },
      { output_scores: true },
      { parameters: { function_to_apply: 'none' } }, // Hugging Face
    ],
  ],
])('%s', (parameter, bodies) => {
  it.each(bodies)('is refused as %j', (body) => {
    expect(refusing(parameter, body)).toBe('parameter_refused')
  })
})

describe('requests that are in a file', () => {
  it.each<[string, object]>([
    ['OpenAI', { input_file_id: 'file-1', endpoint: '/v1/completions' }],
    ['Bedrock', { inputDataConfig: { s3InputDataConfig: { s3Uri: 's3://b/k' } } }],
    ['Vertex AI', { inputConfig: { gcsSource: { uris: ['gs://b/k'] } } }],
    ['SageMaker', { TransformInput: { DataSource: {} } }],
    ['an escape', JSON.parse('{"input_\\u0066ile_id":"file-1"}') as object],
  ])('are refused where a parameter is limited: %s', (_, body) => {
    expect(refusing('logprobs', body)).toBe('parameter_refused')
  })

  it('are what they are when there is none', () => {
    expect(refusing('logprobs', { input_file_id: null })).toBe('{"input_file_id":null}')
    const deeper = { messages: [{ input_file_id: 'x' }] }
    expect(refusing('logprobs', deeper)).toBe(JSON.stringify(deeper))
  })
})

describe('the table', () => {
  it('has no name in two parameters, unless it is both', () => {
    const names = Object.entries(PARAMETERS).flatMap(([parameter, { spellings }]) =>
      spellings.map(({ name }) => [name, parameter] as const),
    )
    const both = names.filter(([name], i) => names.findIndex(([other]) => other === name) !== i)
    expect(new Set(both.map(([, parameter]) => parameter))).toEqual(new Set(['top_logprobs']))
  })
})
