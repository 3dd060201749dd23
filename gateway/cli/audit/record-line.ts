/** A record in one line, for people. */
import type { StoredRecord } from '../../audit/read/query.ts'
import { valuesOf } from '../../audit/read/terms.ts'
import type { Paint } from '../output/paint.ts'
import { plainText } from '../../domain/plain-text.ts'

const TYPE_WIDTH = 9
const SHOWN_MAX = 4

/** Time, number, what it is, who, what, from where and which request. Safe for a terminal. */
export function recordLine(record: StoredRecord, paint: Paint): string {
  const { seq, ts, type, id } = record
  const parts = [
    paint.dim(text(ts)),
    paint.dim(text(seq).padStart(8)),
    what(record, paint),
    ...details(record, paint),
    ...(id === undefined ? [] : [paint.dim(text(id))]),
  ]
  return `${parts.filter((part) => part !== '').join('  ')}${type === undefined ? '?' : ''}`
}

/** A decision says how it was decided, everything else what it is. */
function what(record: StoredRecord, paint: Paint): string {
  const { type, effect } = record
  const word = text(type === 'decision' ? (effect ?? type) : type).padEnd(TYPE_WIDTH)
  if (effect === 'permit') return paint.green(word)
  if (effect === 'deny') return paint.red(word)
  if (type === 'incident' || text(type).startsWith('log.')) return paint.bold(word)
  return paint.cyan(word)
}

function details(record: StoredRecord, paint: Paint): string[] {
  const reason = text(record['reason'])
  return [
    reason === '' ? '' : paint.red(reason),
    [list(record, 'action'), list(record, 'resource')].filter((one) => one !== '').join(' '),
    list(record, 'subject'),
    list(record, 'ip'),
    named(record, 'grant', list(record, 'grant')),
    named(record, 'lock', text(record['lock'])),
    ...FIGURES.map((name) => named(record, name, text(record[name]))),
  ]
}

/** Of outcomes, exports, incidents and what the gateway says of itself. */
const FIGURES = [
  'status',
  'bytes_out',
  'bytes',
  'ms',
  'kind',
  'found',
  'what',
  'pol',
  'how',
  'why',
  'count',
] as const

function named(record: StoredRecord, name: string, value: string): string {
  const isDecision = record['type'] === 'decision' && name === 'pol'
  return value === '' || isDecision ? '' : `${name}=${value}`
}

function list(record: StoredRecord, column: Parameters<typeof valuesOf>[1]): string {
  const { texts, odd } = valuesOf(record, column)
  if (texts.length === 0) return odd && column === 'subject' ? '(encrypted)' : ''
  const more = texts.length > SHOWN_MAX ? ` +${texts.length - SHOWN_MAX}` : ''
  return plainText(texts.slice(0, SHOWN_MAX).join(',')) + more
}

function text(value: unknown): string {
  if (value === undefined || value === null) return ''
  return plainText(typeof value === 'string' ? value : JSON.stringify(value))
}
