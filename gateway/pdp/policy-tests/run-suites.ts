/** Runs policy tests against one revision of the rules. Pure: the time is that of the tests. */
import type { AccessRequest, Decision } from '../../domain/access.ts'
import type { DecisionPoint, ResourceCatalog } from '../../domain/ports.ts'
import type { CompiledPolicy } from '../compiled-policy.ts'
import { createDecisionPoint, evaluationOf } from '../decision/decision-point.ts'
import { createCoverage, type Coverage, type CoverageCollector } from './coverage.ts'
import { differences } from './expectation.ts'
import type { PolicyCase, PolicySuite, PolicyTest } from './suite.ts'

/** What tests are run against. */
export interface Subjects {
  readonly policy: CompiledPolicy
  readonly resources: ResourceCatalog
}

/** A case that did not come to what was expected. */
export interface CaseFailure {
  readonly case: PolicyCase
  readonly decision: Decision
  /** In words, at least one. */
  readonly differences: readonly string[]
}

/** How one test ended. */
export interface TestResult {
  readonly test: PolicyTest
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly failures: readonly CaseFailure[]
}

/** How the tests of one file ended. */
export interface SuiteResult {
  readonly suite: PolicySuite
  readonly results: readonly TestResult[]
}

/** How all of them ended. */
export interface TestRun {
  readonly suites: readonly SuiteResult[]
  readonly coverage: Coverage
}

/**
 * Runs the tests whose `<suite> / <test>` contains `filter`, all without one. Suites in which none
 * is left are left out.
 */
export function runPolicyTests(
  subjects: Subjects,
  suites: readonly PolicySuite[],
  filter = '',
): TestRun {
  const coverage = createCoverage(subjects.policy)
  const decisionPoint = createDecisionPoint(subjects.policy)
  const ran = suites.flatMap((suite): SuiteResult[] => {
    const tests = suite.tests.filter((test) => `${suite.name} / ${test.name}`.includes(filter))
    if (tests.length === 0) return []
    const results = tests.map((test) => runTest(test, { ...subjects, decisionPoint, coverage }))
    return [{ suite, results }]
  })
  return { suites: ran, coverage: coverage.result() }
}

interface Running extends Subjects {
  readonly decisionPoint: DecisionPoint
  readonly coverage: CoverageCollector
}

function runTest(test: PolicyTest, running: Running): TestResult {
  if (test.skipped !== undefined) return { test, outcome: 'skipped', failures: [] }
  const failures = test.cases.flatMap((policyCase): CaseFailure[] => {
    const request = requestOf(policyCase, running.resources)
    const decision = running.decisionPoint.decide(request)
    if (decision.effect !== 'indeterminate') {
      running.coverage.see(evaluationOf(running.policy, request), decision)
    }
    const found = differences(policyCase.expected, decision)
    return found.length === 0 ? [] : [{ case: policyCase, decision, differences: found }]
  })
  return { test, outcome: failures.length === 0 ? 'passed' : 'failed', failures }
}

function requestOf(policyCase: PolicyCase, resources: ResourceCatalog): AccessRequest {
  const { subject, action, resource, attributes, environment } = policyCase
  const known = resources.attributesOf(resource)
  if (known === undefined && Object.keys(attributes).length === 0) {
    return { subject, action, resource, environment }
  }
  const resourceAttributes = { tags: [], ...known, ...attributes }
  return { subject, action, resource, resourceAttributes, environment }
}
