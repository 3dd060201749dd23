/** Which records of the ledger are told of, and what is said of each: pure. */
import type { NoticeFacts } from '../../access/notice.ts'
import { INCIDENT_KINDS } from '../../domain/incidents.ts'
import type { LedgerRecord, LedgerValue } from '../../domain/ports.ts'
import type { Happening } from './outbox.ts'

type Fields = LedgerRecord['fields']

/** Locks take longer than this on a replica that has a problem. */
const LATE_MS = 1_000
const TEXT_MAX = 256

/** What to tell of `record`; `undefined` for nearly all of them. */
export function happeningOf({ type, fields }: LedgerRecord): Happening | undefined {
  switch (type) {
    case 'decision':
    case 'admin':
      return fields['effect'] === 'deny' ? refused(fields) : undefined
    case 'export':
      return exported(fields)
    case 'incident':
      return incident(fields)
    case 'lock.enforced': {
      const isLate = typeof fields['ms'] === 'number' && fields['ms'] > LATE_MS
      return isLate ? raised('lock_late', { ...some(fields, ['lock', 'ms', 'cut']) }) : undefined
    }
    default:
      return undefined
  }
}

/** An incident of the gateway itself; one of a kind waits at a time. */
export function raised(kind: Happening['kind'], facts: NoticeFacts): Happening {
  return { type: 'incident.raised', kind, key: '', facts }
}

function incident(fields: Fields): Happening | undefined {
  const kind = INCIDENT_KINDS.find((one) => one === fields['kind'])
  if (kind === undefined) return undefined
  const alike = some(fields, ['found', 'sub', 'upstream'])
  const facts = { decision: text(fields['id']), ...alike, ...some(fields, ['ip', 'locked_until']) }
  return { ...raised(kind, { ...facts, ...operation(fields) }), key: keyOf(alike) }
}

/** Of who is not known, only why and where: what they asked for is theirs to make up. */
function refused(fields: Fields): Happening {
  const who = some(fields, ['reason', 'sub', 'upstream', 'what'])
  const what = fields['sub'] === undefined ? {} : operation(fields)
  const alike = { ...who, ...what }
  const facts = { ...alike, decision: text(fields['id']) }
  return { type: 'decision.refused', kind: 'refused', key: keyOf(alike), facts }
}

function exported(fields: Fields): Happening {
  const names = ['sub', 'client', 'upstream', 'bytes', 'sha256', 'grant', 'complete', 'reason']
  const id = text(fields['id'])
  const facts = { decision: id, resource: text(fields['res']), ...some(fields, names) }
  return { type: 'decision.exported', kind: 'exported', key: id, facts }
}

/** The first operation of a request, which is the only one of nearly all. */
function operation({ ops }: Fields): NoticeFacts {
  const [first] = Array.isArray(ops) ? (ops as readonly LedgerValue[]) : []
  if (typeof first !== 'object' || first === null || Array.isArray(first)) return {}
  const { act, res } = first as Readonly<Record<string, LedgerValue | undefined>>
  return { action: text(act), resource: text(res) }
}

function some(fields: Fields, names: readonly string[]): NoticeFacts {
  return Object.fromEntries(
    names.flatMap((name): readonly [string, NoticeFacts[string]][] => {
      const value = fields[name]
      if (typeof value === 'string') return [[name, text(value)]]
      return typeof value === 'number' || typeof value === 'boolean' ? [[name, value]] : []
    }),
  )
}

function text(value: LedgerValue | undefined): string {
  if (typeof value !== 'string') return 'unknown'
  if (value.length <= TEXT_MAX) return value
  // Never half a character: the journal takes well-formed texts alone.
  return `${value.slice(0, TEXT_MAX).replace(/[\ud800-\udbff]$/, '')}…`
}

function keyOf(facts: NoticeFacts): string {
  return JSON.stringify(Object.values(facts))
}
