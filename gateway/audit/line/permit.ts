import type { LedgerRecord } from '../../domain/ports.ts'

/** Types of records that let something go on. */
const PERMITTING: ReadonlySet<string> = new Set(['decision', 'decision.more'])

/** Whether something goes on once the record is written; what has happened is none of these. */
export function isPermit({ type, fields }: LedgerRecord): boolean {
  return PERMITTING.has(type) && fields['effect'] === 'permit'
}
