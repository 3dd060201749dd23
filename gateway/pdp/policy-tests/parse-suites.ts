/**
 * Reads files of policy tests and their shared fixtures into suites that are ready to run, or says
 * where and why not. All or nothing: a test that cannot be run must not pass by being left out.
 */
import type { Diagnostic, Loaded } from '../../domain/diagnostics.ts'
import { loadDocument, type LoadedDocument } from '../../settings/document.ts'
import { policyFixturesSchema } from '../../settings/schemas/policy-fixtures.ts'
import { policyTestsSchema, type PolicyTestsSpec } from '../../settings/schemas/policy-tests.ts'
import { FixtureTable } from './fixture-table.ts'
import { expandTest } from './matrix.ts'
import type { Said } from './said.ts'
import type { PolicySuite, PolicyTest } from './suite.ts'

/** One file: its name as people know it, and its text. */
export interface TestFile {
  readonly file: string
  readonly text: string
}

/** The files of a test folder. */
export interface TestFiles {
  /** `*_test.yaml`. */
  readonly suites: readonly TestFile[]
  /** `testdata/*.yaml`. */
  readonly fixtures: readonly TestFile[]
}

/** Parses and resolves all of them. */
export function parsePolicyTests(files: TestFiles): Loaded<readonly PolicySuite[]> {
  const shared = new FixtureTable()
  const findings: Diagnostic[] = []
  for (const file of files.fixtures) {
    const loaded = loadDocument(file, policyFixturesSchema)
    findings.push(...(loaded.ok ? shared.add(loaded.value) : loaded.diagnostics))
  }
  // Without its fixtures every reference would be wrong as well, and say nothing new.
  if (findings.length > 0) return { ok: false, diagnostics: findings }
  const suites = files.suites.flatMap((file) => {
    const loaded = loadDocument(file, policyTestsSchema)
    if (loaded.ok) return [suiteFrom(file.file, loaded.value, shared, findings)]
    findings.push(...loaded.diagnostics)
    return []
  })
  const failed = findings.some(({ severity }) => severity === 'error')
  if (failed) return { ok: false, diagnostics: findings }
  return { ok: true, value: suites, warnings: [...findings, ...shared.unused()] }
}

function suiteFrom(
  file: string,
  document: LoadedDocument<PolicyTestsSpec>,
  shared: FixtureTable,
  findings: Diagnostic[],
): PolicySuite {
  const table = new FixtureTable(shared)
  findings.push(...table.add(document))
  const { name, tests } = document.value
  const seen = new Set<string>()
  const expanded = tests.map((spec, index): PolicyTest => {
    const path = ['tests', index]
    const position = document.positionOf([...path, 'name'])
    const report = (code: string, at: readonly (string | number)[], said: Said) => {
      findings.push({ ...document.positionOf([...path, ...at]), severity: 'error', code, ...said })
    }
    if (seen.has(spec.name)) report('test-twice', ['name'], TWICE)
    seen.add(spec.name)
    const positionOf = (at: readonly (string | number)[]) => document.positionOf([...path, ...at])
    const now = document.value.options?.now
    const cases = expandTest(spec, { table, now, report, positionOf })
    const skipped = spec.skip === true ? { skipped: spec.skip_reason ?? '' } : {}
    return { name: spec.name, position, ...skipped, cases }
  })
  findings.push(...table.unused())
  return { file, name, tests: expanded }
}

const TWICE: Said = {
  message: 'another test of this file has this name',
  remedy: 'Give each test a name of its own, so that a report says which one failed.',
}
