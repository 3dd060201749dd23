import type { LedgerRecord } from '../../domain/ports.ts'

/** Whether something goes on once the record is written. An export has happened when it is recorded. */
export function isPermit({ type, fields }: LedgerRecord): boolean {
  return fields['effect'] === 'permit' && type !== 'export'
}
