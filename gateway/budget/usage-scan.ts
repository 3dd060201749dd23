/** Finds what answers report of tokens, as they stream past. */

/** What a number counts. `added`: on top of what else is reported. */
type Part = 'input' | 'output' | 'total' | 'cacheRead' | 'cacheWrite' | 'thoughts'

/** Members of reports: OpenAI, Anthropic, Ollama, llama.cpp, TGI, Bedrock, Vertex, SGLang. */
const MEMBERS: ReadonlyMap<string, Part> = new Map<string, Part>([
  ['prompt_tokens', 'input'],
  ['input_tokens', 'input'],
  ['prompt_eval_count', 'input'],
  ['tokens_evaluated', 'input'],
  ['prompt_token_count', 'input'],
  ['promptTokenCount', 'input'],
  ['inputTokens', 'input'],
  ['inputTokenCount', 'input'],
  ['inputTextTokenCount', 'input'],
  ['completion_tokens', 'output'],
  ['output_tokens', 'output'],
  ['eval_count', 'output'],
  ['tokens_predicted', 'output'],
  ['generated_tokens', 'output'],
  ['generation_token_count', 'output'],
  ['candidatesTokenCount', 'output'],
  ['outputTokens', 'output'],
  ['outputTokenCount', 'output'],
  ['total_tokens', 'total'],
  ['totalTokens', 'total'],
  ['totalTokenCount', 'total'],
  ['cache_read_input_tokens', 'cacheRead'],
  ['cache_creation_input_tokens', 'cacheWrite'],
  ['thoughtsTokenCount', 'thoughts'],
])

/** Fields of heads: Bedrock, TGI. */
const FIELDS: ReadonlyMap<string, Part> = new Map<string, Part>([
  ['x-amzn-bedrock-input-token-count', 'input'],
  ['x-amzn-bedrock-output-token-count', 'output'],
  ['x-prompt-tokens', 'input'],
  ['x-generated-tokens', 'output'],
])

const MEMBER_CHARS_MAX = 32
const DIGITS_MAX = 15

const QUOTE = 0x22
const BACKSLASH = 0x5c
const LINE_FEED = 0x0a
const COLON = 0x3a

/**
 * Reads reports of use in JSON texts, one or many, however they are cut into pieces: documents,
 * lines, server-sent events. Only members are looked at, never texts: what a model says about tokens
 * stands within quotes there. Streams repeat reports that grow, so that of each number the largest
 * counts. Holds at most 32 characters.
 */
export class UsageScan {
  private readonly parts = new Map<Part, number>()
  /** A string is open. */
  private isText = false
  /** The last character of the piece before was an escape that counts. */
  private isEscaped = false
  /** Of the open string, as long as it may be a member; `undefined` when it cannot. */
  private text: string | undefined
  /** A member was named; its colon and number may follow. */
  private part: Part | undefined
  private hasColon = false
  private digits = ''

  /** Reads the head of the answer: pairs. */
  head(headers: readonly string[]): void {
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const part = FIELDS.get(headers[i] ?? '')
      const value = headers[i + 1] ?? ''
      if (part !== undefined && /^\d{1,15}$/.test(value)) this.note(part, Number(value))
    }
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.isText) at = this.throughText(chunk, at)
      else if (this.part !== undefined) at = this.throughNumber(chunk, at)
      else at = this.toText(chunk, at)
    }
  }

  /** Tokens reported so far; 0 when nothing is. */
  get tokens(): number {
    const of = (part: Part): number => this.parts.get(part) ?? 0
    const added = of('input') + of('output') + of('cacheRead') + of('cacheWrite') + of('thoughts')
    return Math.max(of('total'), added)
  }

  /** Forgets what was reported: what comes next is a report of its own. */
  reset(): void {
    this.parts.clear()
  }

  private toText(chunk: Buffer, at: number): number {
    const start = chunk.indexOf(QUOTE, at)
    if (start < 0) return chunk.length
    this.isText = true
    this.text = ''
    return start + 1
  }

  private throughText(chunk: Buffer, from: number): number {
    const end = this.endOfText(chunk, from)
    if (this.text !== undefined) this.text += chunk.toString('latin1', from, end)
    if (this.text !== undefined && this.text.length > MEMBER_CHARS_MAX) this.text = undefined
    if (end >= chunk.length) return end
    this.isText = false
    this.isEscaped = false
    const isWhole = chunk[end] === QUOTE && this.text !== undefined
    this.part = isWhole ? MEMBERS.get(this.text ?? '') : undefined
    this.hasColon = false
    this.digits = ''
    return end + 1
  }

  /**
   * Where the open text ends: at its quote, or at a line feed, which no JSON text has within quotes, so
   * that what was taken for a text was none.
   */
  private endOfText(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]
      if (byte === LINE_FEED) return at
      if (this.isEscaped) this.isEscaped = false
      else if (byte === BACKSLASH) this.isEscaped = true
      else if (byte === QUOTE) return at
      // A text this long is no member.
      if (at - from === MEMBER_CHARS_MAX) this.text = undefined
    }
    return chunk.length
  }

  private throughNumber(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      const isDigit = byte >= 0x30 && byte <= 0x39
      if (isDigit && this.hasColon && this.digits.length < DIGITS_MAX) {
        this.digits += String.fromCharCode(byte)
      } else if (byte === COLON && !this.hasColon) this.hasColon = true
      else if (!isSpace(byte) || this.digits !== '') {
        this.endNumber()
        return at
      }
    }
    return chunk.length
  }

  private endNumber(): void {
    if (this.part !== undefined && this.digits !== '') this.note(this.part, Number(this.digits))
    this.part = undefined
  }

  private note(part: Part, n: number): void {
    this.parts.set(part, Math.max(n, this.parts.get(part) ?? 0))
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}
