/** The lines of a file that holds what a store keeps for good: JSON, each on its own. */
import { GatewayError } from '../../domain/errors.ts'
import type { JournalEntry, JournalSnapshot, PrivilegeUse } from '../../domain/journal.ts'
import type { Lockout } from '../../domain/shared-state.ts'
import { grantUseFrom, type KeptGrantUse } from '../../store/contents.ts'

/** Form of the file. */
export const FILE_VERSION = 1

/** The first line. */
export interface HeaderLine {
  readonly type: 'header'
  readonly v: number
  readonly epoch: string
  /** The last entry in the file. */
  readonly seq: number
  /** RFC 3339. */
  readonly exported_at: string
}

/** One line; in the order header, snapshot, entries, the others in any order, end. */
export type TransferLine =
  | HeaderLine
  | ({ readonly type: 'snapshot' } & JournalSnapshot)
  | ({ readonly type: 'entry' } & JournalEntry)
  | ({ readonly type: 'grant-use' } & KeptGrantUse)
  | ({ readonly type: 'lockout' } & Lockout)
  | ({ readonly type: 'use' } & PrivilegeUse)
  | { readonly type: 'cursor'; readonly name: string; readonly seq: number }
  /** How many lines are before it: a file without it was cut short. */
  | { readonly type: 'end'; readonly lines: number }

/** The text of a line, with its end. Nothing in it ends a line for a reader that knows Unicode. */
export function lineText(line: TransferLine): string {
  const text = JSON.stringify(line).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
  return `${text}\n`
}

/** Reads a line. @throws ERR_USAGE with its number when it is none */
export function lineFrom(text: string, number: number): TransferLine {
  try {
    const value = JSON.parse(text) as Readonly<Record<string, unknown>> | null
    if (value !== null && typeof value === 'object' && isLine(value)) {
      return value as unknown as TransferLine
    }
  } catch {
    // It is told below, without the text, which can hold names of people.
  }
  throw refused(number, 'it is not a line of an export')
}

/** The refusal of a file, at a line; 0 where it has none. */
export function refused(number: number, why: string): GatewayError {
  const where = number === 0 ? 'the file' : `line ${number}`
  return new GatewayError('ERR_USAGE', `${where}: ${why}; nothing was imported`)
}

type Members = Readonly<Record<string, unknown>>

const isText = (value: unknown): boolean => typeof value === 'string'
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isEpoch = (value: unknown): boolean => isText(value) && /^[0-9a-f]{32}$/.test(String(value))

const FORMS: Readonly<Record<TransferLine['type'], (line: Members) => boolean>> = {
  header: (line) => line['v'] === FILE_VERSION && isEpoch(line['epoch']) && isCount(line['seq']),
  snapshot: (line) => isEpoch(line['epoch']) && isCount(line['seq']) && isText(line['text']),
  entry: (line) => isCount(line['seq']) && isCount(line['at']) && isText(line['text']),
  'grant-use': (line) => grantUseFrom(line).grant !== '',
  lockout: (line) =>
    isText(line['subject']) && isText(line['decisionId']) && isCount(line['until']),
  use: (line) => isText(line['privilege']) && isCount(line['at']),
  cursor: (line) => isText(line['name']) && isCount(line['seq']),
  end: (line) => isCount(line['lines']),
}

function isLine(line: Members): boolean {
  const type = String(line['type'])
  return Object.hasOwn(FORMS, type) && FORMS[type as TransferLine['type']](line)
}
