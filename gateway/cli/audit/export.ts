import { cloudEventOf } from '../../audit/formats/cloudevents.ts'
import { CSV_COLUMNS, csvCellsOf } from '../../audit/formats/csv.ts'
import { ecsDocumentOf } from '../../audit/formats/ecs.ts'
import { createDecisionJoin } from '../../audit/formats/join.ts'
import { ocsfEventOf } from '../../audit/formats/ocsf.ts'
import { leafHash } from '../../audit/line/record.ts'
import type { StoredRecord } from '../../audit/read/query.ts'
import { VERSION } from '../../version.ts'
import { csvLine } from '../../domain/csv.ts'
import { plainText } from '../../domain/plain-text.ts'
import { formatOf } from '../report.ts'
import type { CliIo } from '../io.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { FILTER_OPTIONS, filterOf, TRAIL_OPTIONS } from './filter-options.ts'
import { openTrail } from './trail.ts'

/** `modelgate audit export`: the ledger in the words of other systems, a line for each record. */
export const auditExport: Verb = {
  options: { ...FILTER_OPTIONS, ...TRAIL_OPTIONS },
  formats: ['ocsf', 'cloudevents', 'ecs', 'csv'],
  examples: [
    'modelgate audit export --since 1d > events.ndjson',
    'modelgate audit export --format csv --type export --since 90d > exports.csv',
    'modelgate audit export --format ecs --subject user:corp/alice --keys /var/lib/modelgate/keys',
  ],
  run,
}

/** One write for many lines. */
const FLUSH_CHARS = 64 * 1024

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const filter = filterOf(options, Date.now())
  const trail = await openTrail(options, io)
  const writer = (WRITERS[formatOf(options)] ?? ocsfWriter)()
  let output = writer.head
  for await (const { record, line } of trail.find(filter)) {
    output += writer.line(record, leafHash(line))
    if (output.length < FLUSH_CHARS) continue
    io.out(output)
    output = ''
  }
  if (output !== '') io.out(output)
  return trail.finish()
}

/** Writes records as they are read: nothing is kept but the decisions that wait for their outcome. */
interface Writer {
  readonly head: string
  line(record: StoredRecord, leafHash: string): string
}

const WRITERS: Readonly<Record<string, () => Writer>> = {
  ocsf: ocsfWriter,
  cloudevents: () => ({
    head: '',
    line: (record, hash) => jsonLine(cloudEventOf(record, hash)),
  }),
  ecs: () => {
    const join = createDecisionJoin()
    return {
      head: '',
      line: (record, hash) =>
        jsonLine(ecsDocumentOf(join.of(record), { version: VERSION, leafHash: hash })),
    }
  },
  csv: () => {
    const join = createDecisionJoin()
    return {
      head: csvLine(CSV_COLUMNS),
      line: (record, hash) => csvLine(csvCellsOf(join.of(record), hash)),
    }
  },
}

function ocsfWriter(): Writer {
  const join = createDecisionJoin()
  return {
    head: '',
    line: (record, hash) =>
      jsonLine(ocsfEventOf(join.of(record), { version: VERSION, leafHash: hash })),
  }
}

/** One line, on which a terminal finds nothing to act on. */
function jsonLine(value: object): string {
  return `${plainText(JSON.stringify(value))}\n`
}
