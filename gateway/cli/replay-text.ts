import type { ChangedGroup, ChangeKind, JudgedAs, ReplayReport } from '../assembly/replay.ts'
import { plainText } from '../domain/plain-text.ts'
import { plural } from './report.ts'

/** What the text is made of: a report, and what was left out of it. */
export interface ShownReplay extends ReplayReport {
  /** Lines of the ledger that are no record. */
  readonly unreadable: number
  /** Groups that are not listed. */
  readonly unlisted: number
}

/** A replay for people. */
export function replayText(report: ShownReplay): string {
  const lines = [
    `rules     ${report.revision}`,
    `records   ${plural(report.records, 'decision')}; the chain is not verified here`,
    `judged    ${plural(report.judged, 'request')} again`,
    ...counted('refused before any rule was asked', report.undecided),
    ...counted('cannot be judged', report.incomplete),
    ...(report.unreadable === 0 ? [] : [`  ${plural(report.unreadable, 'line')} unreadable`]),
    ...selfCheckLines(report),
    '',
    ...SECTIONS.flatMap(([change, title]) => section(report, change, title)),
    ...(report.unlisted === 0 ? [] : [`${report.unlisted} more are not listed; see --limit`, '']),
    ...(report.ungrouped === 0
      ? []
      : [`${plural(report.ungrouped, 'request')} more, of too many kinds to tell apart`, '']),
    conclusion(report),
  ]
  return `${lines.join('\n')}\n`
}

const SECTIONS: readonly (readonly [ChangeKind, string])[] = [
  ['loses', 'Would be refused, and was permitted'],
  ['gains', 'Would be permitted, and was refused'],
  ['reason', 'Would be refused for another reason'],
]

function counted(title: string, counts: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(counts)
  if (entries.length === 0) return []
  const total = entries.reduce((sum, [, count]) => sum + count, 0)
  return [`  ${total} ${title}`, ...entries.map(([name, n]) => `    ${n}  ${plainText(name)}`)]
}

function selfCheckLines({ selfCheck }: ReplayReport): string[] {
  const { compared, differing, examples } = selfCheck
  if (compared === 0) return []
  const made = `${plural(compared, 'request')} decided under this very revision`
  if (differing === 0) return [`check     ${made}: every answer is the same`]
  return [
    `check     ${made}: ${plural(differing, 'answer')} DIFFERS, such as ${examples.map(plainText).join(', ')}`,
    '          Rules of one revision decide one request in one way. The records were altered, or',
    '          another version of the gateway made them. Verify the ledger first.',
  ]
}

function section(report: ReplayReport, change: ChangeKind, title: string): string[] {
  const total = report.changed[change]
  const groups = report.groups.filter((group) => group.change === change)
  if (total === 0 || (change === 'reason' && groups.length === 0)) return []
  return [`${title}: ${plural(total, 'request')}`, ...groups.flatMap(groupLines), '']
}

function groupLines(group: ChangedGroup): string[] {
  const { subject, action, resource, before, after, requests, examples } = group
  return [
    `  ${String(requests).padStart(6)}  ${plainText(`${subject} ${action} ${resource}`)}`,
    `          was ${judged(before)}`,
    `          now ${judged(after)}`,
    `          such as ${examples.map(plainText).join(', ')}`,
  ]
}

function judged({ effect, reason, rule }: JudgedAs): string {
  const why = reason === undefined ? '' : ` (${reason})`
  return plainText(`${effect}${why}${rule === undefined ? '' : ` by ${rule}`}`)
}

const NOTHING = 'Nothing was judged: no request that rules decided is on record here, in this time.'

function conclusion({ changed, judged, incomplete }: ReplayReport): string {
  const { gains, loses, reason } = changed
  const other =
    reason === 0 ? '' : ` ${plural(reason, 'request')} would be refused for another reason.`
  const missing = Object.values(incomplete).reduce((sum, count) => sum + count, 0)
  const silent = missing === 0 ? '' : ` Of ${plural(missing, 'request')} nothing can be said.`
  if (judged + missing === 0) return NOTHING
  if (gains + loses === 0) return `No permission would change.${other}${silent}`
  return (
    `Of ${plural(judged, 'request')}, ${loses} would be refused that ${were(loses)} permitted, and ` +
    `${gains} permitted that ${were(gains)} refused.${other}${silent}`
  )
}

const were = (count: number): string => (count === 1 ? 'was' : 'were')
