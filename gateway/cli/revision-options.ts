import { loadConfig } from '../assembly/load-config.ts'
import { revisionsOf } from '../assembly/revisions/operator.ts'
import type { RuleRevisions } from '../assembly/revisions/rule-revisions.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Settings } from '../settings/settings.ts'
import type { CliIo } from './io.ts'
import { configFile, printDiagnostics, textOption } from './report.ts'
import type { OptionValues } from './verb.ts'

/** The configured gateway and its revisions. */
export interface ConfiguredRevisions {
  readonly settings: Settings
  readonly revisions: RuleRevisions
}

/** Reads the configuration for where revisions are kept. @throws ERR_CONFIG_INVALID */
export async function configuredRevisions(
  options: OptionValues,
  io: CliIo,
): Promise<ConfiguredRevisions> {
  const config = await loadConfig({ file: configFile(options, io), cwd: io.cwd, env: io.env })
  if (!config.ok) {
    printDiagnostics(io, config.diagnostics)
    throw new GatewayError('ERR_CONFIG_INVALID', 'the configuration cannot be used')
  }
  const settings = config.value
  return { settings, revisions: revisionsOf(settings, io.cwd, textOption(options, 'rules')) }
}

/** The one word a verb takes. @throws ERR_USAGE */
export function onlyWord(verb: string, words: readonly string[], what: string): string {
  const [word] = words
  if (word !== undefined && words.length === 1) return word
  throw new GatewayError('ERR_USAGE', `${verb} takes ${what}, and nothing else`)
}
