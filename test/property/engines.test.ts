/**
 * The compiled engine, the Casbin interpreter and the definition read off the page, on random
 * matrices and requests: they must decide alike, down to the rule, the reason and the conditions.
 *
 * `MODELGATE_PROPERTY_RUNS` says how many pairs of matrix and request to judge (100,000 when it is
 * absent, `forever` for no end); a failure prints the smallest matrix and request that still differ.
 */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Decision } from '../../gateway/domain/access.ts'
import type { CompiledPolicy } from '../../gateway/pdp/compiled-policy.ts'
import { createDecisionPoint, evaluationOf } from '../../gateway/pdp/decision/decision-point.ts'
import { createCasbinMatcher } from '../../gateway/pdp/engine/casbin-engine.ts'
import { concerns, matchByDefinition } from '../../gateway/pdp/engine/evaluation.ts'
import {
  CONDITIONS,
  describeFacts,
  factsArbitrary,
  matrixArbitrary,
  matrixText,
  requestOfFacts,
  type Facts,
  type Matrix,
} from '../support/matrices.ts'
import { policyOf } from '../support/policy.ts'

const wanted = process.env['MODELGATE_PROPERTY_RUNS'] ?? '100000'
const PAIRS = wanted === 'forever' ? Infinity : Number(wanted)
const REQUESTS_MAX = 400
const ROUND = 50
const TIMEOUT_MS = 2 ** 31 - 1

type Answer = Pick<Decision, 'effect' | 'reason' | 'rule' | 'failedConditions' | 'stepUp'>
type Answers = Record<string, Answer | string | undefined>
type Engines = Record<'compiled' | 'casbin' | 'definition', (facts: Facts) => Answers>

async function enginesOf(matrix: Matrix): Promise<Engines> {
  const compiled = await policyOf(matrixText(matrix), CONDITIONS)
  const withCasbin = async (policy: CompiledPolicy): Promise<CompiledPolicy> => ({
    ...policy,
    matcher: await createCasbinMatcher(policy.table.rules, policy.table.links),
  })
  return {
    compiled: answering(compiled),
    casbin: answering({
      ...(await withCasbin(compiled)),
      ...(compiled.shadow !== undefined && { shadow: await withCasbin(compiled.shadow) }),
    }),
    definition: answering({
      ...byDefinition(compiled),
      ...(compiled.shadow !== undefined && { shadow: byDefinition(compiled.shadow) }),
    }),
  }
}

function byDefinition(policy: CompiledPolicy): CompiledPolicy {
  const { rules } = policy.table
  return {
    ...policy,
    matcher: {
      match: (evaluation) => matchByDefinition(rules, evaluation),
      concerning: (evaluation) => rules.filter((rule) => concerns(rule, evaluation)),
    },
  }
}

function answering(policy: CompiledPolicy): (facts: Facts) => Answers {
  const point = createDecisionPoint(policy, {
    onFailure(error) {
      throw error
    },
  })
  return (facts) => {
    const request = requestOfFacts(facts)
    const concerning = policy.matcher.concerning(evaluationOf(policy, request))
    return {
      inForce: point.decide(request),
      withShadow: point.decideShadow?.(request),
      concerning: concerning.map(({ reference }) => reference.line).join(' '),
    }
  }
}

function difference(matrix: Matrix, facts: Facts, engines: Engines): string | undefined {
  const [compiled, casbin, definition] = [
    engines.compiled(facts),
    engines.casbin(facts),
    engines.definition(facts),
  ].map((answers) => JSON.stringify(answers))
  if (compiled === definition && casbin === definition) return undefined
  return [
    'the engines differ',
    matrixText(matrix),
    `request:    ${describeFacts(facts)}`,
    `definition: ${definition}`,
    `compiled:   ${compiled === definition ? 'the same' : compiled}`,
    `casbin:     ${casbin === definition ? 'the same' : casbin}`,
  ].join('\n')
}

describe('the engines on random matrices', () => {
  it(
    'give the same effect, rule, reason and failed conditions',
    async () => {
      let pairs = 0
      const seen = new Map<string, number>()
      const property = fc.asyncProperty(
        matrixArbitrary,
        fc.array(factsArbitrary, { minLength: 1, maxLength: REQUESTS_MAX, size: 'max' }),
        async (matrix, asked) => {
          const engines = await enginesOf(matrix)
          for (const facts of asked) {
            pairs++
            const found = difference(matrix, facts, engines)
            if (found !== undefined) throw new Error(found)
            const kind = String((engines.compiled(facts)['inForce'] as Decision).reason)
            seen.set(kind, (seen.get(kind) ?? 0) + 1)
          }
        },
      )
      while (pairs < PAIRS) await fc.assert(property, { numRuns: ROUND })
      expect(pairs).toBeGreaterThanOrEqual(PAIRS)
      // A generator that makes only one kind of answer would show nothing.
      for (const kind of EVERY_ANSWER) expect(seen.get(kind) ?? 0).toBeGreaterThan(pairs / 1000)
    },
    TIMEOUT_MS,
  )
})

const EVERY_ANSWER = [
  'undefined',
  'denied_by_rule',
  'no_rule',
  'condition_failed',
  'step_up_required',
]
