import { resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { GatewayError } from '../domain/errors.ts'
import type { CliIo } from './io.ts'
import { configFile, findingsOf, printDiagnostics, textOption } from './report.ts'
import type { OptionValues } from './verb.ts'

/** The rules directory: `--rules`, else that of the configuration. @throws ERR_CONFIG_INVALID */
export async function rulesFolder(options: OptionValues, io: CliIo): Promise<string> {
  const given = textOption(options, 'rules')
  if (given !== undefined) return resolve(io.cwd, given)
  const file = configFile(options, io)
  const config = await loadConfig({ file, cwd: io.cwd, env: io.env })
  if (config.ok) return resolve(io.cwd, config.value.rules.dir)
  printDiagnostics(io, findingsOf(config))
  throw new GatewayError('ERR_CONFIG_INVALID', 'the configuration names no rules; use --rules DIR')
}
