import { join } from 'node:path'
import { coveredPercent, type Coverage } from '../../pdp/policy-tests/coverage.ts'
import type { CaseFailure, SuiteResult, TestResult } from '../../pdp/policy-tests/run-suites.ts'
import { plural } from '../report.ts'
import { caseText, failureLines } from './case-failure.ts'
import { fileFrom } from './findings.ts'
import { createPaint, type Paint } from './paint.ts'
import type { TestReport } from './test-run.ts'

/** Failures of one test that are written out; a wrong rule fails hundreds of cases in one way. */
const FAILURES_SHOWN = 10

/** The run for people: each test, what failed and why, coverage, and one line in the end. */
export function testReportText(report: TestReport, ok: boolean, colour: boolean): string {
  const { run, revision = '' } = report
  const paint = createPaint(colour)
  if (run === undefined) return `${paint.red('not run')}: rules or tests are not usable\n`
  const results = run.suites.flatMap((suite) => suite.results)
  const lines = [
    ...run.suites.flatMap((suite) => suiteLines(suite, report.cwd, paint)),
    ...(report.showCoverage ? coverageLines(report, run.coverage, paint) : []),
    `${ok ? paint.green('passed') : paint.red('failed')}: ${tally(results)}, revision ${revision}`,
  ]
  return `${lines.join('\n')}\n`
}

function tally(results: readonly TestResult[]): string {
  const count = (wanted: TestResult['outcome']) =>
    results.filter(({ outcome }) => outcome === wanted).length
  const ran = results.filter(({ outcome }) => outcome !== 'skipped')
  const cases = ran.reduce((sum, { test }) => sum + test.cases.length, 0)
  const parts = [`${count('passed')} passed`, `${count('failed')} failed`]
  if (count('skipped') > 0) parts.push(`${count('skipped')} skipped`)
  return `${plural(results.length, 'test')} (${parts.join(', ')}), ${plural(cases, 'case')}`
}

function suiteLines({ suite, results }: SuiteResult, cwd: string, paint: Paint): string[] {
  const head = `${paint.bold(suite.name)}  ${paint.dim(fileFrom(cwd, suite.file))}`
  return [head, ...results.flatMap((result) => testLines(result, cwd, paint)), '']
}

function testLines({ test, outcome, failures }: TestResult, cwd: string, paint: Paint): string[] {
  if (outcome === 'skipped') return [paint.dim(`  - ${test.name}: skipped, ${test.skipped ?? ''}`)]
  const cases = plural(test.cases.length, 'case')
  if (outcome === 'passed') return [`  ${paint.green('✓')} ${test.name} ${paint.dim(`(${cases})`)}`]
  const hidden = failures.length - FAILURES_SHOWN
  return [
    `  ${paint.red('✗')} ${test.name} (${failures.length} of ${cases} failed)`,
    ...failures.slice(0, FAILURES_SHOWN).flatMap((failure) => caseLines(failure, cwd)),
    ...(hidden > 0 ? [`    … and ${plural(hidden, 'other failure')}`] : []),
  ]
}

function caseLines(failure: CaseFailure, cwd: string): string[] {
  const { file, line, column } = failure.case.position
  const place = `${fileFrom(cwd, file)}:${line}:${column}`
  const why = failure.differences.join('; ')
  return [
    `    ${place}`,
    `      ${caseText(failure.case)}: ${why}`,
    ...failureLines(failure).map((text) => `        ${text}`),
  ]
}

function coverageLines(report: TestReport, coverage: Coverage, paint: Paint): string[] {
  const { rules, conditions } = coverage
  const { minimum, cwd, rulesDir } = report
  const percent = coveredPercent(coverage)
  const low = minimum !== undefined && percent < minimum
  const asked = low ? paint.red(`, less than the ${minimum} % asked for`) : ''
  return [
    `${paint.bold('Coverage')}  ${rules.covered} of ${plural(rules.total, 'rule')} (${percent} %)${asked}, ` +
      `${conditions.covered} of ${plural(conditions.total, 'condition')} both true and false`,
    ...rules.uncovered.map(
      ({ file, line, text }) =>
        `  ${fileFrom(cwd, join(rulesDir, file))}:${line}  decides no test: ${text}`,
    ),
    ...conditions.uncovered.map(
      ({ name, missing }) => `  ${name} is never ${missing.join(' and never ')} in a test`,
    ),
    '',
  ]
}
