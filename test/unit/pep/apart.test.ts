import { describe, expect, it } from '@jest/globals'
import type { DecidedOperation, Obligation } from '../../../gateway/domain/access.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { dutiesOf } from '../../../gateway/pep/obligations/duties.ts'
import { limitBody } from '../../../gateway/pep/obligations/limited-body.ts'
import { PERMIT } from '../../support/pipeline.ts'

const APART: Obligation = {
  type: 'parameter.apart',
  parameters: { names: ['logprobs', 'logit_bias'] },
  source: 'limits.yaml:7',
}
const STRIP: Obligation = {
  type: 'parameter.strip',
  parameters: { parameter: 'logprobs' },
  source: 'limits.yaml:9',
}
const CAP: Obligation = {
  type: 'parameter.cap',
  parameters: { parameter: 'logprobs', max: 5 },
  source: 'limits.yaml:11',
}

/** What becomes of `body`: its text, or why not. */
function limited(body: object | string, obligations: readonly Obligation[] = [APART]): string {
  const decided: DecidedOperation = {
    action: 'infer',
    resource: { kind: 'model', name: 'm' },
    decision: { ...PERMIT, obligations },
  }
  const duties = dutiesOf([decided])
  if ('source' in duties) return 'not understood'
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const { parameters, apart } = duties
  const result = limitBody(bytes, { duties: parameters, apart, addAt: ['max_tokens'] })
  return isRefusal(result) ? (result.detail ?? result.reason) : result.bytes.toString()
}

const REFUSED =
  'The parameters logprobs and logit_bias are not allowed together, says the limit in limits.yaml:7.'

describe('parameters that must not come together', () => {
  it.each<[string, object]>([
    ['at the top', { logprobs: true, logit_bias: { 1: 2 } }],
    ['by number', { logprobs: 0, logit_bias: { 1: 2 } }],
    ['by other names', { top_logprobs: 5, allowed_token_ids: [1] }],
    ['one of them nested', { parameters: { details: true }, logit_bias: { 1: 1 } }],
    ['both nested apart', { options: { n_probs: 5 }, extra_body: { logit_bias: [[1, 2]] } }],
    [
      'as likelihoods, and words that are forbidden',
      { return_likelihoods: 'ALL', bad_words: ['x'] },
    ],
    ['for a processor', { logprobs: true, custom_params: { token: 1 } }],
    [
      'in a session',
      { session: { include: ['item.input_audio_transcription.logprobs'] }, logit_bias: { 1: 1 } },
    ],
    ['in a list', { include: ['message.output_text.logprobs'], logit_bias: { 1: 1 } }],
    ['in inputs', { inputs: [{ logprobs: 3 }], logit_bias: { 1: 1 } }],
    ['as tensors', { inputs: [{ name: 'return_log_probs' }, { name: 'embedding_bias_words' }] }],
    ['as text', { logprobs: 'yes', logit_bias: 'no' }],
  ])('are refused %s', (_, body) => {
    expect(limited(body)).toBe(REFUSED)
  })

  it.each<[string, object]>([
    ['one alone', { logprobs: true, top_logprobs: 5 }],
    ['the other alone', { logit_bias: { 1: 2 } }],
    ['null', { logprobs: null, logit_bias: { 1: 2 } }],
    ['false', { logprobs: false, logit_bias: { 1: 2 } }],
    ['false within', { parameters: { details: false }, logit_bias: { 1: 2 } }],
    ['a table with such columns', { instances: [{ details: 'x' }] }],
    ['in what is said', { messages: [{ content: '"logprobs"' }], logit_bias: { 1: 1 } }],
  ])('pass unchanged: %s', (_, body) => {
    expect(limited(body)).toBe(JSON.stringify(body))
  })

  it('are refused in a spelling that nobody knows', () => {
    expect(limited({ LOGPROBS: true })).toContain('is spelt in a way no API knows')
  })

  it('are together only when they go on together', () => {
    const body = { logprobs: true, logit_bias: { 1: 2 } }
    expect(limited(body, [APART, STRIP])).toBe('{"logit_bias":{"1":2}}')
    expect(limited(body, [CAP, APART])).toBe(REFUSED)
    const listed = { include: ['message.output_text.logprobs'], logit_bias: { 1: 2 } }
    expect(limited(listed, [CAP, APART])).toBe(REFUSED)
    expect(limited({ logprobs: 9 }, [CAP, APART])).toBe('{"logprobs":5}')
  })

  it('of three, no two may', () => {
    const names = ['n', 'logprobs', 'echo']
    const three: Obligation = { ...APART, parameters: { names } }
    expect(limited({ best_of: 2, echo: true }, [three])).toContain('n and echo')
    expect(limited({ echo: true }, [three])).toBe('{"echo":true}')
  })

  it('are no duty that is understood when they are not known, or fewer than two', () => {
    for (const names of [['logprobs'], ['logprobs', 'x'], 'logprobs', undefined]) {
      const parameters = (names === undefined ? {} : { names }) as Obligation['parameters']
      expect(limited({}, [{ ...APART, parameters }])).toBe('not understood')
    }
  })
})
