import type { Diagnostic } from '../../domain/diagnostics.ts'
import { coveredPercent, type Coverage } from '../../pdp/policy-tests/coverage.ts'
import type { TestRun } from '../../pdp/policy-tests/run-suites.ts'

/** A run of policy tests, or why there was none. */
export interface TestReport {
  /** What files are named from. */
  readonly cwd: string
  readonly rulesDir: string
  /** Of rules and tests. */
  readonly findings: readonly Diagnostic[]
  /** Absent when the rules do not load. */
  readonly revision?: string
  /** Absent when rules or tests do not load. */
  readonly run?: TestRun
  readonly showCoverage: boolean
  /** Least percentage of rules that must be covered. */
  readonly minimum?: number
}

/** Whether every test passed and enough of the rules is covered. */
export function passed(report: TestReport): boolean {
  const { run } = report
  if (run === undefined) return false
  const results = run.suites.flatMap((suite) => suite.results)
  return results.every(({ outcome }) => outcome !== 'failed') && isCovered(report, run.coverage)
}

/** Whether no more is asked of coverage than there is. */
export function isCovered({ minimum }: TestReport, coverage: Coverage): boolean {
  return minimum === undefined || coveredPercent(coverage) >= minimum
}
