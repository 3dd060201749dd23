/** Who a signal is about: subject identifiers (RFC 9493, CAEP, SSF) as what locks can be on. */
import type { SignalSource } from './source.ts'

/** One thing a signal names. */
export type SignalSubject =
  /** An account: `user:<issuer name>/<sub>`. */
  | { readonly kind: 'user'; readonly id: string }
  /** `person:<email>`. */
  | { readonly kind: 'person'; readonly id: string }
  | { readonly kind: 'session' | 'device' | 'token'; readonly id: string }
  /** A bare id, which may be that of an account, of a login or of a device: the event says which. */
  | { readonly kind: 'opaque'; readonly id: string }

/**
 * What was named. `foreign`: the issuer speaks about subjects of another one, which is an attack or a
 * mistake. `unknown`: of a form, or of things, that nothing here is known by.
 */
export type ReadSubject =
  | { readonly found: readonly SignalSubject[] }
  | { readonly problem: 'foreign' | 'unknown' | 'malformed' }

const ID_CHARS_MAX = 256
const ALIASES_MAX = 8
/** As names of subjects are elsewhere: nothing that breaks a line, a header or the eye. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Cf},]/u

type Members = Readonly<Record<string, unknown>>

/** Reads `sub_id`. An identifier with several parts is read whole or not at all. */
export function readSubject(value: unknown, source: SignalSource): ReadSubject {
  const members = membersOf(value)
  if (members === undefined) return { problem: 'malformed' }
  switch (own(members, 'format')) {
    case 'complex':
      return readComplex(members, source)
    case 'aliases':
      return readAliases(members, source)
    default:
      return readSimple(members, source)
  }
}

/** One part names one thing; what is beside user, device and session narrows nothing here. */
function readComplex(members: Members, source: SignalSource): ReadSubject {
  const found: SignalSubject[] = []
  for (const part of ['user', 'device', 'session'] as const) {
    const value = own(members, part)
    if (value === undefined) continue
    const simple = membersOf(value)
    if (simple === undefined) return { problem: 'malformed' }
    const read = readSimple(simple, source)
    if ('found' in read) for (const one of read.found) found.push(inPart(one, part))
    // A user in a form that is of no use here keeps no lock from the device beside them.
    else if (read.problem !== 'unknown') return read
  }
  // A tenant, an organisation or a group alone: too many to be locked by one signal.
  return found.length === 0 ? { problem: 'unknown' } : { found }
}

/** In its part a bare id, or that of an iss_sub, has one meaning. */
function inPart(one: SignalSubject, part: 'user' | 'device' | 'session'): SignalSubject {
  if (part === 'user' || one.kind === 'person' || one.kind === 'token') return one
  const id = one.kind === 'user' ? one.id.slice(one.id.indexOf('/') + 1) : one.id
  return { kind: part, id }
}

function readAliases(members: Members, source: SignalSource): ReadSubject {
  const list = own(members, 'identifiers')
  if (!Array.isArray(list) || list.length === 0 || list.length > ALIASES_MAX) {
    return { problem: 'malformed' }
  }
  const found: SignalSubject[] = []
  for (const value of list as unknown[]) {
    const simple = membersOf(value)
    if (simple === undefined) return { problem: 'malformed' }
    const read = readSimple(simple, source)
    if ('found' in read) found.push(...read.found)
    // Further names of the same subject may be of a form that is of no use here.
    else if (read.problem !== 'unknown') return read
  }
  return found.length === 0 ? { problem: 'unknown' } : { found }
}

function readSimple(members: Members, source: SignalSource): ReadSubject {
  switch (own(members, 'format')) {
    case 'iss_sub':
      return readIssued(members, source, 'sub')
    case 'jwt_id':
      return readIssued(members, source, 'jti')
    case 'opaque':
      return named('opaque', own(members, 'id'))
    case 'email':
      return readEmail(own(members, 'email'), source)
    case undefined:
      return { problem: 'malformed' }
    default:
      return { problem: 'unknown' }
  }
}

/** An issuer speaks about what it issued and about nothing else. */
function readIssued(members: Members, source: SignalSource, name: 'sub' | 'jti'): ReadSubject {
  const iss = own(members, 'iss')
  if (typeof iss !== 'string') return { problem: 'malformed' }
  if (iss !== source.issuer) return { problem: 'foreign' }
  if (name === 'jti') return named('token', own(members, 'jti'))
  const read = named('user', own(members, 'sub'))
  if ('problem' in read) return read
  return { found: read.found.map((one) => ({ ...one, id: `user:${source.name}/${one.id}` })) }
}

/** Written as person keys are: in lower case and NFC. */
function readEmail(value: unknown, source: SignalSource): ReadSubject {
  if (!source.emailIsPerson) return { problem: 'unknown' }
  if (typeof value !== 'string' || !value.includes('@')) return { problem: 'malformed' }
  const read = named('person', value.normalize('NFC').trim().toLowerCase().normalize('NFC'))
  if ('problem' in read) return read
  return { found: read.found.map((one) => ({ ...one, id: `person:${one.id}` })) }
}

function named(kind: SignalSubject['kind'], id: unknown): ReadSubject {
  const isId = typeof id === 'string' && id !== '' && id.length <= ID_CHARS_MAX
  if (!isId || UNPRINTABLE.test(id) || id.trim() !== id) return { problem: 'malformed' }
  return { found: [{ kind, id }] }
}

/** The own member called `name`. */
export function own(members: Members, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined
}

function membersOf(value: unknown): Members | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Members) : undefined
}
