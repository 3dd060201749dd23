/** What is tagged never leaves, however the answer nests, is spelt and is cut; the rest stays. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isRefusal } from '../../gateway/domain/refusal.ts'
import { redactResponse } from '../../gateway/egress/edit/redacted-response.ts'
import { editClasses } from '../../gateway/pep/classes/class-edit.ts'
import { rulesOf, TOKENS, treat } from '../support/classes.ts'

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

const SECRET = 'S3CRET'
const TAGGED = ['email', 'Email', 'e_mail', 'E-MAIL']

const leaf = fc.oneof(
  fc.constant(SECRET),
  fc.string(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
  fc.boolean(),
  fc.constant(null),
)
const key = fc.oneof(fc.constantFrom(...TAGGED), fc.constantFrom('a', 'rows', 'data', 'columns'))
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(key, tie('json'), { maxKeys: 4 }),
  ),
}))

/** The document with the secret nowhere but below tagged keys. */
function withoutSecret(value: Json): Json {
  if (value === SECRET) return 'plain'
  if (Array.isArray(value)) return value.map(withoutSecret)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  return Object.fromEntries(
    entries.map(([name, one]) => [name, TAGGED.includes(name) ? one : withoutSecret(one)]),
  )
}

function masked(value: Json): Json {
  if (typeof value === 'string') return '***'
  return Array.isArray(value) ? value.map(masked) : null
}

/** What must become of it. */
function expected(value: Json): Json {
  if (Array.isArray(value)) return value.map(expected)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  return Object.fromEntries(
    entries.map(([name, one]) => [name, TAGGED.includes(name) ? masked(one) : expected(one)]),
  )
}

/** As it is written with every letter of every key escaped. */
function escaped(text: string): string {
  return text.replace(/[Ee][-_]?[Mm][Aa][Ii][Ll](?=":)/g, (name) =>
    Array.from(name, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  )
}

describe('a tagged path', () => {
  it('is masked wherever it leads; every other byte is as it was', () => {
    fc.assert(
      fc.property(json, fc.integer({ min: 0, max: 3 }), (value, indent) => {
        const document = withoutSecret(value)
        const { text } = treat(JSON.stringify(document, null, indent), { '$..email': 'mask' })
        expect(text).toBe(JSON.stringify(expected(document), null, indent))
        expect(text).not.toContain(SECRET)
      }),
      { numRuns: 500 },
    )
  })

  it('is found when its name is escaped', () => {
    fc.assert(
      fc.property(json, fc.constantFrom('mask', 'remove', 'tokenise'), (value, how) => {
        const text = escaped(JSON.stringify(withoutSecret(value)))
        expect(treat(text, { '$..email': how }).text).not.toContain(SECRET)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a tagged name', () => {
  it('leaves nothing behind in any document that passes', () => {
    fc.assert(
      fc.property(json, fc.constantFrom('mask', 'remove', 'generalise:year'), (value, how) => {
        const { text } = treat(JSON.stringify(withoutSecret(value)), { email: how })
        expect(text ?? '').not.toContain(SECRET)
        if (text !== undefined) JSON.parse(text)
      }),
      { numRuns: 500 },
    )
  })
})

describe('an answer in pieces', () => {
  const types = {
    'application/json': ([one = null]: readonly Json[]) => JSON.stringify(one),
    'application/x-ndjson': (all: readonly Json[]) =>
      all.map((one) => `${JSON.stringify(one)}\n`).join(''),
    'text/event-stream': (all: readonly Json[]) =>
      all.map((one) => `id: 1\ndata: ${JSON.stringify(one)}\n\n`).join(''),
  } as const

  it('leaves the same, wherever it is cut', () => {
    const rules = rulesOf({ '$..email': 'mask' })
    const change = (document: Buffer) =>
      editClasses(document, rules, { tokens: TOKENS, onTreated: () => undefined, isPart: false })
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(types) as (keyof typeof types)[])),
        fc.array(json, { minLength: 1, maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
        (type, values, sizes) => {
          const documents = values.map(withoutSecret)
          const whole = Buffer.from(types[type](documents))
          const guard = redactResponse(
            { head: (head) => head, chunk: () => undefined, end: () => undefined },
            { fields: ['c'], change, bodyless: false },
          )
          guard.head({ status: 200, headers: ['content-type', type] })
          const out: Buffer[] = []
          for (let [at, turn] = [0, 0]; at < whole.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1
            const left = guard.chunk(Buffer.from(whole.subarray(at, at + size)))
            if (Buffer.isBuffer(left)) out.push(left)
            at += size
          }
          const last = guard.end()
          expect(isRefusal(last)).toBe(false)
          if (Buffer.isBuffer(last)) out.push(last)
          expect(Buffer.concat(out).toString()).toBe(types[type](documents.map(expected)))
        },
      ),
      { numRuns: 300 },
    )
  })
})
