/** The client library that applications use, unchanged, through the gateway. */
import { writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import OpenAI from 'openai'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'

const MODEL = 'meta-llama/Llama-3-8B'
const MESSAGES = [{ role: 'user' as const, content: 'Say hello' }]
const UPSTREAM_KEY = 'the-key-of-vllm'

/** Set while a stream waits for its client. */
let release: (() => void) | undefined

const chunk = (content: string) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: MODEL,
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  })}\n\n`

const COMPLETION = {
  id: 'chatcmpl-2',
  object: 'chat.completion',
  created: 1,
  model: MODEL,
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
}

/** As vLLM answers: a list of models, a completion, a stream that ends with [DONE]. */
function vllm(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.authorization !== `Bearer ${UPSTREAM_KEY}`) {
    response.writeHead(401).end()
    return
  }
  const json = (value: unknown) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  if (request.url === '/v1/models') {
    json({ object: 'list', data: [{ id: MODEL, object: 'model', created: 1, owned_by: 'vllm' }] })
    return
  }
  let body = ''
  request.on('data', (part: Buffer) => (body += part.toString()))
  request.on('end', () => {
    if (!body.includes('"stream":true')) return void json(COMPLETION)
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk('one'))
    release = () => response.end(`${chunk('two')}data: [DONE]\n\n`)
  })
}

let world: BuiltWorld
beforeAll(async () => {
  world = await startBuiltWorld({
    handler: vllm,
    upstreams: [{ name: 'llm', pack: 'vllm', credential: { value_file: 'upstream-key' } }],
    prepare: ({ dir }) =>
      writeFile(join(dir, 'upstream-key'), `${UPSTREAM_KEY}\n`, { mode: 0o600 }),
  })
}, 30_000)
afterAll(() => world.close())

const client = (apiKey: string) =>
  new OpenAI({ baseURL: `${world.url}/v1`, apiKey, maxRetries: 0, timeout: 10_000 })

/** The error of a call that must fail. */
async function failure(call: PromiseLike<unknown>): Promise<unknown> {
  try {
    await call
  } catch (error) {
    return error
  }
  throw new Error('the call succeeded')
}

describe('the openai client', () => {
  it('lists models', async () => {
    const models = await client(await world.token(['reader'])).models.list()
    expect(models.data.map(({ id }) => id)).toEqual([MODEL])
  })

  it('completes a chat, with the credential of the upstream in the place of its own', async () => {
    const answer = await client(await world.token(['inference'])).chat.completions.create({
      model: MODEL,
      messages: MESSAGES,
    })
    expect(answer.choices[0]?.message.content).toBe('hello')
    const record = await world.whenRecord(({ path }) => path === '/v1/chat/completions')
    expect(record).toMatchObject({ ops: [{ act: 'infer', res: `model:${MODEL}` }] })
    expect(JSON.stringify(await world.records())).not.toContain('Say hello')
  })

  it('gets each event of a stream before the upstream sends the next', async () => {
    const stream = await client(await world.token(['inference'])).chat.completions.create({
      model: MODEL,
      messages: MESSAGES,
      stream: true,
    })
    const texts: string[] = []
    for await (const part of stream) {
      texts.push(part.choices[0]?.delta.content ?? '')
      // The second event is not sent before the first has come through.
      release?.()
      release = undefined
    }
    expect(texts).toEqual(['one', 'two'])
  })
})

describe('a refusal, as the openai client shows it', () => {
  const chat = (token: string, model = MODEL) =>
    client(token).chat.completions.create({ model, messages: MESSAGES })

  it('is an AuthenticationError for a token that is not accepted', async () => {
    const before = world.upstream.requests.length
    const error = await failure(chat('not-a-token'))
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(error).toMatchObject({
      status: 401,
      code: 'authn_malformed',
      type: 'authentication_error',
      message: expect.stringContaining('The credentials are malformed') as unknown,
    })
    expect(world.upstream.requests).toHaveLength(before)
  })

  it('is a PermissionDeniedError that says what to do', async () => {
    const before = world.upstream.requests.length
    const error = await failure(chat(await world.token(['reader'])))
    expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError)
    expect(error).toMatchObject({ status: 403, code: 'no_rule', type: 'permission_error' })
    const { message, error: body } = error as InstanceType<typeof OpenAI.APIError>
    expect(message).toContain('Ask its owner for the permission.')
    const { decision_id: id } = body as { decision_id: string }
    expect(message).toContain(id)
    expect(await world.whenRecord((record) => record.id === id)).toMatchObject({
      effect: 'deny',
      reason: 'no_rule',
      sub: 'user:dev/alice',
    })
    expect(world.upstream.requests).toHaveLength(before)
  })

  it('is a PermissionDeniedError for a route that is not mapped', async () => {
    const token = await world.token(['reader', 'inference'])
    const error = await failure(client(token).get('/internal/dump'))
    expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError)
    expect(error).toMatchObject({ code: 'unclassified' })
  })

  it('is a BadRequestError for a body that cannot be read', async () => {
    const token = await world.token(['inference'])
    const error = await failure(client(token).post('/chat/completions', { body: { messages: [] } }))
    expect(error).toBeInstanceOf(OpenAI.BadRequestError)
    expect(error).toMatchObject({ code: 'model_missing' })
  })
})
