import type { StoredRecord } from '../read/query.ts'
import type { Filterable } from './filter.ts'
import { maskFields } from './mask.ts'
import type { Outgoing } from './sink-port.ts'
import type { TailRecord } from './tail.ts'

/** A record as it goes out, with the whole of it for the filter. Parsed only when it is asked for. */
export function outgoing(
  tailRecord: TailRecord,
  mask: readonly string[],
): Outgoing & { readonly whole: Filterable } {
  const { seq, hash, ts, boot, type } = tailRecord
  const original = tailRecord.line.toString('utf8')
  let parsed: StoredRecord | undefined
  const whole = {
    type,
    get record() {
      return (parsed ??= JSON.parse(original) as StoredRecord)
    },
  }
  if (mask.length === 0) {
    const record = { enumerable: true, get: () => whole.record }
    const plain = { seq, hash, ts, boot, type, line: original, whole }
    return Object.defineProperty(plain, 'record', record) as Outgoing & { whole: Filterable }
  }
  let masked: { readonly record: StoredRecord; readonly line: string } | undefined
  const cut = () =>
    (masked ??= maskFields(whole.record, mask, hash) ?? { record: whole.record, line: original })
  return {
    ...{ seq, hash, ts, boot, type, whole },
    get record() {
      return cut().record
    },
    get line() {
      return cut().line
    },
  }
}
