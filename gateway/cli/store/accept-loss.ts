import { resolve } from 'node:path'
import { loadConfig } from '../../assembly/load-config.ts'
import { readSeen, writeAccepted } from '../../assembly/replica/seen-file.ts'
import { GatewayError } from '../../domain/errors.ts'
import { ACCEPTANCE_OPTIONS, acceptanceOf } from '../acceptance.ts'
import { EXIT, type CliIo } from '../io.ts'
import { configFile, findingsOf, printDiagnostics, wantsJson } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'

/** `modelgate store accept-loss`: goes on with a journal that has lost entries. */
export const storeAcceptLoss: Verb = {
  options: ACCEPTANCE_OPTIONS,
  examples: ['modelgate store accept-loss --reason "Redis restored from the backup of 03:00"'],
  run,
}

/** What is known of the journal is left beside the ledger by the gateway, which takes the word up there. */
async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const { by, reason } = acceptanceOf(options, io)
  const dir = await ledgerDir(options, io)
  const seen = await readSeen(dir)
  if (seen?.found === undefined) {
    io.err('There is nothing to accept: the gateway has not said that entries are lost.\n')
    io.err('One that was stopped says so after its next start.\n')
    return EXIT.failed
  }
  const { epoch, seq, found } = seen
  const known = { epoch, seq }
  await writeAccepted(dir, { by, reason, known, found: { epoch: found.epoch } })
  if (wantsJson(options)) io.out(`${JSON.stringify({ known, found })}\n`)
  else {
    io.out(`known: entry ${seq} of journal ${epoch}\n`)
    io.out(`found: entry ${found.seq} of journal ${found.epoch}\n`)
    io.out('accepted; the gateway takes it up at once, or when it is started\n')
  }
  return EXIT.ok
}

async function ledgerDir(options: OptionValues, io: CliIo): Promise<string> {
  const { cwd, env } = io
  const config = await loadConfig({ file: configFile(options, io), cwd, env })
  if (config.ok) return resolve(cwd, config.value.audit.dir)
  printDiagnostics(io, findingsOf(config))
  throw new GatewayError('ERR_CONFIG_INVALID', 'the configuration says where the ledger is')
}
