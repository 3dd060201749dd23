/** A server that answers as vLLM does: a list of models, completions, streams that end with [DONE]. */
import type { IncomingMessage, ServerResponse } from 'node:http'

const CREATED = 1_700_000_000

/** Answers for these models. */
export function modelServer(models: readonly string[]) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const json = (value: unknown) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (request.url === '/v1/models') {
      const data = models.map((id) => ({ id, object: 'model', created: CREATED, owned_by: 'vllm' }))
      json({ object: 'list', data })
      return
    }
    if (request.method !== 'POST') {
      response.writeHead(404).end()
      return
    }
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => {
      const { model, stream } = JSON.parse(body) as { model: string; stream?: boolean }
      if (stream !== true) return void json(completion(model))
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const content of ['hel', 'lo']) response.write(chunk(model, content))
      response.end('data: [DONE]\n\n')
    })
  }
}

function completion(model: string): object {
  const message = { role: 'assistant', content: 'hello' }
  const choices = [{ index: 0, message, finish_reason: 'stop' }]
  return { id: 'chatcmpl-1', object: 'chat.completion', created: CREATED, model, choices }
}

function chunk(model: string, content: string): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }]
  const id = 'chatcmpl-2'
  const event = { id, object: 'chat.completion.chunk', created: CREATED, model, choices }
  return `data: ${JSON.stringify(event)}\n\n`
}
