// OpenAI's client for JavaScript. A JSON object per line in, one out.
import { createInterface } from 'node:readline'
import OpenAI from 'openai'

const messages = [{ role: 'user', content: 'Say hello' }]

const flows = {
  chat: async (client, { model }) => {
    const answer = await client.chat.completions.create({ model, messages })
    return answer.choices[0].message.content
  },
  stream: async (client, { model }) => {
    let text = ''
    const parts = await client.chat.completions.create({ model, messages, stream: true })
    for await (const part of parts) text += part.choices[0].delta.content ?? ''
    return text
  },
  models: async (client, { model }) => {
    const names = (await client.models.list()).data.map(({ id }) => id).sort()
    if (!names.includes(model)) throw new Error(`${model} is not listed`)
    return names
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  const client = new OpenAI({ baseURL: `${asked.url}/v1`, apiKey: asked.token, maxRetries: 0 })
  const answer = await flows[asked.flow](client, asked)
    .then((value) => ({ ok: true, text: JSON.stringify(value) }))
    .catch((error) => ({ ok: false, text: `${error.name}: ${error.message}` }))
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
