import { describe, expect, it } from '@jest/globals'
import type { ResponseGuard } from '../../../gateway/domain/ports.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { capBytes } from '../../../gateway/egress/guard/byte-cap.ts'
import { redactResponse } from '../../../gateway/egress/edit/redacted-response.ts'
import { createResponseGuard } from '../../../gateway/egress/guard/response-guard.ts'
import { createRedaction } from '../../../gateway/pep/obligations/redact-document.ts'
import { OPEN_GUARD } from '../../support/forward-gate.ts'

const FIELDS = ['prompt_logprobs', 'hidden_states']

function redacting(inner: ResponseGuard = OPEN_GUARD, bodyless = false): ResponseGuard {
  return redactResponse(inner, { fields: FIELDS, change: createRedaction(FIELDS), bodyless })
}

/** What leaves for `chunks` of a type, piece by piece; ends with the reason of a refusal. */
function through(type: string, chunks: readonly string[], guard = redacting()): string[] {
  const head = guard.head({ status: 200, headers: ['content-type', type] })
  if (isRefusal(head)) return [head.reason]
  const out: string[] = []
  for (const chunk of chunks) {
    const verdict = guard.chunk(Buffer.from(chunk))
    if (isRefusal(verdict)) return [...out, verdict.reason]
    out.push(Buffer.isBuffer(verdict) ? verdict.toString() : `${verdict}`)
  }
  const last = guard.end()
  return [...out, isRefusal(last) ? last.reason : (last?.toString() ?? '')]
}

const bytewise = (text: string) => Array.from(text)
const SECRET = '{"a":1,"prompt_logprobs":[1,{"b":2}],"c":{"hiddenStates":[[0.5]]}}'
const CLEAN = '{"a":1,"c":{}}'

describe('redaction of one JSON document', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'application/vnd.x+json'])(
    'waits for its end: %s',
    (type) => {
      expect(through(type, [SECRET.slice(0, 9), SECRET.slice(9)])).toEqual(['', '', CLEAN])
    },
  )

  it('leaves every byte of a clean one', () => {
    const text = ' {"n": 12345678901234567890, "t": "prompt_logprobs"}\n'
    expect(through('application/json', [text]).join('')).toBe(text)
    expect(through('application/json', [])).toEqual([''])
  })

  it.each([
    ['application/json', '{"prompt_logprobs":1'],
    ['application/json', `{"a":"${'x'.repeat(8 * 1024 * 1024)}"}`],
    ['application/json', '[1]\n[2]'],
    ['application/json; charset=utf-16', '{}'],
    ['text/plain', '{}'],
    ['application/octet-stream', '{}'],
    ['', '{}'],
  ])('lets nothing pass that it cannot read: %s', (type, text) => {
    const out = through(type, [text])
    expect(out.at(-1)).toBe('response_unredactable')
    expect(out.join('')).toBe('response_unredactable')
  })

  it('takes out tensors by their names', () => {
    const tensor = (name: string, more = '') => `{"name":"${name}","data":[0.5]${more}}`
    const nested = tensor('a', `,"outputs":[${tensor('hidden_states')}]`)
    const listed = [tensor('hidden_states'), nested, tensor('hidden\\u005fstates'), tensor('b')]
    const text = `{"name":"hidden_states","outputs":[${listed.join(', ')}]}`
    expect(through('application/json', [text]).join('')).toBe(
      `{"name":"hidden_states","outputs":[${tensor('a', ',"outputs":[]')}, ${tensor('b')}]}`,
    )
    const other = `{"tools":[{"name":"hidden_states"}],"outputs":{"name":"hidden_states"}}`
    expect(through('application/json', [other]).join('')).toBe(other)
  })

  it('says what is taken out, and nothing of the bytes that were', () => {
    const headers = ['content-type', 'application/json', 'content-length', '9', 'etag', '"x"']
    const head = redacting().head({ status: 200, headers: [...headers, 'x-a', 'b'] })
    expect(head).toEqual({
      status: 200,
      headers: [
        'content-type',
        'application/json',
        'x-a',
        'b',
        'x-modelgate-redacted',
        'prompt_logprobs, hidden_states',
      ],
    })
  })

  it('takes an answer without a body as it is', () => {
    const head = { status: 200, headers: ['content-type', 'text/plain', 'content-length', '7'] }
    expect(isRefusal(redacting().head(head))).toBe(true)
    expect(isRefusal(redacting(OPEN_GUARD, true).head(head))).toBe(false)
    expect(isRefusal(redacting().head({ ...head, status: 304 }))).toBe(false)
    expect(isRefusal(redacting().head({ status: 200, headers: ['content-length', '0'] }))).toBe(
      false,
    )
    const encoded = ['content-type', 'application/json', 'content-encoding', 'gzip']
    expect(isRefusal(redacting().head({ status: 200, headers: encoded }))).toBe(true)
  })
})

describe('redaction of events', () => {
  const STREAM = 'text/event-stream; charset=utf-8'

  it('lets each event go when it is whole', () => {
    const out = through(STREAM, [`data: ${SECRET}\n`, `\ndata: {"b":2}\n\nda`, 'ta: [DONE]\n\n'])
    expect(out).toEqual(['', `data: ${CLEAN}\n\ndata: {"b":2}\n\n`, 'data: [DONE]\n\n', ''])
  })

  it('lets an event that ends with CR LF go at once', () => {
    expect(through(STREAM, ['data: {}\r\n\r\n'])).toEqual(['data: {}\r\n\r\n', ''])
    expect(through(STREAM, ['data: {}\r\n\r', '\n', 'data: 1\r\r'])).toEqual([
      'data: {}\r\n\r',
      '\n',
      'data: 1\r\r',
      '',
    ])
  })

  it.each(['\n', '\r\n', '\r'])('gives the same however it is cut: %j', (eol) => {
    const lines = [
      'event: chunk',
      'id: 7',
      `data: ${SECRET}`,
      '',
      'data: {"x":',
      'data: 1}',
      '',
      'data: [DONE]',
      '',
      '',
    ]
    const text = lines.join(eol)
    const whole = through(STREAM, [text]).join('')
    expect(through(STREAM, bytewise(text)).join('')).toBe(whole)
    expect(whole).toBe(
      `event: chunk\nid: 7\ndata: ${CLEAN}\n\n${['data: {"x":', 'data: 1}', '', 'data: [DONE]', '', ''].join(eol)}`,
    )
  })

  it('joins the lines of one document', () => {
    const out = through(STREAM, ['data: {"a":\ndata: 1,\ndata: "prompt_logprobs":2}\n\n']).join('')
    expect(out).toBe('data: {"a":\ndata: 1}\n\n')
  })

  it('drops what comments say', () => {
    expect(through(STREAM, [': prompt_logprobs 0.5\n\n', ':\n\n']).join('')).toBe(':\n\n:\n\n')
  })

  it.each(['data: not json\n\n', 'data: {"a":\n\n', 'hidden_states: 1\n\n', '\ufeffdata: {}\n\n'])(
    'cuts what it cannot read: %j',
    (text) => {
      expect(through(STREAM, ['data: 1\n\n', text])).toEqual([
        'data: 1\n\n',
        'response_unredactable',
      ])
    },
  )

  it('reads an event that nothing ends', () => {
    expect(through(STREAM, [`data: ${SECRET}`]).join('')).toBe(`data: ${CLEAN}\n\n`)
    expect(through(STREAM, ['data: {"a"']).at(-1)).toBe('response_unredactable')
  })
})

describe('redaction of lines', () => {
  it('lets each line go when it is whole', () => {
    const out = through('application/x-ndjson', [`${SECRET}\n{"a"`, ':1}\n\n', SECRET])
    expect(out).toEqual([`${CLEAN}\n`, '{"a":1}\n\n', '', CLEAN])
  })

  it('cuts a line that is not JSON', () => {
    expect(through('application/x-ndjson', ['{}\nx\n'])).toEqual(['response_unredactable'])
  })
})

describe('guards around guards', () => {
  it('show the bytes of the upstream to the guard against weights first', () => {
    const weights = createResponseGuard({ mayExport: false })
    const text = '{"learner":{"prompt_logprobs":1}}'
    expect(through('application/json', [text], redacting(weights))).toEqual(['weights_detected'])
  })

  it('keep what the inner guard holds until it has judged', () => {
    let count = 0
    const holding: ResponseGuard = {
      ...OPEN_GUARD,
      chunk: () => (++count < 3 ? 'hold' : undefined),
    }
    expect(through('application/x-ndjson', ['{"a', '":1}\n', '{}\n'], redacting(holding))).toEqual([
      '',
      '',
      '{"a":1}\n{}\n',
      '',
    ])
  })

  it('count the bytes of the body and cut before one too many', () => {
    const cap = (bytesMax: number) => capBytes(OPEN_GUARD, { bytesMax, bodyless: false })
    expect(through('text/plain', ['abc', 'def'], cap(6))).toEqual(['undefined', 'undefined', ''])
    expect(through('text/plain', ['abc', 'def'], cap(5))).toEqual([
      'undefined',
      'response_over_limit',
    ])
    const guard = cap(5)
    const head = guard.head({ status: 200, headers: ['content-length', '6'] })
    expect(isRefusal(head) && head.reason).toBe('response_over_limit')
    const unchanged = cap(5).head({ status: 304, headers: ['content-length', '6'] })
    expect(isRefusal(unchanged)).toBe(false)
    const headOnly = capBytes(OPEN_GUARD, { bytesMax: 5, bodyless: true })
    expect(isRefusal(headOnly.head({ status: 200, headers: ['content-length', '6'] }))).toBe(false)
  })
})
