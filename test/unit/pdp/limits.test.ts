import { describe, expect, it } from '@jest/globals'
import { PARAMETER_NAMES } from '../../../gateway/domain/parameters.ts'
import { NO_LIMITS } from '../../../gateway/pdp/limits/limits.ts'
import { timesAsLong } from '../../support/growth.ts'
import { demandsOf, limitsOf, obligationsOf, readLimits } from '../../support/limits.ts'
import { placeAndCode } from '../../support/policy.ts'

const CAP = 'parameters: { max_tokens: { max: 5 } }'
const limit = (more: string, name = 'a') => `limits: { ${name}: { ${more}, ${CAP} } }`

function errorsOf(text: string): string[] {
  const loaded = readLimits(text)
  if (loaded.ok) throw new Error('this should not have loaded')
  return loaded.diagnostics.map(placeAndCode)
}

describe('whom a limit is for', () => {
  const isFor = (more: string, operation: string, holdings: string[] = []) =>
    demandsOf(limitsOf(limit(more)), operation, holdings).length > 0

  it.each([
    ['description: x', 'infer model:m', [], true],
    ['description: x', 'read model:m', [], false],
    ['actions: [read, export]', 'read model:m', [], true],
    ['actions: [read, export]', 'infer model:m', [], false],
    ['for: [role:a, group:b]', 'infer model:m', [], false],
    ['for: [role:a, group:b]', 'infer model:m', ['group:b'], true],
    ['for: ["user:kc/alice"]', 'infer model:m', [], true],
    ['except: [role:a]', 'infer model:m', [], true],
    ['except: [role:a]', 'infer model:m', ['role:a'], false],
    ['resources: ["model:x", "model:fraud-*"]', 'infer model:m', [], false],
    ['resources: ["model:x", "model:fraud-*"]', 'infer model:fraud-2', [], true],
    ['resources: ["model:*-chat"]', 'infer model:big-chat', [], true],
    ['resources: ["dataset:m"]', 'infer model:m', [], false],
    ['resources: ["model:m@2"]', 'infer model:m', [], true],
    ['resources: ["model:m@2"]', 'infer model:m@3', [], false],
    ['when: known', 'infer model:m', [], true],
    ['when: unknown', 'infer model:m', [], true],
    ['when: "!unknown"', 'infer model:m', [], true],
    ['when: wrong', 'infer model:m', [], false],
    ['when: wrong & unknown', 'infer model:m', [], false],
  ])('%s, %s, %j: %s', (more, operation, holdings, expected) => {
    expect(isFor(more, operation, holdings)).toBe(expected)
  })

  it('is found among many without looking at all of them', () => {
    const tableOf = (count: number) => {
      const lines = Array.from(
        { length: count },
        (_, i) => `  x${i}: { resources: ["model:x-${i}"], ${CAP} }`,
      )
      return limitsOf(`limits:\n  a: { resources: ["model:m*"], ${CAP} }\n${lines.join('\n')}`)
    }
    const table = tableOf(999)
    expect(demandsOf(table)).toHaveLength(1)
    expect(demandsOf(table, 'infer model:x-77')).toHaveLength(1)
    expect(demandsOf(table, 'infer model:other')).toHaveLength(0)
    const ask = (one: typeof table) => () => {
      for (let i = 0; i < 1_000; i++) demandsOf(one, 'infer model:other')
    }
    // A scan would take hundreds of times as long as with one.
    expect(timesAsLong(ask(table), ask(tableOf(1)))).toBeLessThan(50)
  })

  it('costs nothing without limits', () => {
    expect(demandsOf(limitsOf('limits: {}'), 'infer model:m')).toBe(
      demandsOf(NO_LIMITS, 'infer model:m'),
    )
  })
})

describe('budgets that contradict each other', () => {
  const warningsOf = (budget: string): string[] => {
    const loaded = readLimits(`limits:\n  a:\n    budget: ${budget}\n`)
    return loaded.ok ? loaded.warnings.map(({ code, message }) => `${code}: ${message}`) : ['error']
  }
  it('are told of', () => {
    expect(warningsOf('{ requests: { hour: 100, day: 50 } }')).toEqual([
      'budget-contradicts: `requests` allow more in `hour` than in `day`, so that `hour` is never reached',
    ])
    expect(warningsOf('[{ bytes: { request: 2MiB, day: 1MiB } }]')).toHaveLength(1)
  })
  it('are not those that narrow down', () => {
    expect(
      warningsOf('{ requests: { minute: 10, hour: 100, day: 500 }, tokens: { day: 1 } }'),
    ).toEqual([])
  })
})

describe('what limits demand', () => {
  it('names each duty with the line it is written on', () => {
    const text = `limits:
  a:
    parameters:
      max_tokens: { max: 1024, add: true }
      n: { max: 1 }
      logprobs: strip
      logit_bias: refuse
    response:
      bytes: 64MiB
      redact: [prompt_logprobs]
`
    expect(obligationsOf(text)).toEqual([
      {
        type: 'parameter.cap',
        parameters: { parameter: 'max_tokens', max: 1024, add: true },
        source: 'limits.yaml:4',
      },
      { type: 'parameter.cap', parameters: { parameter: 'n', max: 1 }, source: 'limits.yaml:5' },
      { type: 'parameter.strip', parameters: { parameter: 'logprobs' }, source: 'limits.yaml:6' },
      {
        type: 'parameter.refuse',
        parameters: { parameter: 'logit_bias' },
        source: 'limits.yaml:7',
      },
      { type: 'response.bytes', parameters: { max: 67_108_864 }, source: 'limits.yaml:9' },
      {
        type: 'response.redact',
        parameters: { fields: ['prompt_logprobs'] },
        source: 'limits.yaml:10',
      },
    ])
  })

  it('takes the strictest of several', () => {
    const text = `limits:
  a: { parameters: { max_tokens: { max: 9, add: true }, n: { max: 2 }, logprobs: { max: 1 } } }
  b: { parameters: { max_tokens: { max: 7 }, n: strip, logprobs: refuse } }
  c: { response: { bytes: 2KiB, redact: [x, y] } }
  d: { response: { bytes: 1KiB, redact: [y, z] } }
  e: { for: [role:other], parameters: { max_tokens: { max: 1 } } }
`
    expect(obligationsOf(text)).toEqual([
      {
        type: 'parameter.cap',
        parameters: { parameter: 'max_tokens', max: 7, add: true },
        source: 'limits.yaml:3, limits.yaml:2',
      },
      { type: 'parameter.strip', parameters: { parameter: 'n' }, source: 'limits.yaml:3' },
      { type: 'parameter.refuse', parameters: { parameter: 'logprobs' }, source: 'limits.yaml:3' },
      { type: 'response.bytes', parameters: { max: 1024 }, source: 'limits.yaml:5' },
      {
        type: 'response.redact',
        parameters: { fields: ['x', 'y', 'z'] },
        source: 'limits.yaml:4, limits.yaml:5',
      },
    ])
  })

  it('keeps a length to be added besides a refusal of any', () => {
    const text = `limits:
  a: { parameters: { max_tokens: { max: 9, add: true } } }
  b: { parameters: { max_tokens: refuse } }
`
    expect(obligationsOf(text).map(({ type }) => type)).toEqual([
      'parameter.refuse',
      'parameter.cap',
    ])
  })
})

describe('what limits.yaml must not say', () => {
  it.each([
    [limit('for: [roles:a]'), ['1:22 subject-prefix']],
    [limit('for: [alice]'), ['1:22 subject-prefix']],
    [limit('for: ["role:*"]'), ['1:22 subject-wildcard']],
    [limit('for: ["role:"]'), ['1:22 subject-name']],
    [limit('except: [role:anyone]'), ['1:24 except-anyone']],
    [limit('resources: ["model:a**"]'), ['1:36 resource-pattern']],
    [limit('resources: [m]'), ['1:28 resource-pattern']],
    [limit('when: knwn'), ['1:22 unknown-condition']],
    [limit('when: known && known'), ['1:29 when-syntax']],
    [limit('actions: [predict]'), ['1:26 invalid-value']],
    [limit('rate: 5'), ['1:16 unknown-key']],
    [limit('for: []'), ['1:21 invalid-value']],
    [limit('for: [role:a]', 'A'), ['1:14 invalid-value']],
    ['limits: { a: { description: x } }', ['1:14 invalid-value']],
    ['limits: { a: { parameters: {} } }', ['1:28 invalid-value']],
    [
      'limits: { a: { parameters: { max_token: refuse } } }',
      ['1:30 unknown-key', '1:28 invalid-value'],
    ],
    ['limits: { a: { parameters: { max_tokens: strip } } }', ['1:42 invalid-value']],
    ['limits: { a: { parameters: { max_tokens: { max: -1 } } } }', ['1:49 invalid-value']],
    ['limits: { a: { parameters: { max_tokens: { max: 0 } } } }', ['1:49 invalid-value']],
    ['limits: { a: { parameters: { n: { max: 1, add: true } } } }', ['1:43 unknown-key']],
    ['limits: { a: { parameters: { logit_bias: { max: 1 } } } }', ['1:42 invalid-value']],
    ['limits: { a: { response: { bytes: 64 } } }', ['1:35 invalid-value']],
    ['limits: { a: { response: { redact: ["a b"] } } }', ['1:37 invalid-value']],
    ['{}', ['1:1 missing-key']],
  ])('%s', (text, expected) => {
    expect(errorsOf(text)).toEqual(expected)
  })

  it('says what was meant', () => {
    const found = readLimits(limit('when: knwn, for: [rolle:a]'))
    expect(found.ok ? [] : found.diagnostics.map(({ remedy }) => remedy)).toEqual([
      'Did you mean `role:a`?',
      'Did you mean `known`?',
    ])
  })

  it('knows every parameter', () => {
    for (const name of PARAMETER_NAMES) {
      expect(obligationsOf(`limits: { a: { parameters: { ${name}: refuse } } }`)).toHaveLength(1)
    }
  })
})
