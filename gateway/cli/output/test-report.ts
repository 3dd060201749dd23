/** What `modelgate test` prints, in every format. */
import { join } from 'node:path'
import type { RuleReference } from '../../domain/access.ts'
import type { Diagnostic } from '../../domain/diagnostics.ts'
import { coveredPercent, type Coverage } from '../../pdp/policy-tests/coverage.ts'
import type { CaseFailure } from '../../pdp/policy-tests/run-suites.ts'
import type { CliIo } from '../io.ts'
import { printDiagnostics } from '../report.ts'
import { caseText, failureLines } from './case-failure.ts'
import { fileFrom, fromFolder } from './findings.ts'
import { githubText } from './github.ts'
import { junitText, suiteOfFindings, type JUnitCase, type JUnitSuite } from './junit.ts'
import { sarifText } from './sarif.ts'
import { isCovered, passed, type TestReport } from './test-run.ts'
import { testReportJson } from './test-report-json.ts'
import { testReportText } from './test-report-text.ts'

/** Prints the report in `format`; findings for people go to standard error. */
export function printTestReport(format: string, report: TestReport, io: CliIo): void {
  const findings = fromFolder(report.cwd, report.findings)
  if (format === 'json') io.out(testReportJson(report, findings, passed(report)))
  else if (format === 'sarif') io.out(sarifText([...findings, ...asFindings(report)]))
  else if (format === 'github') io.out(githubText([...findings, ...asFindings(report)]))
  else if (format === 'junit') io.out(junitText(junitSuites(report, findings)))
  else {
    printDiagnostics(io, findings)
    io.out(testReportText(report, passed(report), io.colour))
  }
}

/** Failed cases, and what is not covered, as findings where they are written. */
function asFindings(report: TestReport): Diagnostic[] {
  const { run, cwd } = report
  if (run === undefined) return []
  const failures = run.suites
    .flatMap((suite) => suite.results)
    .flatMap(({ failures }) => failures)
    .map((failure): Diagnostic => ({
      ...failure.case.position,
      file: fileFrom(cwd, failure.case.position.file),
      severity: 'error',
      code: 'policy-test-failed',
      message: `${caseText(failure.case)}: ${failure.differences.join('; ')}`,
      remedy: failureLines(failure).join('\n'),
    }))
  if (!report.showCoverage) return failures
  const severity = isCovered(report, run.coverage) ? 'warning' : 'error'
  const uncovered = run.coverage.rules.uncovered.map((rule) => notCovered(rule, report, severity))
  return [...failures, ...uncovered]
}

function notCovered(
  rule: RuleReference,
  { cwd, rulesDir }: TestReport,
  severity: Diagnostic['severity'],
): Diagnostic {
  return {
    file: fileFrom(cwd, join(rulesDir, rule.file)),
    line: rule.line,
    column: 1,
    severity,
    code: 'rule-not-covered',
    message: `no test is decided by this rule: ${rule.text}`,
    remedy: 'Add a case that this rule permits, or denies, and none of the others does.',
  }
}

function junitSuites(report: TestReport, findings: readonly Diagnostic[]): JUnitSuite[] {
  const { run, cwd } = report
  const errors = findings.filter(({ severity }) => severity === 'error')
  const loading = errors.length > 0 ? [suiteOfFindings('rules and tests', errors)] : []
  if (run === undefined) return loading
  const suites = run.suites.map(({ suite, results }): JUnitSuite => {
    const cases = results.map(({ test, failures }): JUnitCase => ({
      name: test.name,
      className: suite.name,
      file: fileFrom(cwd, test.position.file),
      line: test.position.line,
      ...(test.skipped !== undefined && { skipped: test.skipped }),
      ...(failures.length > 0 && { failure: junitFailure(failures, cwd) }),
    }))
    return { name: suite.name, cases }
  })
  return report.showCoverage ? [...suites, coverageSuite(report, run.coverage)] : suites
}

function junitFailure(failures: readonly CaseFailure[], cwd: string) {
  const text = failures.flatMap((failure) => {
    const { file, line, column } = failure.case.position
    const place = `${fileFrom(cwd, file)}:${line}:${column}`
    return [`${place}  ${caseText(failure.case)}`, ...failureLines(failure).map((l) => `  ${l}`)]
  })
  const [first] = failures
  const message =
    first === undefined ? '' : `${caseText(first.case)}: ${first.differences.join('; ')}`
  return { message, type: 'policy-test-failed', text: text.join('\n') }
}

/** Coverage as a test of its own, so that a CI server shows it; it fails below the minimum. */
function coverageSuite(report: TestReport, coverage: Coverage): JUnitSuite {
  const rules = coverage.rules.uncovered.map((rule) => {
    const { file, line, message } = notCovered(rule, report, 'warning')
    return `${file}:${line}: ${message}`
  })
  const message = `${coveredPercent(coverage)} % of the rules are covered`
  const text = [message, ...rules].join('\n')
  const result = isCovered(report, coverage)
    ? { output: text }
    : { failure: { message, type: 'coverage', text } }
  return {
    name: 'coverage',
    cases: [{ name: 'coverage of rules', className: 'coverage', ...result }],
  }
}
