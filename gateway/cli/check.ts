import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { certificateProblems } from '../assembly/certificate.ts'
import { issuerProblems } from '../assembly/issuer-options.ts'
import { loadRules } from '../assembly/load-rules.ts'
import type { Diagnostic } from '../domain/diagnostics.ts'
import type { Settings } from '../settings/settings.ts'
import { EXIT, type CliIo } from './io.ts'
import {
  configFile,
  findingsOf,
  plural,
  printDiagnostics,
  textOption,
  wantsJson,
} from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate check`: everything `serve` would refuse to start with, and what it would warn of. */
export const check: Verb = {
  name: 'check',
  summary: 'check configuration, rules and routes without serving',
  options: {},
  examples: [
    'modelgate check --config config/gateway.yaml',
    'modelgate check --rules rules --format json',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const findings: Diagnostic[] = []
  const settings = await checkConfig(options, io, findings)
  const dir = textOption(options, 'rules') ?? settings?.rules.dir ?? 'rules'
  const rules = await loadRules(resolve(io.cwd, dir), settings)
  findings.push(...findingsOf(rules))
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const revision = rules.ok ? rules.value.revision : null
  if (wantsJson(options)) {
    io.out(`${JSON.stringify({ ok: errors === 0, revision, findings }, null, 2)}\n`)
  } else {
    printDiagnostics(io, findings)
    const count = `${plural(errors, 'error')}, ${plural(findings.length - errors, 'warning')}`
    io.out(
      errors === 0 && rules.ok
        ? `ok: ${rules.value.policy.table.rules.length} rules, ${count}, revision ${revision ?? ''}\n`
        : `not usable: ${count}\n`,
    )
  }
  return errors === 0 ? EXIT.ok : EXIT.invalid
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
  return loaded.value
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
