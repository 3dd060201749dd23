import { beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { scanJson } from '../../gateway/authn/json-scan.ts'
import {
  bench,
  forge,
  goodClaims,
  makeKey,
  type Bench,
  type TestKey,
} from '../unit/authn/support.ts'

const ALGORITHMS = ['ES256', 'RS256', 'EdDSA'] as const
const benches = new Map<string, { b: Bench; key: TestKey; token: string }>()

beforeAll(async () => {
  for (const alg of ALGORITHMS) {
    const key = makeKey(alg, 'k1')
    const b = await bench([key], {}, { cacheEntriesMax: 10 })
    benches.set(alg, { b, key, token: forge(key) })
  }
})

/** The verdict, with time moved on while a lookup of an unknown kid waits. */
const verdict = async (b: Bench, token: string): Promise<string> => {
  const answer = b.verdict(token)
  const waiting = new Promise((resolve) => setTimeout(resolve, 20, 'waiting'))
  if ((await Promise.race([answer, waiting])) === 'waiting') await b.time.advance(2_000)
  return answer
}

describe('a valid token with one character changed', () => {
  it('is refused, wherever and whatever the change, cached or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ALGORITHMS),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        async (alg, position, code) => {
          const { b, token } = benches.get(alg) as { b: Bench; token: string }
          const at = position % token.length
          const mutated = token.slice(0, at) + String.fromCharCode(code) + token.slice(at + 1)
          fc.pre(mutated !== token)
          expect(await verdict(b, token)).toBe('user:corp/alice')
          expect(await verdict(b, mutated)).toMatch(/^authn_/)
        },
      ),
      { numRuns: 400 },
    )
  }, 60_000)

  it('is refused with a character removed or inserted', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.constantFrom('', 'A', '=', '.', ' '),
        async (position, text) => {
          const { b, token } = benches.get('EdDSA') as { b: Bench; token: string }
          const at = position % token.length
          const mutated = token.slice(0, at) + text + token.slice(text === '' ? at + 1 : at)
          expect(await verdict(b, mutated)).toMatch(/^authn_/)
        },
      ),
      { numRuns: 200 },
    )
  }, 60_000)
})

describe('arbitrary credentials', () => {
  it('are refused, never an exception', async () => {
    const { b } = benches.get('EdDSA') as { b: Bench }
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.base64String().map((s) => `Bearer ${s}.${s}.${s}`),
        ),
        async (authorization) => {
          expect(await b.check(authorization)).toMatchObject({ outcome: 'refused' })
        },
      ),
      { numRuns: 500 },
    )
  })

  it('signed claims of any JSON shape are a subject or a refusal, never an exception', async () => {
    const { b, key } = benches.get('EdDSA') as { b: Bench; key: TestKey }
    const names = [
      'sub',
      'aud',
      'iat',
      'exp',
      'nbf',
      'jti',
      'amr',
      'acr',
      'scope',
      'groups',
      'roles',
    ]
    const changes = fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 3 }))
    await fc.assert(
      fc.asyncProperty(changes, async (change) => {
        const result = await b.verdict(forge(key, { ...goodClaims(), ...change }))
        expect(result).toMatch(/^(user:corp\/|authn_)/)
        expect(result).not.toBe('authn_signature')
      }),
      { numRuns: 300 },
    )
  })
})

describe('scanJson', () => {
  it('agrees with JSON.parse on every document without repeated names', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        expect(scanJson(text, { depthMax: 20, membersMax: 10_000 })).toEqual({
          ok: true,
          value: JSON.parse(text) as unknown,
        })
      }),
    )
  })

  it('accepts nothing that JSON.parse refuses', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            '{',
            '}',
            '[',
            ']',
            '"',
            ',',
            ':',
            '\\',
            'u',
            '1',
            'e',
            '0',
            'a',
            ' ',
          ),
        }),
        (text) => {
          const scanned = scanJson(text, { depthMax: 20, membersMax: 10_000 })
          if (scanned.ok) expect(JSON.parse(text)).toEqual(scanned.value)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('finds one repeated name in any object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (object) => {
        const name = JSON.stringify(Object.keys(object)[0])
        const text = `${JSON.stringify(object).slice(0, -1)},${name}:0}`
        const scanned = scanJson(text, { depthMax: 20, membersMax: 10_000 })
        expect(scanned).toEqual({ ok: false, fault: 'duplicate' })
      }),
    )
  })
})
