import {
  isWantedExport,
  readExport,
  type ExportFilter,
  type RecordedExport,
} from '../assembly/export-ledger.ts'
import { TRAIL_OPTIONS } from './audit/filter-options.ts'
import { openTrail } from './audit/trail.ts'
import { EXIT, type CliIo } from './io.ts'
import { rangeOption } from './ledger-options.ts'
import { csvLine } from '../domain/csv.ts'
import { plainText } from '../domain/plain-text.ts'
import { formatOf, plural, textOption } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate exports`: what left, to whom and on whose word, from the ledger. */
export const exports: Verb = {
  options: {
    ...TRAIL_OPTIONS,
    resource: {
      type: 'string',
      value: 'R',
      help: 'only of this, such as model:fraud or model:fraud@3',
    },
    subject: { type: 'string', value: 'S', help: 'only to this caller: user:<issuer>/<sub>' },
    grant: { type: 'string', value: 'ID', help: 'only under this grant' },
  },
  formats: ['text', 'json', 'csv'],
  examples: [
    'modelgate exports --during last-quarter',
    'modelgate exports --resource model:fraud --format csv > exports.csv',
    'modelgate exports --dir /var/lib/modelgate/audit --grant fraud-to-audit --format json',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const range = rangeOption(options, Date.now())
  const filter: ExportFilter = {
    resource: textOption(options, 'resource'),
    subject: textOption(options, 'subject'),
    grant: textOption(options, 'grant'),
  }
  const trail = await openTrail(options, io)
  const writer = WRITERS[formatOf(options)] ?? textWriter
  let incomplete = 0
  const output = writer()
  io.out(output.head)
  for await (const { record } of trail.find({ type: ['export'], ...range })) {
    const one = readExport(record)
    if (one === undefined) incomplete += 1
    else if (isWantedExport(one, filter)) io.out(output.row(one))
  }
  io.out(output.end())
  const code = trail.finish()
  if (incomplete === 0) return code
  io.err(`${plural(incomplete, 'record')} incomplete\n`)
  return EXIT.failed
}

/** Writes exports as they are read: nothing is kept. */
interface Writer {
  readonly head: string
  row(one: RecordedExport): string
  end(): string
}

const WRITERS: Readonly<Record<string, () => Writer>> = {
  text: textWriter,
  json: jsonWriter,
  csv: csvWriter,
}

function textWriter(): Writer {
  let [count, bytes] = [0, 0]
  return {
    head: '',
    row(one) {
      count += 1
      bytes += one.bytes
      return textRow(one)
    },
    end: () =>
      count === 0
        ? 'No export is recorded.\n'
        : `${plural(count, 'export')}, ${bytes} bytes; the chain is not verified here\n`,
  }
}

function textRow(one: RecordedExport): string {
  const { matched, part, grant, approvers, sha256 } = one
  const declared = matched === undefined ? '' : matched ? ', as declared' : ', NOT as declared'
  const under = grant === undefined ? [] : [`  grant ${grant}${by(approvers)}`]
  const lines = [
    `${one.time}  ${one.resource} to ${one.subject}${one.client === undefined ? '' : ` at ${one.client}`}`,
    `  ${one.bytes} bytes${part === undefined ? '' : ` (${part})`}, ${endOf(one)}`,
    ...(sha256 === undefined ? [] : [`  sha256:${sha256}${declared}`]),
    ...under,
    `  ${one.method ?? ''} ${one.path ?? ''}, decision ${one.id}`,
  ]
  return `${lines.map(plainText).join('\n')}\n\n`
}

function by(approvers: readonly string[]): string {
  return approvers.length === 0 ? '' : `, approved by ${approvers.join(', ')}`
}

function endOf({ complete, reason, endedBy }: RecordedExport): string {
  return complete ? 'complete' : `ended by ${endedBy ?? 'nobody knows'}: ${reason ?? 'unknown'}`
}

/** A list, an element a line: it can be read as it comes, and as a whole. */
function jsonWriter(): Writer {
  let count = 0
  return {
    head: '[',
    row: (one) => `${count++ === 0 ? '' : ','}\n${plainText(JSON.stringify(one))}`,
    end: () => '\n]\n',
  }
}

const COLUMNS = [
  'time',
  'id',
  'subject',
  'client',
  'resource',
  'version',
  'upstream',
  'method',
  'path',
  'status',
  'bytes',
  'sha256',
  'part',
  'declared',
  'matched',
  'etag',
  'grant',
  'approvers',
  'resumed',
  'complete',
  'reason',
  'endedBy',
  'durationMs',
] as const satisfies readonly (keyof RecordedExport)[]

function csvWriter(): Writer {
  return {
    head: csvLine(COLUMNS),
    row: (one) =>
      csvLine(
        COLUMNS.map((column) => {
          const value = one[column]
          return typeof value === 'object' ? value.join(' ') : value
        }),
      ),
    end: () => '',
  }
}
