import type { FoundRecord } from '../../audit/read/find.ts'
import { valuesOf, type RecordFilter } from '../../audit/read/terms.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { CliIo } from '../io.ts'
import { countOption } from '../ledger-options.ts'
import { csvLine } from '../../domain/csv.ts'
import { createPaint, type Paint } from '../output/paint.ts'
import { plainText } from '../../domain/plain-text.ts'
import { formatOf, plural, textOption } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { FILTER_OPTIONS, filterOf, TRAIL_OPTIONS } from './filter-options.ts'
import { recordLine } from './record-line.ts'
import { openTrail, type Trail } from './trail.ts'

/** `modelgate audit query`: records of the ledger, found by its index. */
export const auditQuery: Verb = {
  options: {
    ...FILTER_OPTIONS,
    ...TRAIL_OPTIONS,
    outcomes: {
      type: 'boolean',
      help: 'also what became of each request that is found, and what else has its id',
    },
    limit: { type: 'string', value: 'N', help: 'only the newest N (default: all)' },
  },
  formats: ['text', 'json', 'jsonl', 'csv'],
  examples: [
    'modelgate audit query --subject user:corp/alice --during last-quarter --outcomes',
    'modelgate audit query --resource model:fraud --action export --effect deny --since 30d',
    'modelgate audit query --lock 0b9c3f4e-7d1a-4c53-9e0e-0a9f5c1d2e3b',
    'modelgate audit query --dir /var/lib/modelgate/audit --grant fraud-to-audit --format jsonl',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const filter = filterOf(options, Date.now())
  const limit = limitOf(options)
  const trail = await openTrail(options, io)
  const writer = writerOf(formatOf(options), createPaint(io.colour), trail.opens)
  let output = writer.head
  for await (const found of wanted(trail, filter, {
    limit,
    outcomes: options['outcomes'] === true,
  })) {
    output += writer.row(found)
    // One write for many rows: a process that prints a million lines one by one is slow at it.
    if (output.length < FLUSH_CHARS) continue
    io.out(output)
    output = ''
  }
  io.out(output + writer.end())
  return trail.finish()
}

const FLUSH_CHARS = 64 * 1024
const LIMIT_MAX = 1_000_000

function limitOf(options: OptionValues): number | undefined {
  if (textOption(options, 'limit') === undefined) return undefined
  const limit = countOption(options, 'limit', LIMIT_MAX)
  if (limit <= LIMIT_MAX) return limit
  throw new GatewayError('ERR_USAGE', `--limit takes at most ${LIMIT_MAX}`)
}

async function* wanted(
  trail: Trail,
  filter: RecordFilter,
  { limit, outcomes }: { readonly limit: number | undefined; readonly outcomes: boolean },
): AsyncGenerator<FoundRecord, void> {
  if (!outcomes) {
    if (limit === undefined) yield* trail.find(filter)
    else yield* await trail.newest(filter, limit)
    return
  }
  const ids = new Set<string>()
  const seqs = new Set<unknown>()
  for await (const { record } of wanted(trail, filter, { limit, outcomes: false })) {
    const [id] = valuesOf(record, 'id').texts
    if (id !== undefined) ids.add(id)
    else seqs.add(record['seq'])
    if (ids.size + seqs.size > LIMIT_MAX) {
      const message = `--outcomes takes at most ${LIMIT_MAX} requests; ask for a shorter time, or give --limit`
      throw new GatewayError('ERR_USAGE', message)
    }
  }
  if (ids.size > 0) yield* trail.find({ id: ids })
  // What has no id was found by itself: it comes behind.
  if (seqs.size === 0) return
  for await (const found of trail.find(filter)) if (seqs.has(found.record['seq'])) yield found
}

/** Writes records as they are found: nothing is kept. */
interface Writer {
  readonly head: string
  row(found: FoundRecord): string
  end(): string
}

function writerOf(format: string, paint: Paint, opens: boolean): Writer {
  if (format === 'json') return jsonWriter()
  if (format === 'jsonl') return linesWriter(opens)
  return format === 'csv' ? csvWriter() : textWriter(paint)
}

function textWriter(paint: Paint): Writer {
  let count = 0
  return {
    head: '',
    row: ({ record }) => {
      count += 1
      return `${recordLine(record, paint)}\n`
    },
    end: () =>
      count === 0
        ? 'Nothing is recorded.\n'
        : `${plural(count, 'record')}; the chain is not verified here\n`,
  }
}

/** A list, an element a line: it can be read as it comes, and as a whole. */
function jsonWriter(): Writer {
  let count = 0
  return {
    head: '[',
    row: ({ record }) => `${count++ === 0 ? '' : ','}\n${plainText(JSON.stringify(record))}`,
    end: () => '\n]\n',
  }
}

/** Each line as it is stored, byte by byte what its leaf hash is of, unless something was opened in it. */
function linesWriter(opens: boolean): Writer {
  return {
    head: '',
    row: ({ record, line }) => `${plainText(opens ? JSON.stringify(record) : line)}\n`,
    end: () => '',
  }
}

const FIELDS = [
  'status',
  'bytes_in',
  'bytes_out',
  'bytes',
  'meth',
  'path',
  'rule',
  'pol',
  'lock',
] as const
const COLUMNS = [
  'type',
  'id',
  'effect',
  'reason',
  'subject',
  'action',
  'resource',
  'grant',
  'ip',
] as const

function csvWriter(): Writer {
  return {
    head: csvLine(['time', 'seq', ...COLUMNS, ...FIELDS]),
    row: ({ record }) =>
      csvLine([
        scalar(record['ts']),
        scalar(record['seq']),
        ...COLUMNS.map((column) => valuesOf(record, column).texts.join(' ')),
        ...FIELDS.map((name) => scalar(record[name])),
      ]),
    end: () => '',
  }
}

function scalar(value: unknown): string | number | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' || typeof value === 'number' ? value : JSON.stringify(value)
}
