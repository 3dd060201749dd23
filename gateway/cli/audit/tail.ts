import { setTimeout as sleep } from 'node:timers/promises'
import { newestRecords, type RecordOpener } from '../../audit/read/find.ts'
import { endOfLog, followLines } from '../../audit/read/follow.ts'
import type { StoredRecord } from '../../audit/read/query.ts'
import { isWanted, type RecordFilter } from '../../audit/read/terms.ts'
import { EXIT, type CliIo } from '../io.ts'
import { countOption, keysOption, LEDGER_OPTIONS, ledgerFolder } from '../ledger-options.ts'
import { createPaint } from '../output/paint.ts'
import { plainText } from '../../domain/plain-text.ts'
import { formatOf } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { FILTER_OPTIONS, filterOf } from './filter-options.ts'
import { recordLine } from './record-line.ts'

const LINES_DEFAULT = 10
const POLL_MS = 200

/** `modelgate audit tail`: the newest records, and with `-f` those that come. */
export const auditTail: Verb = {
  options: {
    follow: { type: 'boolean', short: 'f', help: 'go on with records as they are written' },
    lines: {
      type: 'string',
      short: 'n',
      value: 'N',
      help: `records to begin with (default ${LINES_DEFAULT})`,
    },
    dir: LEDGER_OPTIONS.dir,
    keys: LEDGER_OPTIONS.keys,
    ...FILTER_OPTIONS,
  },
  formats: ['text', 'jsonl'],
  examples: [
    'modelgate audit tail -f',
    'modelgate audit tail -f --effect deny --resource model:fraud',
    'modelgate audit tail -n 100 --type export --format jsonl',
  ],
  run,
}

type Print = (record: StoredRecord, line: string) => string

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const filter = filterOf(options, Date.now())
  const countMax = countOption(options, 'lines', LINES_DEFAULT)
  const dir = await ledgerFolder(options, io)
  const opener = await keysOption(options, io)
  const paint = createPaint(io.colour)
  const print: Print =
    formatOf(options) === 'text'
      ? (record) => `${recordLine(record, paint)}\n`
      : (record, line) => `${plainText(opener === undefined ? line : JSON.stringify(record))}\n`
  // The place first: a record that comes meanwhile is shown twice rather than not at all.
  const place = endOfLog(dir)
  const newest = await newestRecords(dir, filter, { countMax, opener })
  const last = newest.at(-1)?.record['seq']
  io.out(newest.map(({ record, line }) => print(record, line)).join(''))
  if (options['follow'] !== true) return EXIT.ok
  const wait = waiting(io)
  for await (const bytes of followLines(dir, place, { wait })) {
    const line = bytes.toString('utf8')
    const shown = shownOf(line, filter, opener)
    if (shown !== undefined && !isAfter(last, shown['seq'])) io.out(print(shown, line))
  }
  return EXIT.ok
}

/** Whether what was shown at the beginning reaches that far. */
function isAfter(last: unknown, seq: unknown): boolean {
  return typeof last === 'number' && typeof seq === 'number' && seq <= last
}

function shownOf(
  line: string,
  filter: RecordFilter,
  opener: RecordOpener | undefined,
): StoredRecord | undefined {
  try {
    const stored = JSON.parse(line) as StoredRecord
    const record = opener === undefined ? stored : opener.record(stored)
    return isWanted(record, filter) ? record : undefined
  } catch {
    return undefined
  }
}

/** Looks again a few times a second, until a signal says that it is enough. */
function waiting(io: CliIo): () => Promise<boolean> {
  const stop = new AbortController()
  io.onSignal('stop', () => stop.abort())
  return () =>
    sleep(POLL_MS, true, { signal: stop.signal }).catch((error: unknown) => {
      if (stop.signal.aborted) return false
      throw error
    })
}
