import { systemFiles } from '../../audit/files/file-port.ts'
import { proveRecord } from '../../audit/verify/proof.ts'
import { GatewayError } from '../../domain/errors.ts'
import { EXIT, type CliIo } from '../io.ts'
import { LEDGER_OPTIONS, ledgerFolder } from '../ledger-options.ts'
import { textOption } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'

/** `modelgate audit prove`: a proof that a record is in the ledger. */
export const auditProve: Verb = {
  options: {
    dir: LEDGER_OPTIONS.dir,
    seq: { type: 'string', value: 'N', help: 'the number of the record: its field seq' },
  },
  formats: ['text'],
  examples: ['modelgate audit prove --seq 1041 > 1041.tlog-proof'],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const seq = textOption(options, 'seq') ?? ''
  if (!/^(?:0|[1-9]\d{0,15})$/.test(seq) || !Number.isSafeInteger(Number(seq))) {
    throw new GatewayError('ERR_USAGE', 'name the record: --seq N')
  }
  const dir = await ledgerFolder(options, io)
  io.out(proveRecord(systemFiles, dir, Number(seq)))
  return EXIT.ok
}
