/** The client library that applications use, under limits: what the model server really received. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import OpenAI from 'openai'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'

const MODEL = 'meta-llama/Llama-3-8B'
const MESSAGES = [{ role: 'user' as const, content: 'Say hello' }]

const LIMITS = `limits:
  applications:
    description: Short answers, one at a time, and no look at the probabilities.
    except: [role:reader]
    parameters:
      max_tokens: { max: 64, add: true }
      n: { max: 1 }
      logprobs: strip
      top_logprobs: strip
      logit_bias: refuse
    response:
      redact: [prompt_logprobs]
`

/** Bodies as the model server received them. */
const received: Record<string, unknown>[] = []

const choice = { index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }
const chunk = (content: string) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: MODEL,
  prompt_logprobs: [null, -0.25],
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
})

function vllm(request: IncomingMessage, response: ServerResponse): void {
  let body = ''
  request.on('data', (part: Buffer) => (body += part.toString()))
  request.on('end', () => {
    const asked = JSON.parse(body) as Record<string, unknown>
    received.push(asked)
    if (asked['stream'] === true) {
      const events = [chunk('one'), chunk('two')].map((one) => `data: ${JSON.stringify(one)}\n\n`)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`${events.join('')}data: [DONE]\n\n`)
      return
    }
    const answer = { id: 'c', object: 'chat.completion', created: 1, model: MODEL }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ ...answer, prompt_logprobs: [null, -0.25], choices: [choice] }))
  })
}

let world: BuiltWorld
beforeAll(async () => {
  world = await startBuiltWorld({
    handler: vllm,
    upstreams: [{ name: 'llm', pack: 'vllm' }],
    rules: { 'limits.yaml': LIMITS },
  })
}, 30_000)
afterAll(() => world.close())

async function client(...roles: string[]): Promise<OpenAI> {
  const apiKey = await world.token(roles)
  return new OpenAI({ baseURL: `${world.url}/v1`, apiKey, maxRetries: 0, timeout: 10_000 })
}

describe('the openai client under limits', () => {
  it('asks for more than it may, and gets what it may', async () => {
    const openai = await client('inference')
    const answer = await openai.chat.completions.create({
      model: MODEL,
      messages: MESSAGES,
      max_completion_tokens: 4_096,
      n: 5,
      logprobs: true,
      top_logprobs: 20,
      temperature: 0.5,
    })
    expect(answer.choices[0]?.message.content).toBe('hello')
    expect(answer).not.toHaveProperty('prompt_logprobs')
    expect(received.at(-1)).toEqual({
      model: MODEL,
      messages: MESSAGES,
      max_completion_tokens: 64,
      n: 1,
      temperature: 0.5,
    })
  })

  it('gets a length where it asks for none, also of a stream', async () => {
    const openai = await client('inference')
    const stream = await openai.chat.completions.create({
      model: MODEL,
      messages: MESSAGES,
      stream: true,
    })
    const parts = []
    for await (const part of stream) parts.push(part)
    expect(parts.map(({ choices }) => choices[0]?.delta.content)).toEqual(['one', 'two'])
    for (const part of parts) expect(part).not.toHaveProperty('prompt_logprobs')
    expect(received.at(-1)).toMatchObject({ max_tokens: 64, stream: true })
  })

  it('is told which parameter it may not send', async () => {
    const openai = await client('inference')
    const before = received.length
    const body = { model: MODEL, messages: MESSAGES, logit_bias: { '50256': -100 } }
    const error: unknown = await openai.chat.completions.create(body).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError)
    expect(error).toMatchObject({
      code: 'parameter_refused',
      message: expect.stringContaining('logit_bias is not allowed here') as unknown,
    })
    expect(received).toHaveLength(before)
  })

  it('is not limited where its role is exempt', async () => {
    const openai = await client('inference', 'reader')
    const answer = await openai.chat.completions.create({
      model: MODEL,
      messages: MESSAGES,
      max_completion_tokens: 4_096,
    })
    expect(answer).toHaveProperty('prompt_logprobs')
    expect(received.at(-1)).toMatchObject({ max_completion_tokens: 4_096 })
  })
})
