/** Whose accounts a lock counts for. */
import type { Lock } from '../lock.ts'

/** Whether `lock` counts for accounts of the issuer with this short name. */
export function isOnAccountsOf({ issuers }: Pick<Lock, 'issuers'>, issuerName: string): boolean {
  return issuers === undefined || issuers.includes(issuerName)
}

/** The short name in `user:<issuer name>/<sub>`. */
export function issuerOfAccount(id: string): string {
  return id.slice('user:'.length, Math.max(id.indexOf('/'), 0))
}
