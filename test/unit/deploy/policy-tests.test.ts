/** The tests beside every rule set that is shipped: they pass, and prove every rule. */
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { loadRules } from '../../../gateway/assembly/load-rules.ts'
import { readPolicyTestFiles } from '../../../gateway/assembly/policy-test-files.ts'
import { coveredPercent } from '../../../gateway/pdp/policy-tests/coverage.ts'
import { parsePolicyTests } from '../../../gateway/pdp/policy-tests/parse-suites.ts'
import { runPolicyTests } from '../../../gateway/pdp/policy-tests/run-suites.ts'
import { PROJECT } from '../../support/build.ts'

const RULE_SETS = [
  'rules',
  'config/examples/demo/rules',
  'config/examples/mlflow-ingress/rules',
  'config/examples/triton-grpc/rules',
  'config/examples/vllm-sidecar/rules',
]

describe.each(RULE_SETS)('the tests of %s', (dir) => {
  it.each(['compiled', 'casbin'] as const)('pass and prove every rule, %s', async (engine) => {
    const rules = await loadRules(join(PROJECT, dir), undefined, engine)
    const files = await readPolicyTestFiles(join(PROJECT, dir))
    if (!rules.ok || !files.ok) throw new Error('not loaded')
    const suites = parsePolicyTests(files.value)
    expect(suites).toMatchObject({ ok: true, warnings: [] })
    if (!suites.ok) return
    const { policy, resources } = rules.value
    const run = runPolicyTests({ policy, resources }, suites.value)
    const results = run.suites.flatMap((suite) => suite.results)
    expect(
      results.filter(({ outcome }) => outcome !== 'passed').map(({ test }) => test.name),
    ).toEqual([])
    expect(run.coverage.rules.uncovered).toEqual([])
    expect(run.coverage.conditions.uncovered).toEqual([])
    expect(coveredPercent(run.coverage)).toBe(100)
  })
})

describe('the starter rules', () => {
  it('load without a warning', async () => {
    expect(await loadRules(join(PROJECT, 'rules'), undefined)).toMatchObject({
      ok: true,
      warnings: [],
    })
  })
})
