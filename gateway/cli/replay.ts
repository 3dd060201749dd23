import { loadRules } from '../assembly/load-rules.ts'
import { createReplay, type ReplayReport } from '../assembly/replay.ts'
import { scanRecords } from '../audit/read/scan.ts'
import { createDecisionPoint } from '../pdp/decision/decision-point.ts'
import { EXIT, type CliIo } from './io.ts'
import {
  countOption,
  keysOption,
  LEDGER_OPTIONS,
  ledgerFolder,
  progressLine,
  timeOption,
} from './ledger-options.ts'
import { replayText } from './replay-text.ts'
import { findingsOf, printDiagnostics, rulesFolder, wantsJson } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

const LISTED_DEFAULT = 50

/** `modelgate replay`: which recorded decisions would be different under other rules. */
export const replay: Verb = {
  options: {
    ...LEDGER_OPTIONS,
    until: { type: 'string', value: 'TIME', help: 'records before then, in the same forms' },
    limit: {
      type: 'string',
      value: 'N',
      help: `changes listed, the most frequent first (default ${LISTED_DEFAULT})`,
    },
    reasons: { type: 'boolean', help: 'also list requests that would be refused otherwise' },
    'exit-code': {
      type: 'boolean',
      help: 'end with 1 when something would be permitted or refused that was not',
    },
  },
  examples: [
    'modelgate replay --rules candidate --since 7d',
    'modelgate replay --rules candidate --dir /var/lib/modelgate/audit --format json --exit-code',
  ],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const nowMs = Date.now()
  const listed = countOption(options, 'limit', LISTED_DEFAULT)
  const range = {
    since: timeOption(options, 'since', nowMs),
    until: timeOption(options, 'until', nowMs),
  }
  const rules = await loadRules(await rulesFolder(options, io), undefined)
  if (!rules.ok) {
    printDiagnostics(io, findingsOf(rules))
    return EXIT.invalid
  }
  const dir = await ledgerFolder(options, io)
  const open = (await keysOption(options, io))?.record
  const { policy, resources } = rules.value
  const work = createReplay({ decisionPoint: createDecisionPoint(policy), resources })
  const progress = progressLine(io)
  let unreadable = 0
  const records = scanRecords(dir, {
    type: 'decision',
    ...range,
    open,
    onProgress: progress.show,
    onUnreadable: () => void (unreadable += 1),
  })
  for await (const record of records) work.take(record)
  progress.clear()
  const report = work.report()
  const shown = { ...report, ...listedGroups(report, listed, options['reasons'] === true) }
  io.out(
    wantsJson(options)
      ? `${JSON.stringify({ dir, unreadable, ...shown }, null, 2)}\n`
      : replayText({ ...shown, unreadable }),
  )
  // A ledger of which nothing can be read proves nothing, least of all that nothing would change.
  if (unreadable > 0 && report.records === 0) return EXIT.failed
  if (report.selfCheck.differing > 0) return EXIT.failed
  const { gains, loses } = report.changed
  return options['exit-code'] === true && gains + loses > 0 ? EXIT.failed : EXIT.ok
}

/** The groups to list, and how many are not. */
function listedGroups(
  { groups }: ReplayReport,
  listed: number,
  withReasons: boolean,
): { readonly groups: ReplayReport['groups']; readonly unlisted: number } {
  const wanted = groups.filter(({ change }) => withReasons || change !== 'reason')
  return { groups: wanted.slice(0, listed), unlisted: Math.max(0, wanted.length - listed) }
}
