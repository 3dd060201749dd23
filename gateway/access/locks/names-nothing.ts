/** Locks that hold for nothing, because of how a name is written. */
import type { LockTarget } from '../lock.ts'
import { issuerOfAccount } from './scope.ts'

interface Named {
  readonly name: string
}

/** What locks can be on here. */
export interface KnownNames {
  readonly issuers: readonly Named[]
  readonly upstreams: readonly Named[]
  /** Whether somebody could have this role (`role:…`), by the rules in force and what issuers assert. */
  readonly isRole: (id: string) => boolean
  /** Whether a request could name a model so. */
  readonly isModelName: (name: string) => boolean
  /** Whether a request could name a version so. */
  readonly isVersion: (version: string) => boolean
}

/**
 * A sentence when `target` names what is not among `names`. The lock is set all the same: gateways that
 * share a store may be configured differently.
 */
export function namesNothing(target: LockTarget, names: KnownNames): string | undefined {
  const { kind } = target
  if (kind === 'upstream') {
    return isIn(names.upstreams, target.id) ? undefined : unknown(`upstream \`${target.id}\``)
  }
  if (kind === 'role') return names.isRole(target.id) ? undefined : noRole(target.id)
  if (kind === 'model' || kind === 'version') return noModel(target.id, names)
  const issuer = issuerIn(target)
  return issuer === undefined || isIn(names.issuers, issuer)
    ? undefined
    : unknown(`issuer \`${issuer}\``)
}

const ACCOUNT = 'person:user:'

function issuerIn(target: LockTarget): string | undefined {
  if ('issuer' in target) return target.issuer
  if (target.kind === 'issued-before') return issuerOfAccount(target.subject)
  if (target.kind === 'user') return issuerOfAccount(target.id)
  // The key of somebody whose token says no person is the account.
  const isAccount = target.kind === 'person' && target.id.startsWith(ACCOUNT)
  return isAccount ? issuerOfAccount(target.id.slice('person:'.length)) : undefined
}

/** @param id `model:<name>`, or `model:<name>@<version>` */
function noModel(id: string, { isModelName, isVersion }: KnownNames): string | undefined {
  const [name = '', version] = id.slice('model:'.length).split('@')
  if (!isModelName(name)) {
    return `No request can name a model \`${name}\`: the lock holds for nothing. ${AS_WRITTEN}`
  }
  if (version === undefined || isVersion(version)) return undefined
  return (
    `No request can name a version \`${version}\`: the lock holds only for requests that name none. ` +
    AS_WRITTEN
  )
}

const AS_WRITTEN = 'Write the name as records have it; a lock takes no patterns.'

function noRole(id: string): string {
  return `No rule here names \`${id}\` and no issuer asserts it: the lock holds for nobody here. ${LOOK}`
}

const LOOK = 'Look at how it is written.'

function isIn(all: readonly Named[], wanted: string): boolean {
  return all.some(({ name }) => name === wanted)
}

function unknown(what: string): string {
  return `The configuration here has no ${what}: the lock holds for nobody here. ${LOOK}`
}
