/** What a lock is on, checked and in one way of writing, so that what is locked is what was meant. */
import { ipText, parseIp, parseNetwork } from '../../domain/network.ts'
import { isAction, type Action } from '../../domain/vocabulary.ts'
import type { LockTarget } from '../lock.ts'

/** Characters of an id. */
const ID_CHARS_MAX = 2_048

/** Control characters, halves of characters, ends of lines: no token or request can hold them. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u

/** Words before the colon of ids, and what follows when it is left out. */
const PREFIXES = {
  user: 'user:',
  group: 'group:',
  role: 'role:',
  person: 'person:',
  model: 'model:',
  version: 'model:',
} as const

/** Why a target cannot be locked: a sentence for whoever asked. */
export interface TargetProblem {
  readonly problem: string
}

/**
 * `target` as locks are kept: networks in canonical CIDR form, a single address as a network of
 * one, person keys in lower case and NFC, the role that everybody has as `all`. Nothing else is
 * changed: ids are compared as they are, and `*` in one is a character.
 */
export function canonicalTarget(target: LockTarget): LockTarget | TargetProblem {
  if (target.kind === 'all') return { kind: 'all' }
  if (target.kind === 'network') return networkTarget(target.cidr)
  if ('issuer' in target) return tokenTarget(target)
  return target.kind === 'issued-before' ? issuedBefore(target) : idTarget(target)
}

type IdTarget = Extract<
  LockTarget,
  { readonly kind: keyof typeof PREFIXES | 'device' | 'upstream' }
>

function idTarget({ kind, id: given }: IdTarget): LockTarget | TargetProblem {
  const id = kind === 'person' ? foldedPerson(given) : given
  const prefix = kind === 'device' || kind === 'upstream' ? '' : PREFIXES[kind]
  const problem = idProblem(id, prefix) ?? formProblem(kind, id)
  if (problem !== undefined) return { problem }
  return id === EVERYBODY ? { kind: 'all' } : { kind, id }
}

/** The role that everybody has. Locked as a role, it would keep out those who are to lift the lock. */
const EVERYBODY = 'role:anyone'

/** A person key made of an account is that account, in which case counts. */
function foldedPerson(id: string): string {
  if (id.startsWith('person:user:')) return id
  return id.normalize('NFC').toLowerCase().normalize('NFC')
}

function formProblem(kind: IdTarget['kind'], id: string): string | undefined {
  if (kind === 'model' && id.includes('@')) return 'a version is locked as `version`'
  if (kind === 'version' && !/^model:[^@]+@[^@]+$/.test(id)) {
    return 'a version is written `model:<name>@<version>`'
  }
  if (kind === 'user' && !/^user:[^/]+\/./.test(id)) {
    return 'a user is written `user:<issuer name>/<sub>`'
  }
  return undefined
}

function idProblem(id: unknown, prefix: string): string | undefined {
  if (typeof id !== 'string' || id.length === 0) return 'an id is missing'
  if (id.length > ID_CHARS_MAX) return `an id has at most ${ID_CHARS_MAX} characters`
  if (UNPRINTABLE.test(id)) return 'an id holds no control characters and is one line'
  if (id.trim() !== id) return 'an id does not begin or end with a space'
  if (prefix === '') return undefined
  return id.startsWith(prefix) && id.length > prefix.length ? undefined : `write ${prefix}<name>`
}

function networkTarget(cidr: unknown): LockTarget | TargetProblem {
  if (typeof cidr !== 'string') return { problem: 'a network is missing' }
  const ip = cidr.includes('/') ? undefined : parseIp(cidr)
  const text = ip === undefined ? cidr : `${ipText(ip)}/${ip.family === 4 ? 32 : 128}`
  const network = parseNetwork(text, 'lock everybody instead: `--all`, or a target of kind `all`')
  if ('problem' in network) return { problem: `the network ${network.problem}` }
  return { kind: 'network', cidr: network.text }
}

function tokenTarget(
  target: Extract<LockTarget, { readonly kind: 'token' | 'session' }>,
): LockTarget | TargetProblem {
  const { kind, issuer, id } = target
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(issuer)) {
    return { problem: 'the issuer is the short name that the configuration gives it' }
  }
  const problem = idProblem(id, '')
  return problem === undefined ? { kind, issuer, id } : { problem }
}

function issuedBefore(
  target: Extract<LockTarget, { readonly kind: 'issued-before' }>,
): LockTarget | TargetProblem {
  const { subject, before } = target
  const user = idTarget({ kind: 'user', id: subject })
  if ('problem' in user) return user
  if (!Number.isSafeInteger(before) || before <= 0) {
    return { problem: '`before` is a time, in milliseconds since the epoch' }
  }
  return { kind: 'issued-before', subject, before }
}

/** `actions` once each, in the order of the vocabulary; `undefined` when one of them is none. */
export function canonicalActions(
  actions: readonly string[],
): readonly [Action, ...Action[]] | undefined {
  const known = [...new Set(actions.filter(isAction))].sort()
  const [first, ...rest] = known
  return first === undefined || !actions.every(isAction) ? undefined : [first, ...rest]
}

/** What a lock is on, in words for people and logs; for free text in it, see `plainText`. */
export function targetText(target: LockTarget): string {
  const { kind } = target
  if (kind === 'all') return 'everybody'
  if (kind === 'network') return `network ${target.cidr}`
  if ('issuer' in target) return `${kind} ${target.id} of ${target.issuer}`
  if (kind !== 'issued-before') return `${kind} ${target.id}`
  return `tokens of ${target.subject} issued before ${new Date(target.before).toISOString()}`
}

/**
 * Whether both are on the same, whatever the time before which tokens were issued. Both as
 * {@link canonicalTarget} made them.
 */
export function isSameTarget(a: LockTarget, b: LockTarget): boolean {
  return targetKey(a) === targetKey(b)
}

function targetKey(target: LockTarget): string {
  const { kind } = target
  if (kind === 'all') return kind
  if (kind === 'network') return `${kind} ${target.cidr}`
  if (kind === 'issued-before') return `${kind} ${target.subject}`
  return 'issuer' in target ? `${kind} ${target.issuer} ${target.id}` : `${kind} ${target.id}`
}
