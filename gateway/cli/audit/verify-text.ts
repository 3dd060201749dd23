/** What `audit verify` prints. */
import type { LogReport } from '../../audit/verify/verify-log.ts'
import type { Verdict } from '../../audit/verify/fault.ts'
import type { CliIo } from '../io.ts'
import { createPaint } from '../output/paint.ts'
import { plainText } from '../../domain/plain-text.ts'
import { plural } from '../report.ts'
import type { GivenKeys } from './key-options.ts'

const SAYS: Readonly<Record<Verdict, string>> = {
  intact: 'every record is as it was signed',
  tampered: 'something was changed',
  truncated: 'records that were signed are gone',
  unproven: 'nothing signed speaks for the last records',
  gaps: 'what is there is as it was signed; the ledger says itself that something was lost',
}

/** For people. */
export function verifyText(
  report: LogReport,
  { dir, given, io }: { readonly dir: string; readonly given: GivenKeys; readonly io: CliIo },
): string {
  const { verdict, fault, facts, size } = report
  const paint = createPaint(io.colour)
  const colour = fault === undefined ? paint.green : paint.red
  const word = colour(paint.bold(verdict.toUpperCase()))
  const lines = [`${word}  ${SAYS[verdict]}`, '']
  if (fault !== undefined) {
    const at = fault.line > 0 ? `:${fault.line}` : ''
    lines.push(`record ${fault.seq}: ${fault.class}: ${plainText(fault.message)}`)
    lines.push(`  ${plainText(fault.file)}${at}`, '')
  }
  lines.push(
    `log        ${plainText(report.log ?? 'without a record')}`,
    `in         ${plainText(dir)}`,
    `records    ${size}${report.firstSeq > 0 ? `, from ${report.firstSeq} on; older ones were removed` : ''}`,
    `read       ${plural(facts.records, 'record')} in ${plural(report.segments, 'file')}, ${plural(facts.boots, 'run')}`,
    `signed     ${signed(report, given)}`,
    ...(report.root === undefined ? [] : [`root       ${report.root}`]),
    ...warnings(report),
  )
  return `${lines.join('\n')}\n`
}

function signed({ facts, unproven }: LogReport, { keys, witnesses }: GivenKeys): string {
  const known =
    keys.length === 0
      ? 'not looked at: no --vkey was given'
      : `${facts.signed} records, ${plural(facts.checkpoints, 'checkpoint')}`
  const seen = witnesses.length === 0 ? '' : `; witnessed ${facts.witnessed}`
  const anchored = facts.anchored === 0 ? '' : `; anchored ${facts.anchored}`
  return `${known}${seen}${anchored}${unproven === 0 ? '' : `; ${unproven} unproven`}`
}

/** Of the findings, those that are shown; `--format json` has more of them. */
const FINDINGS_SHOWN = 10

function warnings({ facts, torn, findings }: LogReport): readonly string[] {
  const found = findings
    .slice(0, FINDINGS_SHOWN)
    .map((one) => `finding    record ${one.seq}: ${one.class}: ${plainText(one.message)}`)
  const left = findings.length - found.length + Math.max(0, facts.misshapen - facts.shapes.length)
  if (left > 0) found.push(`finding    and ${left} more`)
  const gaps = facts.gaps.map(
    ({ seq, by, reason, kept, lost }) =>
      `gap        record ${seq}: ${plainText(by)} accepted ${kept} of ${lost} records: ${plainText(reason)}`,
  )
  const counted = [
    { count: torn, text: `${torn} bytes of a line without end: the writer died, or is writing` },
    { count: facts.recovered, text: `${plural(facts.recovered, 'time')} recovered after a crash` },
    {
      count: facts.degraded,
      text: `${plural(facts.degraded, 'time')} not writable, ${plural(facts.refused, 'record')} refused`,
    },
    {
      count: facts.clockBackwards,
      text: `time goes backwards ${plural(facts.clockBackwards, 'time')}`,
    },
    {
      count: facts.silences,
      text: `${plural(facts.silences, 'time')} silent for longer than 30 s`,
    },
  ]
  const shown = counted.filter(({ count }) => count > 0).map(({ text }) => `note       ${text}`)
  return [...found, ...gaps, ...shown]
}

/** For programs: one object. */
export function verifyJson(report: LogReport): string {
  const { verdict, fault, log, size, root, firstSeq, unproven, torn, segments, facts } = report
  const { findings } = report
  return `${JSON.stringify(
    {
      verdict,
      fault: fault ?? null,
      log: log ?? null,
      size,
      root: root ?? null,
      first: firstSeq,
      unproven,
      torn_bytes: torn,
      files: segments,
      records: facts.records,
      bytes: facts.bytes,
      runs: facts.boots,
      checkpoints: facts.checkpoints,
      signed: facts.signed,
      witnessed: facts.witnessed,
      anchored: facts.anchored,
      removed_to: facts.prunedTo,
      recovered: facts.recovered,
      degraded: facts.degraded,
      refused: facts.refused,
      clock_backwards: facts.clockBackwards,
      silences: facts.silences,
      gaps: facts.gaps,
      misshapen: facts.misshapen,
      findings,
    },
    null,
    2,
  )}\n`
}
