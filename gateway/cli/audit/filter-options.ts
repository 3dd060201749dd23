import { closest } from '../../domain/diagnostics.ts'
import { GatewayError } from '../../domain/errors.ts'
import { ACTIONS } from '../../domain/vocabulary.ts'
import { COLUMNS, type Column, type RecordFilter } from '../../audit/read/terms.ts'
import { LEDGER_OPTIONS, PERIOD_OPTIONS, rangeOption } from '../ledger-options.ts'
import { listOption } from '../report.ts'
import type { OptionValues, VerbOption } from '../verb.ts'

/** Options that say which records are wanted; each may be repeated, and any of its values will do. */
export const FILTER_OPTIONS = {
  type: {
    type: 'string',
    value: 'T',
    multiple: true,
    help: 'only of this type: decision, outcome, export, incident, admin, policy.changed, …',
  },
  id: { type: 'string', value: 'ID', multiple: true, help: 'only of this request' },
  subject: {
    type: 'string',
    value: 'S',
    multiple: true,
    help: 'only of this caller: user:<issuer>/<sub>; or the id of a key of encrypted records',
  },
  action: { type: 'string', value: 'A', multiple: true, help: 'only where this was asked for' },
  resource: {
    type: 'string',
    value: 'R',
    multiple: true,
    help: 'only of this: model:fraud, in any version, or model:fraud@3',
  },
  effect: { type: 'string', value: 'permit|deny', multiple: true, help: 'only decided so' },
  reason: {
    type: 'string',
    value: 'CODE',
    multiple: true,
    help: 'only refused or ended for this reason: locked_out, no_permission, …',
  },
  grant: { type: 'string', value: 'ID', multiple: true, help: 'only under this grant' },
  ip: { type: 'string', value: 'ADDRESS', multiple: true, help: 'only from this client address' },
  lock: {
    type: 'string',
    value: 'ID',
    multiple: true,
    help: 'only what a lock did or stopped: its id; of a lockout, the id of the decision it goes back to',
  },
} as const satisfies Record<string, VerbOption>

/** Where the ledger is, which keys open it, when, and how it is read. */
export const TRAIL_OPTIONS = {
  ...LEDGER_OPTIONS,
  ...PERIOD_OPTIONS,
  'no-index': { type: 'boolean', help: 'read everything, and rely on no index' },
} as const satisfies Record<string, VerbOption>

/** The records that the options ask for. @throws ERR_USAGE */
export function filterOf(options: OptionValues, nowMs: number): RecordFilter {
  const { since, until } = rangeOption(options, nowMs)
  const wanted: Partial<Record<Column, readonly string[]>> = {}
  for (const name of COLUMNS) {
    const texts = listOption(options, name)
    if (texts.length > 0) wanted[name] = texts
  }
  checkWords('action', wanted.action, ACTIONS)
  checkWords('effect', wanted.effect, ['permit', 'deny'])
  return { ...wanted, since, until }
}

function checkWords(
  name: string,
  given: readonly string[] | undefined,
  known: readonly string[],
): void {
  const stranger = given?.find((word) => !known.includes(word))
  if (stranger === undefined) return
  const near = closest(stranger, known)
  throw usage(
    `--${name} is one of ${known.join(', ')}${near === undefined ? '' : `. Did you mean ${near}?`}`,
  )
}

function usage(message: string): GatewayError {
  return new GatewayError('ERR_USAGE', message)
}
