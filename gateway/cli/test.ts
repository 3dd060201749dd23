import { loadRules, type LoadedRules } from '../assembly/load-rules.ts'
import { readPolicyTestFiles } from '../assembly/policy-test-files.ts'
import type { Diagnostic, Loaded } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Engine } from '../pdp/load-policy.ts'
import { parsePolicyTests } from '../pdp/policy-tests/parse-suites.ts'
import { runPolicyTests } from '../pdp/policy-tests/run-suites.ts'
import type { PolicySuite } from '../pdp/policy-tests/suite.ts'
import { EXIT, type CliIo } from './io.ts'
import { FINDING_FORMATS } from './output/findings.ts'
import { printTestReport } from './output/test-report.ts'
import { passed, type TestReport } from './output/test-run.ts'
import { findingsOf, formatOf, rulesFolder, textOption } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate test`: the tests beside the rules, and how much of the rules they prove. */
export const test: Verb = {
  options: {
    filter: { type: 'string', value: 'TEXT', help: 'only tests whose "suite / test" contains it' },
    coverage: { type: 'boolean', help: 'list rules and conditions that no test has proven' },
    'min-coverage': {
      type: 'string',
      value: 'PERCENT',
      help: 'fail when fewer of the rules are covered; implies --coverage',
    },
    engine: {
      type: 'string',
      value: 'compiled|casbin',
      help: 'the engine to decide with (default compiled)',
    },
    'allow-none': { type: 'boolean', help: 'no tests at all is not an error' },
  },
  formats: FINDING_FORMATS,
  examples: [
    'modelgate test --rules rules --coverage',
    'modelgate test --rules rules --min-coverage 100 --format junit > policy-tests.xml',
    'modelgate test --rules rules --filter "release manager" --engine casbin',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const engine = engineOf(options)
  const minimum = minimumOf(options)
  const dir = await rulesFolder(options, io)
  const rules = await loadRules(dir, undefined, engine)
  const suites = await loadSuites(dir, options)
  // What `check` warns of in rules that load is not what was asked here.
  const findings = [...(rules.ok ? [] : rules.diagnostics), ...findingsOf(suites)]
  const filter = textOption(options, 'filter', '')
  const report: TestReport = {
    cwd: io.cwd,
    rulesDir: dir,
    findings,
    ...(rules.ok && { revision: rules.value.revision }),
    ...(rules.ok && suites.ok && { run: runAll(rules.value, suites.value, filter) }),
    showCoverage: options['coverage'] === true || minimum !== undefined,
    ...(minimum !== undefined && { minimum }),
  }
  if (filter !== '' && report.run?.suites.length === 0) {
    throw new GatewayError('ERR_USAGE', `no test has ${JSON.stringify(filter)} in its name`)
  }
  printTestReport(formatOf(options), report, io)
  if (report.run === undefined) return EXIT.invalid
  return passed(report) ? EXIT.ok : EXIT.failed
}

function runAll(rules: LoadedRules, suites: readonly PolicySuite[], filter: string) {
  const { policy, resources } = rules
  return runPolicyTests({ policy, resources }, suites, filter)
}

async function loadSuites(
  dir: string,
  options: OptionValues,
): Promise<Loaded<readonly PolicySuite[]>> {
  const files = await readPolicyTestFiles(dir)
  if (!files.ok) return files
  const suites = parsePolicyTests(files.value)
  const isEmpty = suites.ok && suites.value.length === 0
  return isEmpty && options['allow-none'] !== true
    ? { ok: false, diagnostics: [noTests(dir)] }
    : suites
}

/** A run without tests must not look like one that passed. */
function noTests(dir: string): Diagnostic {
  return {
    file: `${dir}/tests`,
    line: 1,
    column: 1,
    severity: 'error',
    code: 'no-tests',
    message: 'there are no policy tests here',
    remedy: 'Write tests/<name>_test.yaml beside the rules (docs/rules.md), or say --allow-none.',
  }
}

function engineOf(options: OptionValues): Engine | undefined {
  const engine = textOption(options, 'engine')
  if (engine === undefined || engine === 'compiled' || engine === 'casbin') return engine
  throw new GatewayError('ERR_USAGE', '--engine takes compiled or casbin')
}

function minimumOf(options: OptionValues): number | undefined {
  const text = textOption(options, 'min-coverage')
  if (text === undefined) return undefined
  const percent = /^\d{1,3}(\.\d)?$/.test(text) ? Number(text) : Number.NaN
  if (percent >= 0 && percent <= 100) return percent
  throw new GatewayError('ERR_USAGE', '--min-coverage takes a percentage from 0 to 100')
}
