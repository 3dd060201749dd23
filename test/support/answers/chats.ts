/** Answers of language models: whole, as events, as lines. */
import { floatArray, latin, prose, randomOf } from './bytes.ts'
import { EXPLANATIONS, type Topic } from './explanations.ts'

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** What the assistant says. */
export interface Said {
  readonly characters?: number
  readonly seed?: number
  /** About a format of weights, in place of prose. */
  readonly about?: Topic
  readonly language?: 'en' | 'ru' | 'zh' | 'emoji'
}

const ALPHABETS = {
  en: '',
  ru: 'модель отвечает числом которое говорит насколько вероятен каждый класс ',
  zh: '模型用一个数字回答它说明每一类的可能性',
  emoji: '🙂👍🏽🚀 "\\ \t\u2028 ok ',
}

/** The text of a message. */
export function said({ characters = 200, seed = 1, about, language = 'en' }: Said): string {
  if (about !== undefined) return EXPLANATIONS[about]
  if (language === 'en') return prose(characters, seed)
  const alphabet = ALPHABETS[language]
  return alphabet.repeat(Math.ceil(characters / alphabet.length))
}

const usage = { prompt_tokens: 12, completion_tokens: 40, total_tokens: 52 }
const frame = { id: 'chatcmpl-9x', created: 1_760_000_000, model: 'llama' }

/** A chat completion. */
export function chat(
  options: Said & {
    readonly logprobs?: boolean
    readonly tools?: boolean
    readonly pretty?: boolean
  },
): Buffer {
  const content = said(options)
  const message = options.tools === true ? withTools() : { role: 'assistant', content }
  const choice = {
    index: 0,
    message,
    finish_reason: options.tools === true ? 'tool_calls' : 'stop',
    ...(options.logprobs === true ? { logprobs: { content: logprobsOf(content) } } : {}),
  }
  const answer = { ...frame, object: 'chat.completion', choices: [choice], usage }
  return Buffer.from(JSON.stringify(answer, null, options.pretty === true ? 2 : 0))
}

function withTools(): object {
  const call = (name: string, args: object) => ({
    id: `call_${name}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(args) },
  })
  const calls = [call('get_weather', { city: 'Oslo' }), call('load', { path: 'model.safetensors' })]
  return { role: 'assistant', content: null, tool_calls: calls }
}

function logprobsOf(content: string): object[] {
  return content.split(' ').map((token) => ({
    token,
    logprob: -0.031,
    bytes: [...Buffer.from(token)],
    top_logprobs: ['a', 'b', 'c'].map((other) => ({ token: other, logprob: -3.2, bytes: [97] })),
  }))
}

/** Server-sent events of a chat completion. */
export function chatEvents({
  tokens = 50,
  keepAlive = false,
  lineEnd = '\n',
  ...options
}: Said & {
  readonly tokens?: number
  readonly keepAlive?: boolean
  readonly lineEnd?: string
}): Buffer {
  const words = said({ characters: tokens * 6, ...options }).split(/(?<=[ \n])/)
  const event = (delta: object): string =>
    `data: ${JSON.stringify({ ...frame, object: 'chat.completion.chunk', choices: [{ index: 0, delta }] })}${lineEnd}${lineEnd}`
  const lines = words.map(
    (content) => event({ content }) + (keepAlive ? `: ping${lineEnd}${lineEnd}` : ''),
  )
  return Buffer.from(
    `${event({ role: 'assistant' })}${lines.join('')}data: [DONE]${lineEnd}${lineEnd}`,
  )
}

/** Events with names, as other APIs send them. */
export function namedEvents({ tokens = 30, seed = 1 } = {}): Buffer {
  const event = (type: string, data: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
  const words = prose(tokens * 6, seed).split(' ')
  return Buffer.from(
    event('message_start', { message: { role: 'assistant' } }) +
      words.map((text) => event('content_block_delta', { delta: { text } })).join('') +
      event('message_stop', {}),
  )
}

/** A text completion. */
export function completion(options: Said & { readonly count?: number }): Buffer {
  const choices = Array.from({ length: options.count ?? 1 }, (_, index) => ({
    index,
    text: said({ ...options, seed: index + 1 }),
    finish_reason: 'length',
  }))
  return json({ ...frame, object: 'text_completion', choices, usage })
}

/** Vectors, as numbers or in base64. */
export function embeddings({ count = 1, dimensions = 768, base64 = false, seed = 1 } = {}): Buffer {
  const data = Array.from({ length: count }, (_, index) => {
    const vector = floatArray(dimensions, seed + index)
    const embedding = base64 ? Buffer.from(vector.buffer).toString('base64') : [...vector]
    return { object: 'embedding', index, embedding }
  })
  return json({ object: 'list', data, model: 'embed', usage })
}

/** Vectors of text-embeddings-inference: arrays alone. */
export function bareVectors({ count = 4, dimensions = 384, seed = 1 } = {}): Buffer {
  return json(Array.from({ length: count }, (_, i) => [...floatArray(dimensions, seed + i)]))
}

/** Ranks and moderation. */
export function scores({ count = 20, seed = 1 } = {}): Buffer {
  const random = randomOf(seed)
  const results = Array.from({ length: count }, (_, index) => ({
    index,
    relevance_score: random(),
    document: { text: prose(80, index) },
  }))
  return json({ id: 'rerank-1', results, usage })
}

/** Pictures in base64, as image routes answer them. */
export function imageAnswer(picture: Buffer, { count = 1, dataUrl = false } = {}): Buffer {
  const text = picture.toString('base64')
  const one = dataUrl
    ? { url: `data:image/png;base64,${text}` }
    : { b64_json: text, revised_prompt: prose(60) }
  return json({ created: 1_760_000_000, data: Array.from({ length: count }, () => one) })
}

/** Sound in a chat message. */
export function audioAnswer(sound: Buffer): Buffer {
  const audio = { id: 'audio_1', data: sound.toString('base64'), transcript: prose(60) }
  const choice = { index: 0, message: { role: 'assistant', content: null, audio } }
  return json({ ...frame, object: 'chat.completion', choices: [choice], usage })
}

/** What was said in a recording. */
export function transcription({ segments = 10, format = 'verbose_json' } = {}): Buffer {
  const parts = Array.from({ length: segments }, (_, id) => ({
    id,
    start: id * 4,
    end: id * 4 + 4,
    text: prose(50, id + 1),
  }))
  const text = parts.map((one) => one.text).join(' ')
  if (format === 'json') return json({ text })
  if (format === 'text') return Buffer.from(`${text}\n`)
  const clock = (s: number): string => `00:00:${String(s).padStart(2, '0')}`
  const cues = parts.map(({ id, start, end, text: line }) => ({
    id,
    line,
    from: clock(start),
    to: clock(end),
  }))
  if (format === 'srt') {
    return Buffer.from(
      cues.map((c) => `${c.id + 1}\n${c.from},000 --> ${c.to},000\n${c.line}\n\n`).join(''),
    )
  }
  if (format === 'vtt') {
    return Buffer.from(
      `WEBVTT\n\n${cues.map((c) => `${c.from}.000 --> ${c.to}.000\n${c.line}\n\n`).join('')}`,
    )
  }
  return json({
    task: 'transcribe',
    language: 'english',
    duration: segments * 4,
    text,
    segments: parts,
  })
}

/** Ollama: a JSON object per line. */
export function ollamaLines({ tokens = 50, seed = 1, context = 0, thinking = false } = {}): Buffer {
  const at = '2026-01-01T00:00:00.000000Z'
  const line = (value: object): string =>
    `${JSON.stringify({ model: 'llama', created_at: at, ...value })}\n`
  const words = prose(tokens * 6, seed).split(' ')
  const last = {
    done: true,
    done_reason: 'stop',
    total_duration: 4_935_886_791,
    ...(context > 0
      ? { context: Array.from({ length: context }, (_, i) => (i * 7919) % 32_000) }
      : {}),
  }
  const say = (content: string): object =>
    thinking
      ? { message: { role: 'assistant', content: '', thinking: content } }
      : { response: content }
  return latin(words.map((word) => line({ ...say(`${word} `), done: false })).join('') + line(last))
}

/** An error of a model server. */
export function apiError({ status = 400, detail = 'max_tokens is too large' } = {}): Buffer {
  return json({
    error: { message: detail, type: 'invalid_request_error', param: null, code: status },
  })
}

/** The Responses API: output items of many kinds. */
export function responses(options: Said): Buffer {
  const output = [
    { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: null },
    {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      content: [{ type: 'output_text', text: said(options), annotations: [] }],
    },
  ]
  return json({ id: 'resp_1', object: 'response', status: 'completed', output, usage })
}
