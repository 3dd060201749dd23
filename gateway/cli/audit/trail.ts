/** The ledger as the verbs that ask it open it: with an up-to-date index, and with keys. */
import { findRecords, newestRecords, type FoundRecord } from '../../audit/read/find.ts'
import { indexLedger } from '../../audit/read/index-build.ts'
import type { RecordFilter } from '../../audit/read/terms.ts'
import { EXIT, type CliIo } from '../io.ts'
import { keysOption, ledgerFolder, progressLine } from '../ledger-options.ts'
import { plural } from '../report.ts'
import type { OptionValues } from '../verb.ts'

/** A ledger that can be asked. The chain is not verified here. */
export interface Trail {
  readonly dir: string
  /** Whether encrypted fields are opened. */
  readonly opens: boolean
  /** In the order they were written. */
  find(filter: RecordFilter): AsyncGenerator<FoundRecord, void>
  /** The newest so many, oldest first. */
  newest(filter: RecordFilter, countMax: number): Promise<readonly FoundRecord[]>
  /** Says how many lines were no records. @returns the exit code */
  finish(): number
}

/** Opens the ledger of the options. @throws ERR_USAGE ERR_CONFIG_INVALID */
export async function openTrail(options: OptionValues, io: CliIo): Promise<Trail> {
  const dir = await ledgerFolder(options, io)
  const opener = await keysOption(options, io)
  const withoutIndex = options['no-index'] === true
  if (!withoutIndex) await updateIndex(dir, io)
  const progress = progressLine(io)
  let unreadable = 0
  const onUnreadable = () => void (unreadable += 1)
  const reading = { withoutIndex, opener, onUnreadable }
  return {
    dir,
    opens: opener !== undefined,
    async *find(filter) {
      for await (const found of findRecords(dir, filter, {
        ...reading,
        onProgress: progress.show,
      })) {
        progress.clear()
        yield found
      }
      progress.clear()
    },
    newest: (filter, countMax) => newestRecords(dir, filter, { ...reading, countMax }),
    finish() {
      if (unreadable === 0) return EXIT.ok
      io.err(`${plural(unreadable, 'line')} not readable\n`)
      return EXIT.failed
    },
  }
}

/** Where no index can be written, what is not in one is read: that is slower, and as complete. */
async function updateIndex(dir: string, io: CliIo): Promise<void> {
  const progress = progressLine(io, 'indexed')
  const { unwritable } = await indexLedger(dir, { onProgress: progress.show })
  progress.clear()
  if (unwritable === undefined || !io.interactive) return
  io.err(`the index cannot be written (${unwritable}): more of the ledger is read instead\n`)
}
