import { Buffer } from 'node:buffer'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { compileFieldTree } from '../../gateway/classify/body/body-fields.ts'
import { readJsonFields } from '../../gateway/classify/body/json-fields.ts'
import { createMatcher } from '../../gateway/classify/pack/matcher.ts'
import {
  compareSpecificity,
  matchesSegment,
  overlaps,
  parsePattern,
  type RoutePattern,
} from '../../gateway/classify/pack/pattern.ts'
import { parseHost, parseRequestTarget } from '../../gateway/classify/target/request-target.ts'
import { isRefusal } from '../../gateway/domain/refusal.ts'

const LIMITS = {
  targetBytesMax: 512,
  segmentsMax: 32,
  segmentBytesMax: 128,
  queryParametersMax: 16,
}

const piece = fc.constantFrom(
  ...['/', '//', '.', '..', '%2e', '%2F', '%25', '%20', '%C3%A9', '%c0', '%', ';', '#', '?', '\\'],
  ...['a', 'Z', '0', ':', '@', '&', '=', ' ', '\t', '\u00e9', '%41', '%0a', '%25%32', '{', '~'],
)
const target = fc.oneof(
  fc.array(piece, { maxLength: 24 }).map((pieces) => `/${pieces.join('')}`),
  fc.string({ unit: 'binary', maxLength: 64 }),
  fc.webPath().map((path) => `/${path}`),
)

describe('a request target', () => {
  it('is refused, or is what was received, byte for byte', () => {
    fc.assert(
      fc.property(target, (raw) => {
        const parsed = parseRequestTarget(raw, LIMITS)
        if (isRefusal(parsed)) return
        const query = parsed.query === undefined ? '' : `?${parsed.query}`
        expect(parsed.path + query).toBe(raw)
        expect(parsed.path.slice(1).split('/').map(decodeURIComponent)).toEqual(parsed.segments)
      }),
      { numRuns: 2000 },
    )
  })

  it('means the same to a parser that resolves dots and to one that decodes twice', () => {
    fc.assert(
      fc.property(target, (raw) => {
        const parsed = parseRequestTarget(raw, LIMITS)
        if (isRefusal(parsed)) return
        const url = new URL(`http://gateway${raw}`)
        expect(url.host).toBe('gateway')
        expect(decodeURIComponent(url.pathname)).toBe(decodeURIComponent(parsed.path))
        for (const segment of parsed.segments) {
          expect(segment).not.toMatch(/[/\\;\p{Cc}]|%[0-9a-f]{2}|^\.{1,2}$/iu)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a host', () => {
  it('is refused, or is what a URL parser reads', () => {
    const label = fc.constantFrom('a', 'B-c', '0', '127', '::1', '[::1]', '_x', '-', '', '@', '%41')
    const host = fc
      .tuple(
        fc.array(label, { maxLength: 4 }),
        fc.constantFrom('', ':1', ':80', ':x', ':99999', '/'),
      )
      .map(([labels, end]) => labels.join('.') + end)
    fc.assert(
      fc.property(fc.oneof(host, fc.domain(), fc.ipV4(), fc.string({ maxLength: 20 })), (raw) => {
        const parsed = parseHost(raw)
        if (isRefusal(parsed)) return
        const port = parsed.port === undefined ? '' : `:${parsed.port}`
        expect(new URL(`http://${raw}/`).host).toBe(new URL(`http://${parsed.host}${port}/`).host)
        expect(new URL(`http://${raw}/`).hostname).toBe(parsed.host)
      }),
      { numRuns: 1000 },
    )
  })
})

const word = fc.constantFrom('a', 'b', 'ab', 'x:go', 'x:stop')
const patternSegment = fc.oneof(
  word,
  fc.constantFrom('{p}', '{p}', '{p}:go', '{p}:stop', 'a{p}', 'x{p}:go'),
)
const patternText = fc
  .tuple(
    fc.array(patternSegment, { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '', '/{r*}', '/'),
  )
  .map(([segments, end]) => {
    const named = segments.map((segment, index) => segment.replace('{p}', `{p${index}}`))
    return `/${named.join('/')}${end}`
  })
const pathSegment = fc.oneof(word, fc.constantFrom('a1', 'c', ':go', 'xa:go', 'a:go'))

function patternsOf(texts: readonly string[]): RoutePattern[] {
  const kept: RoutePattern[] = []
  for (const text of texts) {
    const pattern = parsePattern(text)
    if (typeof pattern === 'string') throw new Error(pattern)
    const clash = kept.some(
      (other) => overlaps(pattern, other) && compareSpecificity(pattern, other) === 0,
    )
    if (!clash) kept.push(pattern)
  }
  return kept
}

function matches(pattern: RoutePattern, segments: readonly string[]): boolean {
  for (const [index, part] of pattern.segments.entries()) {
    const segment = segments[index]
    if (segment === undefined) return false
    if (part.kind === 'rest') return segment !== ''
    if (!matchesSegment(part, segment)) return false
  }
  return pattern.segments.length === segments.length
}

describe('the matcher', () => {
  it('finds what a search through all patterns finds, captures included', () => {
    fc.assert(
      fc.property(
        fc.array(patternText, { maxLength: 12 }),
        fc.array(pathSegment, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (texts, segments, slash) => {
          const path = slash ? [...segments, ''] : segments
          const patterns = patternsOf(texts)
          const matcher = createMatcher(patterns.map((pattern) => ({ pattern, value: pattern })))
          const best = patterns
            .filter((pattern) => matches(pattern, path))
            .sort((a, b) => compareSpecificity(b, a))[0]
          const found = matcher.match(path)
          expect(found?.value.text).toBe(best?.text)
          if (found === undefined) return
          let filled = found.value.text
          for (const [index, name] of found.value.parameters.entries()) {
            filled = filled.replace(/\{[^}]*\}/, () => found.captures[index] ?? name)
          }
          expect(filled).toBe(`/${path.join('/')}`)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('never finds two patterns that overlap but are not ordered', () => {
    fc.assert(
      fc.property(
        patternText,
        patternText,
        fc.array(pathSegment, { maxLength: 5 }),
        (a, b, path) => {
          const [one, two] = [parsePattern(a), parsePattern(b)]
          if (typeof one === 'string' || typeof two === 'string') return
          if (matches(one, path) && matches(two, path)) expect(overlaps(one, two)).toBe(true)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('the reader of JSON fields', () => {
  it('reads what JSON.parse reads, or refuses', () => {
    const key = fc.constantFrom('model', 'Model', 'run_id', 'runId', 'x', '__proto__')
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => ({ entries })),
      ),
    }))
    const write = (node: unknown): string => {
      const entries = (node as { entries?: unknown } | null)?.entries
      if (!Array.isArray(entries)) return JSON.stringify(node)
      const members = (entries as [string, unknown][]).map(
        ([name, inner]) => `${JSON.stringify(name)}: ${write(inner)}`,
      )
      return `{${members.join(' ,')}}`
    }
    const tree = compileFieldTree(['model', 'run_id', 'x.model'])
    fc.assert(
      fc.property(value, (node) => {
        const text = write(node)
        const found = readJsonFields(Buffer.from(text), tree)
        if (isRefusal(found)) return
        const parsed = JSON.parse(text) as Record<string, unknown>
        const model = found.get('model')
        if (typeof parsed['model'] === 'string') {
          expect(model).toEqual({ kind: 'string', text: parsed['model'] })
        } else if (model?.kind === 'number') {
          expect(Number(model.text)).toBe(parsed['model'])
        } else if (model === undefined) {
          expect(parsed['model'] ?? null).toBeNull()
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('takes no more than JSON.parse takes', () => {
    const tree = compileFieldTree(['a'])
    const bits = fc.constantFrom(...'{}[]",:\\ntrue0123.e+-aé\n'.split(''), 'null', '"a"', '{"a":')
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 20 }), (parts) => {
        const text = parts.join('')
        if (!isRefusal(readJsonFields(Buffer.from(text), tree))) {
          expect(() => JSON.parse(text) as unknown).not.toThrow()
        }
      }),
      { numRuns: 5000 },
    )
  })
})
