import type { Diagnostic } from '../../domain/diagnostics.ts'
import { coveredPercent } from '../../pdp/policy-tests/coverage.ts'
import type { CaseFailure, SuiteResult } from '../../pdp/policy-tests/run-suites.ts'
import { resourceText } from '../../domain/vocabulary.ts'
import { effectOf } from '../../pdp/policy-tests/expectation.ts'
import { fileFrom } from './findings.ts'
import type { TestReport } from './test-run.ts'

/** The whole run, for scripts. Keys are stable: new ones may be added, none changes its meaning. */
export function testReportJson(
  report: TestReport,
  findings: readonly Diagnostic[],
  ok: boolean,
): string {
  const { run, revision = null, minimum } = report
  const suites = run?.suites.map((suite) => suiteJson(suite, report.cwd)) ?? []
  const coverage = run && {
    percent: coveredPercent(run.coverage),
    ...(minimum !== undefined && { minimum }),
    ...run.coverage,
  }
  return `${JSON.stringify({ ok, revision, findings, suites, coverage }, null, 2)}\n`
}

function suiteJson({ suite, results }: SuiteResult, cwd: string) {
  return {
    name: suite.name,
    file: fileFrom(cwd, suite.file),
    tests: results.map(({ test, outcome, failures }) => ({
      name: test.name,
      line: test.position.line,
      outcome,
      ...(test.skipped !== undefined && { reason: test.skipped }),
      cases: test.cases.length,
      failures: failures.map((failure) => failureJson(failure, cwd)),
    })),
  }
}

function failureJson({ case: policyCase, decision, differences }: CaseFailure, cwd: string) {
  const { position, principal, action, resource, resourceName, environmentName } = policyCase
  return {
    ...position,
    file: fileFrom(cwd, position.file),
    principal,
    action,
    resource: resourceName,
    resource_id: resourceText(resource),
    ...(environmentName !== undefined && { environment: environmentName }),
    expected: policyCase.expected,
    actual: {
      effect: effectOf(decision),
      ...(decision.reason !== undefined && { reason: decision.reason }),
      ...(decision.rule !== undefined && { rule: decision.rule }),
      failed_conditions: decision.failedConditions,
      obligations: decision.obligations,
    },
    differences,
  }
}
