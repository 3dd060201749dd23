/** Locks that hold for nothing, because of how a name is written. */
import type { LockTarget } from '../lock.ts'
import { issuerOfAccount } from './scope.ts'

interface Named {
  readonly name: string
}

/** What the configuration gives a name. */
export interface ConfiguredNames {
  readonly issuers: readonly Named[]
  readonly upstreams: readonly Named[]
}

/**
 * A sentence when `target` names an issuer or an upstream that is not among `names`. The lock is set all
 * the same: gateways that share a store may be configured differently.
 */
export function namesNothing(target: LockTarget, names: ConfiguredNames): string | undefined {
  if (target.kind === 'upstream') {
    return isIn(names.upstreams, target.id) ? undefined : unknown(`upstream \`${target.id}\``)
  }
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

function isIn(all: readonly Named[], wanted: string): boolean {
  return all.some(({ name }) => name === wanted)
}

function unknown(what: string): string {
  return `The configuration here has no ${what}: the lock holds for nobody here. Look at how it is written.`
}
