import type { StoredRecord } from '../audit/read/query.ts'
import type { ClaimValue } from '../domain/subject.ts'

/** A record does not hold what it takes to judge the request again; the message says what. */
export class Incomplete extends Error {}

/**
 * Typed access to the fields of a record. A field that is absent is `undefined`; one of another
 * type is an {@link Incomplete}: the ledger writes what it had to cut as an object in its place.
 */
export class Facts {
  readonly #fields: StoredRecord

  constructor(fields: StoredRecord) {
    this.#fields = fields
  }

  /** The names of all fields. @throws Incomplete when the ledger left some out */
  get names(): readonly string[] {
    const names = Object.keys(this.#fields)
    if (names.includes('~left')) throw new Incomplete('fields were cut')
    return names
  }

  /** @throws Incomplete when the ledger could keep only the beginning of the record */
  refuseOmitted(): void {
    if (this.#of('omitted') !== undefined) throw new Incomplete('it was cut for its length')
  }

  text(name: string): string | undefined {
    return this.#typed(name, isText)
  }

  number(name: string): number | undefined {
    return this.#typed(name, isNumber)
  }

  flag(name: string): boolean | undefined {
    return this.#typed(name, isFlag)
  }

  texts(name: string): readonly string[] | undefined {
    return this.#typed(name, isTexts)
  }

  claim(name: string): ClaimValue | undefined {
    return this.#typed(name, isClaim)
  }

  object(name: string): Facts | undefined {
    const fields = this.#typed(name, isObject)
    return fields === undefined ? undefined : new Facts(fields)
  }

  /** A list of objects. */
  list(name: string): readonly Facts[] | undefined {
    return this.#typed(name, isObjects)?.map((item) => new Facts(item))
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const isOne = (value: unknown): value is T => (values as readonly unknown[]).includes(value)
    return this.#typed(name, isOne)
  }

  /** ISO 8601 as the gateway writes it, milliseconds since the epoch. */
  instant(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const at = Date.parse(text)
    if (Number.isNaN(at) || new Date(at).toISOString() !== text) throw unreadable(name)
    return at
  }

  /** `value`, which must be there. */
  required<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw new Incomplete(`it does not say ${WORDS[name] ?? name}`)
    return value
  }

  #of(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined
  }

  #typed<T>(name: string, test: (value: unknown) => value is T): T | undefined {
    const value = this.#of(name)
    if (value === undefined) return undefined
    if (!test(value)) throw unreadable(name)
    return value
  }
}

/** Fields by what people call them; those written since records can be judged again. */
const WORDS: Readonly<Record<string, string>> = {
  effect: 'what was decided on each operation (an earlier version wrote it, or deciding failed)',
  groups: 'the groups of the subject (written by an earlier version)',
  roles: 'the roles of the subject',
  iat: 'when the token was issued',
  exp: 'when the token expires',
  env: 'the circumstances',
  now: 'the time',
  sub: 'the subject',
  iss: 'the issuer',
  ip: 'the client address',
}

function unreadable(name: string): Incomplete {
  return new Incomplete(`the field ${name} was cut or is not what a gateway writes`)
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => Number.isFinite(value)
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean'

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText)
}

function isClaim(value: unknown): value is ClaimValue {
  return Array.isArray(value) ? value.every(isScalar) : isScalar(value)
}

function isScalar(value: unknown): boolean {
  return isText(value) || isNumber(value) || typeof value === 'boolean'
}

function isObject(value: unknown): value is StoredRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isObjects(value: unknown): value is readonly StoredRecord[] {
  return Array.isArray(value) && value.every((item) => isObject(item) && !isRest(item))
}

/** What stands for the items of a list that did not fit. */
function isRest(item: StoredRecord): boolean {
  return Object.hasOwn(item, 'left') && Object.hasOwn(item, 'sha256')
}
