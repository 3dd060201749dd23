/**
 * Takes what is personal out of records before they are written, and puts it, encrypted under the
 * key of the person it is about, in their field `enc`.
 */
import type { LedgerRecord, LedgerValue } from '../../domain/ports.ts'
import {
  SEALED_FIELD,
  sealValues,
  type PersonKey,
  type PlacedValue,
  type SealPlace,
} from './sealed.ts'

/** What a record is written as, at its place in the log. @throws ERR_AUDIT_UNAVAILABLE */
export type Protect = (record: LedgerRecord, place: RecordPlace) => LedgerRecord

/** Where and when a record is written. */
export interface RecordPlace extends SealPlace {
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Gives the key of a person, and makes one for a person it does not know. @throws ERR_AUDIT_UNAVAILABLE */
export interface PersonKeys {
  keyOf(person: string): PersonKey
}

type Fields = LedgerRecord['fields']
type Members = Record<string, LedgerValue | undefined>

/**
 * Builds the protection of `fields`. A name without a dot stands for that field of a record and for
 * the claim of that name; one with dots is a path: `env.country`. `sub` covers everybody else whom
 * a record names as `user:…` too, approvers and operators, each under a key of their own. What a record says of a caller who did not say who
 * it is goes under a key of the day: {@link anonymousOf}.
 */
export function createProtect(keys: PersonKeys, fields: readonly string[]): Protect {
  const paths = fields.flatMap(pathsOf)
  const namesPeople = fields.includes('sub')
  return (record, place) => {
    const taken = new Taken(record.fields)
    for (const path of paths) taken.takeAt(path)
    if (namesPeople) taken.takePeople()
    const sealed = taken.sealed(keys, place)
    return sealed === undefined ? record : { type: record.type, fields: sealed }
  }
}

/** Whose key covers callers of a day who are not known: `anonymous:2026-11-22`, in UTC. */
export function anonymousOf(at: number): string {
  return `anonymous:${new Date(at).toISOString().slice(0, 10)}`
}

function pathsOf(name: string): readonly (readonly string[])[] {
  return name.includes('.') ? [name.split('.')] : [[name], ['claims', name]]
}

/** `user:<issuer>/<sub>`, or the key of a person; other words in the same fields name nobody. */
function isPerson(value: LedgerValue | undefined): value is string {
  if (typeof value !== 'string') return false
  return value.startsWith('user:') || value.startsWith('person:')
}

/** The values taken out of one record so far. Copies what it changes. */
class Taken {
  readonly #fields: Fields
  readonly #mine: PlacedValue[] = []
  readonly #others = new Map<string, PlacedValue[]>()
  readonly #subject: LedgerValue | undefined
  #rest: Members | undefined

  constructor(fields: Fields) {
    this.#fields = fields
    this.#subject = fields['sub']
  }

  takeAt(path: readonly string[]): void {
    const [first = '', ...more] = path
    const value = this.#now[first]
    if (value === undefined || value === null) return
    if (more.length === 0) {
      this.#replace(first, undefined)
      this.#mine.push([path, value])
      return
    }
    const found = without(value, more)
    if (found === undefined) return
    this.#replace(first, found.rest)
    this.#mine.push([path, found.value])
  }

  /** Whoever a field names, besides the subject: approvers, operators, one who was let in again. */
  takePeople(): void {
    const fields = this.#now
    for (const name in fields) {
      const value = fields[name]
      if (isPerson(value)) {
        this.#push(value, [name])
        this.#replace(name, undefined)
      } else if (isList(value) && value.some(isPerson)) {
        const kept = value.map((one, at) => (isPerson(one) ? this.#push(one, [name, at]) : one))
        this.#replace(name, kept)
      }
    }
    this.#takeApprovers()
  }

  sealed(keys: PersonKeys, place: RecordPlace): Fields | undefined {
    if (this.#rest === undefined) return undefined
    const entries: LedgerValue[] = []
    if (this.#mine.length > 0) {
      const owner = typeof this.#subject === 'string' ? this.#subject : anonymousOf(place.at)
      const known = this.#others.get(owner) ?? []
      this.#others.delete(owner)
      entries.push(sealValues([...this.#mine, ...known], keys.keyOf(owner), place))
    }
    for (const [person, values] of this.#others) {
      entries.push(sealValues(values, keys.keyOf(person), place))
    }
    return entries.length === 0 ? undefined : { ...this.#rest, [SEALED_FIELD]: entries }
  }

  #takeApprovers(): void {
    const { env } = this.#now
    const approvals = isObject(env) ? env['approvals'] : undefined
    if (!isObject(env) || !isList(approvals)) return
    if (!approvals.some((one) => isObject(one) && isPerson(one['by']))) return
    const kept = approvals.map((approval, at) => {
      if (!isObject(approval) || !isPerson(approval['by'])) return approval
      return { ...approval, by: this.#push(approval['by'], ['env', 'approvals', at, 'by']) }
    })
    this.#replace('env', { ...env, approvals: kept })
  }

  get #now(): Fields {
    return this.#rest ?? this.#fields
  }

  /** Gives `null`, which keeps the place of the others in a list. */
  #push(person: string, path: PlacedValue[0]): null {
    const values = this.#others.get(person)
    if (values === undefined) this.#others.set(person, [[path, person]])
    else values.push([path, person])
    return null
  }

  #replace(name: string, value: LedgerValue | undefined): void {
    this.#rest ??= { ...this.#fields }
    // A field that becomes undefined is not written.
    this.#rest[name] = value
  }
}

function without(
  value: LedgerValue,
  path: readonly string[],
): { readonly value: LedgerValue; readonly rest: LedgerValue } | undefined {
  const [name = '', ...more] = path
  const member = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  if (!isObject(value) || member === undefined || member === null) return undefined
  const found = more.length === 0 ? { value: member, rest: undefined } : without(member, more)
  if (found === undefined) return undefined
  // As entries: a claim called `__proto__` stays a word.
  const others = Object.entries(value).filter(([key]) => key !== name)
  if (found.rest !== undefined) others.push([name, found.rest])
  return { value: found.value, rest: Object.fromEntries(others) }
}

function isList(value: LedgerValue | undefined): value is readonly LedgerValue[] {
  return Array.isArray(value)
}

function isObject(
  value: LedgerValue | undefined,
): value is Readonly<Record<string, LedgerValue | undefined>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
