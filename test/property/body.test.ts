/** Bodies in pieces: wherever they are cut, they say the same; and what a strict reader reads. */
import { Buffer } from 'node:buffer'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { compileFieldTree } from '../../gateway/classify/body/body-fields.ts'
import type { BodyScanner } from '../../gateway/classify/body/body-scanner.ts'
import { JsonBodyScanner } from '../../gateway/classify/body/json-fields.ts'
import { multipartScanner } from '../../gateway/classify/body/multipart.ts'
import { NdjsonScanner } from '../../gateway/classify/body/ndjson.ts'
import { UrlencodedScanner } from '../../gateway/classify/body/urlencoded.ts'
import { isRefusal } from '../../gateway/domain/refusal.ts'
import { foldFieldName } from '../../gateway/classify/names.ts'
import { readForm, readJson, readPairs } from '../support/strict-readers.ts'

const TREE = compileFieldTree(['model', 'run_id', 'x.model', 'a[].model', 'a[].b[].c', '[].id'])
const WANTED = new Map([['model', 'model']])
const TYPE = 'multipart/form-data; boundary=xx'

const SCANNERS: Record<string, () => BodyScanner> = {
  json: () => new JsonBodyScanner(TREE),
  ndjson: () => new NdjsonScanner(TREE),
  urlencoded: () => new UrlencodedScanner(WANTED),
  multipart: () => formScanner(),
}

function formScanner(): BodyScanner {
  const scanner = multipartScanner(TYPE, WANTED)
  if (isRefusal(scanner)) throw new Error('no scanner')
  return scanner
}

/** What a scanner makes of pieces: the reason of its refusal, or all it found. */
function verdict(scanner: BodyScanner, pieces: readonly Buffer[]): unknown {
  for (const piece of pieces) {
    const said = scanner.push(piece)
    if (isRefusal(said)) return said.reason
  }
  const end = scanner.end()
  return isRefusal(end) ? end.reason : { body: [...scanner.body], form: [...scanner.form] }
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = cuts.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b)
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length))
}

const cuts = fc.array(fc.nat(400), { maxLength: 12 })

const JSON_BITS = [
  ...'{}[]",:\\ \n'.split(''),
  ...['"model":', '"m"', '"\\u006dodel":"x"', '{"model":"a"}', '{"a":[{"model":1}', '"Model":1'],
  ...[
    'null',
    'true',
    '-1.5e+3',
    '01',
    '"é€😀"',
    '\ud83d',
    '"\\ud800"',
    '"a":',
    '[]',
    '{}',
    '\u2028',
  ],
]
const FORM_BITS = [
  ...['--xx\r\n', '--xx--\r\n', '\r\n', '--xx', '--', '\r', '\n', 'a', '\r\n\r\n', 'é', '-', 'x'],
  ...['--xx\r\nContent-Disposition: form-data; name="model"\r\n\r\n', 'llama\r\n', 'name="model"'],
  ...['--xx\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n\r\n', '--xx--'],
]
const PAIR_BITS = ['model', '=', '&', '%6d', '%', '+', 'a', ';', 'é', '%C3%A9', '%ff', 'Model', 'm']
const LINE_BITS = [
  '{"model":"a"}',
  '{"model":"b","a":[]}',
  '\n',
  '\r\n',
  '\r',
  ' ',
  '{}',
  '{"x":\n1}',
  '\u2028',
  '[]',
]

const joined = (bits: readonly string[], maxLength: number) =>
  fc.array(fc.constantFrom(...bits), { maxLength }).map((parts) => Buffer.from(parts.join('')))

describe('a body cut anywhere says what it says whole', () => {
  const bodies: [string, fc.Arbitrary<Buffer>][] = [
    [
      'json',
      fc.oneof(
        joined(JSON_BITS, 16),
        fc.json().map((text) => Buffer.from(text)),
      ),
    ],
    ['ndjson', joined([...LINE_BITS, ...JSON_BITS], 10)],
    ['urlencoded', joined(PAIR_BITS, 16)],
    ['multipart', joined(FORM_BITS, 14)],
    ['json', fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))],
  ]

  it.each(bodies)('%s', (kind, body) => {
    const create = SCANNERS[kind] ?? (() => new JsonBodyScanner(TREE))
    fc.assert(
      fc.property(body, cuts, (bytes, at) => {
        const whole = verdict(create(), [bytes])
        expect(verdict(create(), cut(bytes, at))).toEqual(whole)
        const single = [...bytes].map((byte) => Buffer.of(byte))
        expect(verdict(create(), single)).toEqual(whole)
      }),
      { numRuns: 1500 },
    )
  })
})

describe('what is read is what a strict reader reads', () => {
  const member = fc.constantFrom('model', 'x', 'y', 'run_id', '\\u006dodel', 'modeL')
  const json = fc.letrec<{ value: string; object: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.jsonValue({ maxDepth: 1 }).map((value) => JSON.stringify(value)),
      tie('object'),
    ),
    object: fc
      .array(fc.tuple(member, tie('value')), { maxLength: 4 })
      .map((entries) => `{${entries.map(([key, value]) => `"${key}" :${value}`).join(', ')}}`),
  })).object

  it('of JSON', () => {
    const tree = compileFieldTree(['model', 'x.model'])
    fc.assert(
      fc.property(json, cuts, (text, at) => {
        const scanner = new JsonBodyScanner(tree)
        const said = verdict(scanner, cut(Buffer.from(text), at))
        const strict = readJson(text, foldFieldName)
        // Keys that fold alike at the top, or in the one object looked into, are refused.
        if (strict === undefined) expect(said).toBe('body_unparsable')
        else if (typeof said === 'object') {
          const { model } = strict
          const found = scanner.body.get('model')
          if (typeof model === 'string') expect(found).toEqual({ kind: 'string', text: model })
          else if (typeof model === 'number') expect(found?.kind).toBe('number')
          else expect(found?.kind).toBe((model ?? null) === null ? undefined : 'other')
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('of a multipart form', () => {
    const name = fc.constantFrom('model', 'file', 'a b', 'x[]')
    const value = fc.stringMatching(/^[a-z\r\n-]{0,12}$/)
    const part = fc.record({ name, value, file: fc.boolean(), type: fc.boolean() })
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), cuts, (parts, at) => {
        const text = parts.map((one) => {
          const file = one.file ? '; filename="é.wav"' : ''
          const type = one.type ? '\r\nContent-Type: text/plain; charset=UTF-8' : ''
          const head = `Content-Disposition: form-data; name="${one.name}"${file}${type}`
          return `--xx\r\n${head}\r\n\r\n${one.value}\r\n`
        })
        const body = Buffer.from(`${text.join('')}--xx--\r\n`)
        const strict = readForm(body.toString('latin1'), 'xx')
        const models = strict.filter((one) => one.name === 'model')
        const said = verdict(formScanner(), cut(body, at))
        if (models.length > 1 || models.some(({ isFile }) => isFile)) {
          expect(said).toBe('model_conflict')
        } else {
          expect(said).toEqual({ body: [], form: models.map((one) => ['model', one.value]) })
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('of an urlencoded form', () => {
    const text = fc.oneof(
      fc.constantFrom('model', 'Model', 'x'),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), cuts, (pairs, at) => {
        const body = new URLSearchParams(pairs).toString()
        const said = verdict(new UrlencodedScanner(WANTED), cut(Buffer.from(body), at))
        const read = readPairs(body)
        const models = read.filter(([name]) => foldFieldName(name) === 'model')
        if (read.some(([name]) => name.includes('\0'))) expect(typeof said).toBe('string')
        else if (models.length > 1 || models.some(([name]) => name !== 'model')) {
          expect(said).toBe('model_conflict')
        } else expect(said).toEqual({ body: [], form: models })
      }),
      { numRuns: 1000 },
    )
  })

  it('of lines', () => {
    const line = fc.constantFrom(
      '{"model":"a"}',
      '{"model": 1}',
      '{"x":"{\\"model\\":2}"}',
      ' ',
      '',
    )
    const end = fc.constantFrom('\n', '\r\n')
    fc.assert(
      fc.property(fc.array(fc.tuple(line, end), { maxLength: 6 }), cuts, (lines, at) => {
        const text = lines.map((one) => one.join('')).join('')
        const scanner = new NdjsonScanner(compileFieldTree(['model']))
        expect(typeof verdict(scanner, cut(Buffer.from(text), at))).toBe('object')
        const read = text
          .split('\n')
          .filter((one) => one.trim() !== '')
          .map((one) => (JSON.parse(one) as { model?: string | number }).model)
        const found = scanner.body.get('model')
        const items = found?.kind === 'list' ? found.items : []
        expect(items.map((one) => ('text' in one ? one.text : undefined))).toEqual(
          read.map((one) => (one === undefined ? undefined : String(one))),
        )
      }),
      { numRuns: 500 },
    )
  })
})
