/** What a record may be called, and what its fields may not: the ledger has words of its own. */
import { invariant } from '../../domain/errors.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import { quote } from './text.ts'

const RESERVED = new Set(['v', 'log', 'seq', 'ts', 'mono', 'boot', 'prev', 'type', 'omitted'])

/** Whether `text` may be the type of a record: `decision`, `log.opened`. */
export function isRecordType(text: string): boolean {
  return /^[a-z][a-z0-9._-]{0,63}$/.test(text)
}

/** @throws ERR_INTERNAL when the type or the name of a field is not one that a record may have */
export function refuseForeign({ type, fields }: LedgerRecord): void {
  if (!isRecordType(type)) invariant(false, `record type ${quote(type)}`)
  for (const key in fields) {
    if (RESERVED.has(key)) invariant(false, `field name ${quote(key)} is the ledger's own`)
  }
}
