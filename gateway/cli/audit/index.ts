import { checkIndexes, indexLedger } from '../../audit/read/index-build.ts'
import { EXIT, type CliIo } from '../io.ts'
import { LEDGER_OPTIONS, ledgerFolder, progressLine } from '../ledger-options.ts'
import { plural, wantsJson } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'

/** `modelgate audit index`: makes the index by which records are found fast, or checks it. */
export const auditIndex: Verb = {
  options: {
    dir: LEDGER_OPTIONS.dir,
    rebuild: { type: 'boolean', help: 'throw away what is there and make it anew' },
    check: { type: 'boolean', help: 'compare the index with the records, and change nothing' },
  },
  examples: [
    'modelgate audit index',
    'modelgate audit index --dir /var/lib/modelgate/audit --check',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const dir = await ledgerFolder(options, io)
  return options['check'] === true ? check(dir, options, io) : update(dir, options, io)
}

async function update(dir: string, options: OptionValues, io: CliIo): Promise<number> {
  const progress = progressLine(io, 'indexed')
  const rebuild = options['rebuild'] === true
  const report = await indexLedger(dir, { rebuild, onProgress: progress.show })
  progress.clear()
  const { segments, records, added, unwritable } = report
  if (wantsJson(options)) io.out(`${JSON.stringify({ dir, ...report }, null, 2)}\n`)
  else {
    const files = plural(segments, 'segment')
    io.out(`${plural(records, 'record')} of ${files} can be found by index, ${added} of them new\n`)
  }
  if (unwritable === undefined) return EXIT.ok
  io.err(`the index in ${dir} cannot be written: ${unwritable}\n`)
  return EXIT.failed
}

async function check(dir: string, options: OptionValues, io: CliIo): Promise<number> {
  const progress = progressLine(io, 'checked')
  const found = await checkIndexes(dir, { onProgress: progress.show })
  progress.clear()
  if (wantsJson(options)) io.out(`${JSON.stringify({ dir, ...found }, null, 2)}\n`)
  else if (found.differing.length === 0) {
    io.out(`the index is what the records make it: ${plural(found.records, 'record')} compared\n`)
  }
  for (const path of found.differing) io.err(`${path}: is not what its records make it\n`)
  return found.differing.length === 0 ? EXIT.ok : EXIT.failed
}
