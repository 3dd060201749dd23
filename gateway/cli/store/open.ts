import { loadConfig } from '../../assembly/load-config.ts'
import { openConfigured, type ConfiguredStore } from '../../assembly/open-store.ts'
import { systemClock } from '../../domain/clock.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { CliIo } from '../io.ts'
import { plainText } from '../../domain/plain-text.ts'
import { configFile, findingsOf, printDiagnostics } from '../report.ts'
import type { OptionValues } from '../verb.ts'

/** Opens the store of the configuration, runs `work` on it, and closes it. */
export async function withStore<T>(
  options: OptionValues,
  io: CliIo,
  work: (store: ConfiguredStore) => Promise<T>,
): Promise<T> {
  const config = await loadConfig({ file: configFile(options, io), cwd: io.cwd, env: io.env })
  printDiagnostics(io, findingsOf(config))
  if (!config.ok) throw new GatewayError('ERR_CONFIG_INVALID', 'the configuration names no store')
  const say = (_fields: object, text?: string): void => io.err(`${plainText(text ?? '')}\n`)
  const log = { info: () => undefined, warn: say, error: say }
  const store = await openConfigured(config.value.store, { cwd: io.cwd, clock: systemClock, log })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** The one file that a verb was given. @throws ERR_USAGE */
export function oneFile(verb: string, positionals: readonly string[]): string {
  const [file, ...stray] = positionals
  if (file !== undefined && file !== '' && stray.length === 0) return file
  throw new GatewayError('ERR_USAGE', `${verb} takes one file`)
}
