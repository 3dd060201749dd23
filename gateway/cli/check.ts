import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { certificateProblems } from '../assembly/certificate.ts'
import { dataKeyProblems } from '../assembly/data-key.ts'
import { databaseProblems } from '../assembly/country-database.ts'
import { issuerProblems } from '../assembly/issuer-options.ts'
import { loadRules } from '../assembly/load-rules.ts'
import { folderSignatureProblems } from '../assembly/revisions/signature.ts'
import type { Diagnostic } from '../domain/diagnostics.ts'
import type { Settings } from '../settings/settings.ts'
import { EXIT, type CliIo } from './io.ts'
import { FINDING_FORMATS, fromFolder } from './output/findings.ts'
import { githubText } from './output/github.ts'
import { junitText, suiteOfFindings } from './output/junit.ts'
import { createPaint } from './output/paint.ts'
import { sarifText } from './output/sarif.ts'
import { configFile, findingsOf, formatOf, plural, printDiagnostics, textOption } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate check`: everything `serve` would refuse to start with, and what it would warn of. */
export const check: Verb = {
  options: {},
  formats: FINDING_FORMATS,
  examples: [
    'modelgate check --config config/gateway.yaml',
    'modelgate check --rules rules --format json',
    'modelgate check --rules rules --format sarif > check.sarif',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const found: Diagnostic[] = []
  const settings = await checkConfig(options, io, found)
  const dir = resolve(io.cwd, textOption(options, 'rules') ?? settings?.rules.dir ?? 'rules')
  const rules = await loadRules(dir, settings)
  found.push(...findingsOf(rules))
  if (rules.ok && settings !== undefined) {
    const { trustedKeysFiles } = settings.rules
    found.push(...(await folderSignatureProblems(dir, rules.value.revision, trustedKeysFiles)))
  }
  const findings = fromFolder(io.cwd, found)
  const ok = rules.ok && !findings.some(({ severity }) => severity === 'error')
  const facts = rules.ok
    ? { revision: rules.value.revision, rules: rules.value.policy.table.rules.length }
    : undefined
  print(formatOf(options), { ok, findings, facts }, io)
  return ok ? EXIT.ok : EXIT.invalid
}

interface Checked {
  readonly ok: boolean
  readonly findings: readonly Diagnostic[]
  /** Absent when the rules do not load. */
  readonly facts: { readonly revision: string; readonly rules: number } | undefined
}

function print(format: string, { ok, findings, facts }: Checked, io: CliIo): void {
  const revision = facts?.revision ?? null
  if (format === 'json') io.out(`${JSON.stringify({ ok, revision, findings }, null, 2)}\n`)
  else if (format === 'sarif') io.out(sarifText(findings))
  else if (format === 'github') io.out(githubText(findings))
  else if (format === 'junit') io.out(junitText([suiteOfFindings('modelgate check', findings)]))
  else {
    printDiagnostics(io, findings)
    const errors = findings.filter(({ severity }) => severity === 'error').length
    const count = `${plural(errors, 'error')}, ${plural(findings.length - errors, 'warning')}`
    const paint = createPaint(io.colour)
    const line = ok
      ? `${paint.green('ok')}: ${facts?.rules ?? 0} rules, ${count}, revision ${revision ?? ''}`
      : `${paint.red('not usable')}: ${count}`
    io.out(`${line}\n`)
  }
}

/** With `--rules` alone and no configuration at the default place, rules are checked by themselves. */
async function checkConfig(
  options: OptionValues,
  io: CliIo,
  findings: Diagnostic[],
): Promise<Settings | undefined> {
  const file = configFile(options, io)
  const rulesAlone = options['config'] === undefined && options['rules'] !== undefined
  if (rulesAlone && !(await exists(resolve(io.cwd, file)))) return undefined
  const loaded = await loadConfig({ file, cwd: io.cwd, env: io.env })
  findings.push(...findingsOf(loaded))
  if (!loaded.ok) return undefined
  findings.push(...issuerProblems(loaded.value), ...(await certificateProblems(loaded.value)))
  findings.push(...(await databaseProblems(loaded.value)))
  findings.push(...(await dataKeyProblems(loaded.value)))
  return loaded.value
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
