import { resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { diagnosticText, type Diagnostic, type Loaded } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import { CONFIG_FILE_VARIABLE } from '../settings/environment.ts'
import type { CliIo } from './io.ts'
import { fromFolder } from './output/findings.ts'
import { plainFinding } from './output/plain-text.ts'
import type { OptionValues } from './verb.ts'

/** The value of a text option, or `fallback`. */
export function textOption(options: OptionValues, name: string): string | undefined
export function textOption(options: OptionValues, name: string, fallback: string): string
export function textOption(
  options: OptionValues,
  name: string,
  fallback?: string,
): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : fallback
}

/** The configuration file: `--config`, else `MODELGATE_CONFIG`, else the usual place. */
export function configFile(options: OptionValues, io: Pick<CliIo, 'env'>): string {
  const fromEnvironment = io.env[CONFIG_FILE_VARIABLE] ?? ''
  const otherwise = fromEnvironment === '' ? 'config/gateway.yaml' : fromEnvironment
  return textOption(options, 'config', otherwise)
}

/** The rules folder: `--rules`, else that of the configuration. @throws ERR_CONFIG_INVALID */
export async function rulesFolder(options: OptionValues, io: CliIo): Promise<string> {
  const given = textOption(options, 'rules')
  if (given !== undefined) return resolve(io.cwd, given)
  const config = await loadConfig({ file: configFile(options, io), cwd: io.cwd, env: io.env })
  if (config.ok) return resolve(io.cwd, config.value.rules.dir)
  printDiagnostics(io, findingsOf(config))
  throw new GatewayError('ERR_CONFIG_INVALID', 'the configuration names no rules; use --rules DIR')
}

/** The values of a repeatable text option. */
export function listOption(options: OptionValues, name: string): readonly string[] {
  const value = options[name]
  if (typeof value === 'string') return [value]
  return Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string')
    : []
}

/** Says that common options were given which a verb has no use for; they change nothing. */
export function noteUnused(options: OptionValues, io: CliIo, why: string): void {
  for (const name of ['config', 'rules']) {
    if (options[name] !== undefined) io.err(`--${name} is not used here: ${why}\n`)
  }
}

/** What `--format` says, one of the formats of the verb. */
export function formatOf(options: OptionValues): string {
  return textOption(options, 'format', 'text')
}

/** Whether `--format json` was asked for. */
export function wantsJson(options: OptionValues): boolean {
  return formatOf(options) === 'json'
}

/** Prints findings for people on standard error, one block each, errors first, files named from here. */
export function printDiagnostics(io: CliIo, diagnostics: readonly Diagnostic[]): void {
  const ranked = [...fromFolder(io.cwd, diagnostics)].sort((a, b) => rank(a) - rank(b))
  for (const diagnostic of ranked) io.err(`${diagnosticText(plainFinding(diagnostic))}\n`)
}

function rank(diagnostic: Diagnostic): number {
  return diagnostic.severity === 'error' ? 0 : 1
}

/** The findings of a load, whichever way it ended. */
export function findingsOf<T>(loaded: Loaded<T>): readonly Diagnostic[] {
  return loaded.ok ? loaded.warnings : loaded.diagnostics
}

/** `1 error`, `2 warnings`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
