import type { AccessState } from '../state.ts'
import type { RevokedPrivilege } from '../view.ts'
import { createRevocations } from './revocations.ts'

/** Finds what reviews took away, in whatever state is the newest. */
export interface RevocationFinder {
  /** See `Revocations.find`; the index is brought up to date when the reviews changed. */
  revokedBy(
    state: AccessState,
    privilege: string,
    ask: { readonly holdings: ReadonlySet<string>; readonly now: number },
  ): RevokedPrivilege | undefined
}

/** Begins with a state in which nothing was reviewed. */
export function createRevocationFinder(): RevocationFinder {
  const revocations = createRevocations({ reviews: new Map() })
  return {
    revokedBy(state, privilege, { holdings, now }) {
      revocations.follow(state)
      return revocations.find(privilege, holdings, now)
    },
  }
}
