/** Limits over raw sockets: what the upstream receives is what the limits leave, or nothing. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Reason } from '../../gateway/domain/reasons.ts'
import { expectRefusal, HOSTS, json, request, startAttackWorld } from '../support/attack.ts'
import { rawExchange } from '../support/raw-client.ts'
import type { World } from '../support/world.ts'

const LIMITS = `limits:
  chat:
    for: [role:inference]
    resources: ["model:llama"]
    parameters:
      max_tokens: { max: 16, add: true }
      n: { max: 1 }
      logprobs: strip
      logit_bias: refuse
  small:
    resources: ["model:small"]
    response: { bytes: 64B }
  secret:
    resources: ["model:secret"]
    response: { redact: [prompt_logprobs] }
`

let answer = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
let world: World
beforeAll(async () => {
  world = await startAttackWorld({ rules: { 'limits.yaml': LIMITS }, handler: () => answer })
})
afterAll(() => world.close())

const TARGET = '/v1/chat/completions'
const llm = async (parts: Parameters<typeof request>[0]) =>
  request({ target: TARGET, host: HOSTS.llm, token: await world.token(['inference']), ...parts })

/** The request as the upstream received it. */
async function forwarded(parts: Parameters<typeof request>[0]) {
  const before = world.upstream.requests.length
  const { responses } = await rawExchange(world.port, await llm(parts))
  expect(responses[0]?.status).toBe(200)
  await world.upstream.whenRequests(before + 1)
  const { head = '', body = '' } = world.upstream.requests[before] ?? {}
  return { head: head.toLowerCase(), body }
}

const refused = async (reason: Reason, parts: Parameters<typeof request>[0]) =>
  expectLimitRefusal(await llm(parts), reason)

async function expectLimitRefusal(bytes: string, reason: Reason) {
  const { response } = await expectRefusalAfterDecision(bytes, reason)
  expect(response.body.toString()).toContain(reason)
  return response.body.toString()
}

/** A refusal of stage 7 comes after the decision was recorded: its reason is in the outcome. */
async function expectRefusalAfterDecision(bytes: string, reason: Reason) {
  const received = world.upstream.received().length
  const { responses } = await rawExchange(world.port, bytes)
  const [response] = responses
  if (response === undefined) throw new Error('no answer')
  const id = response.header('x-modelgate-decision-id')
  const record = await world.whenRecord((one) => one.type === 'outcome' && one.id === id)
  expect(record.reason).toBe(reason)
  expect(world.upstream.received().length).toBe(received)
  return { response, record }
}

describe('a body under limits', () => {
  it('goes on limited, with its new length, every other byte as it was', async () => {
    const body =
      '{"seed":12345678901234567890,"model":"llama", "max_tokens":4000,"n":1,"logprobs":true}'
    const { head, body: received } = await forwarded(json(body))
    expect(received).toBe('{"seed":12345678901234567890,"model":"llama", "max_tokens":16,"n":1}')
    expect(head).toContain(`content-length: ${received.length}\r\n`)
    expect(head).not.toContain('transfer-encoding')
  })

  it('goes on untouched when it keeps them', async () => {
    const body = '{"model":"llama","max_tokens":16}'
    expect((await forwarded(json(body))).body).toBe(body)
    const other = '{"model":"other","max_tokens":9999,"max_tokens_x":1}'
    expect((await forwarded(json(other))).body).toBe(other)
  })

  it('gets one length when it came in chunks', async () => {
    const chunks = ['{"model":"lla', 'ma","max_tok', 'ens":99}'].map(
      (text) => `${text.length.toString(16)}\r\n${text}\r\n`,
    )
    const body = `${chunks.join('')}0\r\n\r\n`
    const lines = ['Content-Type: application/json', 'Transfer-Encoding: chunked']
    const { head, body: received } = await forwarded({ method: 'POST', lines, body })
    expect(received).toBe('{"model":"llama","max_tokens":16}')
    expect(head).toContain('content-length: 33\r\n')
    expect(head).not.toContain('transfer-encoding')
  })

  it('loses the digests of bytes it no longer has', async () => {
    const parts = json('{"model":"llama","max_tokens":99}')
    const lines = [...(parts.lines ?? []), 'Content-Digest: sha-256=:AAAA:', 'Content-MD5: AAAA']
    const { head } = await forwarded({ ...parts, lines })
    expect(head).not.toContain('digest')
    expect(head).not.toContain('content-md5')
  })

  it('is given a length where it asks for none', async () => {
    const { body } = await forwarded(json('{"model":"llama"}'))
    expect(body).toBe('{"max_tokens":16,"model":"llama"}')
    const responses = await forwarded({ ...json('{"model":"llama"}'), target: '/v1/responses' })
    expect(responses.body).toBe('{"max_output_tokens":16,"model":"llama"}')
  })

  it.each([
    [
      'an escaped key',
      '{"model":"llama","max\\u005ftokens":9999}',
      '{"model":"llama","max\\u005ftokens":16}',
    ],
    [
      'two spellings',
      '{"model":"llama","max_tokens":9999,"max_completion_tokens":9999}',
      '{"model":"llama","max_tokens":16,"max_completion_tokens":16}',
    ],
    [
      'a huge number',
      `{"model":"llama","max_tokens":${'9'.repeat(300)}}`,
      '{"model":"llama","max_tokens":16}',
    ],
    ['no end', '{"model":"llama","max_tokens":-1}', '{"model":"llama","max_tokens":16}'],
    [
      'many prompts',
      '{"model":"llama","prompt":["a","b"],"max_tokens":99}',
      '{"model":"llama","prompt":["a","b"],"max_tokens":16}',
    ],
    [
      'options of another server',
      '{"model":"llama","max_tokens":1,"options":{"num_predict":-1}}',
      '{"model":"llama","max_tokens":1,"options":{"num_predict":16}}',
    ],
  ])('is limited in spite of %s', async (_, body, expected) => {
    expect((await forwarded(json(body))).body).toBe(expected)
  })

  it.each([
    [
      'a parameter repeated by escape',
      '{"model":"llama","options":{"num_predict":1,"num\\u005fpredict":9}}',
      'body_unparsable',
    ],
    ['another spelling', '{"model":"llama","options":{"Num_Predict":990099}}', 'parameter_refused'],
    ['a text', '{"model":"llama","max_tokens":"990099"}', 'parameter_refused'],
    ['infinity', '{"model":"llama","max_tokens":1e400}', 'parameter_refused'],
    ['what is refused', '{"model":"llama","logit_bias":{"1":100}}', 'parameter_refused'],
    [
      'parameters in a text',
      '{"model":"llama","sampling_parameters":"{\\"max_tokens\\":9}"}',
      'parameter_refused',
    ],
    [
      'parameters in a batch',
      '{"model":"llama","requests":[{"max_tokens":990099}]}',
      'parameter_refused',
    ],
  ] as const)('is refused for %s', async (_, body, reason) => {
    const text = await refused(reason, json(body))
    expect(text).toContain('limits.yaml')
    expect(text).not.toContain('990099')
  })

  it.each([
    ['trailing garbage', '{"model":"llama","max_tokens":99}{"max_tokens":9}'],
    ['a repeated parameter', '{"model":"llama","max_tokens":1,"max_tokens":9999}'],
    ['a number that is none', '{"model":"llama","max_tokens":099}'],
  ])('is refused before it is decided for %s', async (_, body) => {
    await expectRefusal(world, await llm(json(body)), { reason: 'body_unparsable' })
  })

  it('is refused when a parameter is in the query', async () => {
    const parts = json('{"model":"llama"}')
    await refused('parameter_refused', { ...parts, target: `${TARGET}?max%5Ftokens=9` })
    await refused('parameter_refused', { ...parts, target: `${TARGET}?options[num_predict]=9` })
  })
})

describe('an answer under limits', () => {
  const chat = (model: string) => json({ model, messages: [] })
  const reply = (head: string, body: string) => `HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`

  it('is refused by the length it declares', async () => {
    answer = reply('Content-Type: application/json\r\nContent-Length: 65', ' '.repeat(65))
    const { responses } = await rawExchange(world.port, await llm(chat('small')))
    expect(responses[0]?.status).toBe(502)
    expect(responses[0]?.body.toString()).toContain('response_over_limit')
  })

  it('is cut when it turns out too long', async () => {
    const chunk = `20\r\n${'x'.repeat(32)}\r\n`
    answer = reply(
      'Content-Type: text/plain\r\nTransfer-Encoding: chunked',
      `${chunk.repeat(4)}0\r\n\r\n`,
    )
    const { raw, responses } = await rawExchange(world.port, await llm(chat('small')))
    const isWhole = responses.length > 0 && responses[0]?.status === 200
    expect(isWhole).toBe(false)
    expect(raw.toString().split('x'.repeat(32)).length - 1).toBeLessThanOrEqual(2)
    const record = await world.whenRecord(
      (one) => one.reason === 'response_over_limit' && one['status'] === 200,
    )
    expect(record).toMatchObject({ type: 'outcome', found: 'bytes', bytes_before: 64 })
  })

  it('leaves without the fields that must stay', async () => {
    const text = '{"choices":[{"prompt_logprobs":[-0.5],"text":"hi"}],"usage":{"total_tokens":3}}'
    answer = reply(`Content-Type: application/json\r\nContent-Length: ${text.length}`, text)
    const { responses } = await rawExchange(world.port, await llm(chat('secret')))
    expect(responses[0]?.body.toString()).toBe(
      '{"choices":[{"text":"hi"}],"usage":{"total_tokens":3}}',
    )
    expect(responses[0]?.header('x-modelgate-redacted')).toBe('prompt_logprobs')
    expect(responses[0]?.header('content-length')).toBeUndefined()
  })

  it('does not leave when it cannot be read', async () => {
    const text = '{"prompt_logprobs":[-0.5]'
    answer = reply(`Content-Type: application/json\r\nContent-Length: ${text.length}`, text)
    const { raw, responses } = await rawExchange(world.port, await llm(chat('secret')))
    expect(responses[0]?.status).toBe(502)
    expect(raw.toString()).not.toContain('-0.5')
    expect(raw.toString()).toContain('response_unredactable')
  })
})

describe('what is kept of limits', () => {
  it('is the duty in the record and what came of it in the metric', async () => {
    const changed = () =>
      world.metric('obligations_total', { type: 'parameter.cap', result: 'changed' })
    const before = await changed()
    answer = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
    await forwarded(json('{"model":"llama","max_tokens":99}'))
    expect(await changed()).toBe(before + 1)
    const record = await world.whenRecord((one) => one['obl'] !== undefined)
    expect(record['obl']).toContainEqual({
      type: 'parameter.cap',
      parameter: 'max_tokens',
      max: 16,
      add: true,
      src: 'limits.yaml:6',
    })
  })
})
