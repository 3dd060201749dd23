import { createStatistics, type Counted, type Statistics } from '../../audit/read/statistics.ts'
import type { CliIo } from '../io.ts'
import { countOption } from '../ledger-options.ts'
import { createPaint, type Paint } from '../output/paint.ts'
import { plainText } from '../../domain/plain-text.ts'
import { plural, wantsJson } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { FILTER_OPTIONS, filterOf, TRAIL_OPTIONS } from './filter-options.ts'
import { openTrail } from './trail.ts'

const TOP_DEFAULT = 10

/** `modelgate audit stats`: how much of what the ledger holds. */
export const auditStats: Verb = {
  options: {
    ...FILTER_OPTIONS,
    ...TRAIL_OPTIONS,
    top: {
      type: 'string',
      value: 'N',
      help: `callers and models listed, the most frequent first (default ${TOP_DEFAULT})`,
    },
  },
  examples: [
    'modelgate audit stats --during last-month',
    'modelgate audit stats --resource model:fraud --since 7d --format json',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const filter = filterOf(options, Date.now())
  const top = countOption(options, 'top', TOP_DEFAULT)
  const trail = await openTrail(options, io)
  const statistics = createStatistics()
  for await (const { record } of trail.find(filter)) statistics.take(record)
  const report = statistics.report(top)
  if (wantsJson(options)) io.out(`${JSON.stringify({ dir: trail.dir, ...report }, null, 2)}\n`)
  else io.out(statsText(report, createPaint(io.colour)))
  return trail.finish()
}

function statsText(report: Statistics, paint: Paint): string {
  const { records, first = '', last = '', untold, bytesOut, exports } = report
  if (records === 0) return 'Nothing is recorded.\n'
  const lists: readonly (readonly [string, readonly Counted[], number])[] = [
    ['Records', report.types, 0],
    ['Decisions', report.effects, 0],
    ['Refused for', report.reasons, 0],
    ['Asked for', report.actions, 0],
    ['Resources', report.resources, untold.resources],
    ['Callers', report.subjects, untold.subjects],
  ]
  const sections = lists
    .filter(([, list]) => list.length > 0)
    .map(([title, list, more]) => section(paint.bold(title), list, more))
  return [
    `${plural(records, 'record')} from ${plainText(first)} to ${plainText(last)}`,
    `${bytesOut} bytes went out; ${plural(exports.count, 'export')} of ${exports.bytes} bytes`,
    '',
    ...sections,
    'The chain is not verified here.',
    '',
  ].join('\n')
}

function section(title: string, list: readonly Counted[], untold: number): string {
  const width = Math.max(...list.map(({ count }) => String(count).length))
  const rows = list.map(
    ({ name, count }) => `  ${String(count).padStart(width)}  ${plainText(name)}`,
  )
  const more = untold === 0 ? [] : [`  ${untold} more, of names that were not told apart`]
  return [title, ...rows, ...more, ''].join('\n')
}
