import {
  createShadowTally,
  type ShadowGroup,
  type ShadowReport,
} from '../assembly/shadow-report.ts'
import { scanRecords } from '../audit/read/scan.ts'
import { GatewayError } from '../domain/errors.ts'
import { EXIT, type CliIo } from './io.ts'
import {
  keysOption,
  LEDGER_OPTIONS,
  ledgerFolder,
  progressLine,
  timeOption,
} from './ledger-options.ts'
import { plainText } from '../domain/plain-text.ts'
import { plural, wantsJson } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate shadow report`: what shadow rules would have changed, from the ledger. */
export const shadow: Verb = {
  positionals: 'report',
  options: LEDGER_OPTIONS,
  examples: [
    'modelgate shadow report --since 7d',
    'modelgate shadow report --dir /var/lib/modelgate/audit --format json',
  ],
  run,
}

async function run(
  options: OptionValues,
  positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  if (positionals.length !== 1 || positionals[0] !== 'report') {
    throw new GatewayError('ERR_USAGE', 'write: modelgate shadow report')
  }
  const since = timeOption(options, 'since', Date.now())
  const dir = await ledgerFolder(options, io)
  const open = (await keysOption(options, io))?.record
  const tally = createShadowTally()
  const progress = progressLine(io)
  let unreadable = 0
  const records = scanRecords(dir, {
    type: 'decision',
    since,
    open,
    onProgress: progress.show,
    onUnreadable: () => void (unreadable += 1),
  })
  for await (const record of records) tally.take(record)
  progress.clear()
  const counted = tally.report()
  // Lines that are no record at all, and records that do not say what they must.
  const report = { ...counted, unreadable: counted.unreadable + unreadable }
  io.out(wantsJson(options) ? `${JSON.stringify({ dir, ...report }, null, 2)}\n` : text(report))
  return EXIT.ok
}

/** Operations of one rule that are printed. */
const OPERATIONS_SHOWN = 10

function text(report: ShadowReport): string {
  const { records, decided, unreadable, ungrouped, groups } = report
  const lines = [
    `${plural(records, 'decision')} recorded, ${decided} made by rules; the chain is not verified here`,
    ...(unreadable === 0 ? [] : [`${plural(unreadable, 'line')} not readable`]),
    '',
    ...groups.flatMap(groupLines),
    ...(ungrouped === 0 ? [] : [`${plural(ungrouped, 'request')} of further rules`, '']),
    conclusion(report),
  ]
  return `${lines.join('\n')}\n`
}

function groupLines(group: ShadowGroup): string[] {
  const { rule, enforced, shadow: other, reason, requests, operations, examples } = group
  const more = operations.length - OPERATIONS_SHOWN
  const least = group.subjectsExact ? '' : 'at least '
  return [
    `${plainText(rule)}  ${enforced} -> ${other}${reason === undefined ? '' : ` (${plainText(reason)})`}`,
    `  ${plural(requests, 'request')} of ${least}${plural(group.subjects, 'subject')}, revision ${plainText(group.revision)}`,
    ...operations
      .slice(0, OPERATIONS_SHOWN)
      .map((o) => `  ${String(o.requests).padStart(6)}  ${plainText(`${o.action} ${o.resource}`)}`),
    ...(more > 0 ? [`          and ${plural(more, 'other operation')}`] : []),
    `  such as ${examples.map(plainText).join(', ')}`,
    '',
  ]
}

function conclusion({ decided, wouldRefuse, wouldPermit, otherwise }: ShadowReport): string {
  if (wouldRefuse.requests + wouldPermit.requests + otherwise === 0) {
    return 'No shadow rule would have changed a decision.'
  }
  return (
    `If the shadow rules had been enforced: of ${plural(decided, 'request')}, ` +
    `${wouldRefuse.requests} (${plural(wouldRefuse.subjects, 'subject')}) would have been refused ` +
    `instead of permitted, ${wouldPermit.requests} (${plural(wouldPermit.subjects, 'subject')}) ` +
    `permitted instead of refused, and ${otherwise} refused for another reason.`
  )
}
