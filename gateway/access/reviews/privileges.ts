/** How privileges are named where their use is noted and their revocation is looked up. */
import { createHash } from 'node:crypto'
import type { ReviewLine } from '../review.ts'

/** Longest name of a privilege and its holder that the store keeps (`PrivilegeUse`). */
const KEY_MAX = 2_048

const GRANT = 'grant '

/** The name of a grant among privileges: `grant <id>`. No rule has it, since rules begin with `p,`. */
export function grantPrivilege(id: string): string {
  return `${GRANT}${id}`
}

/** What is asked about when the privilege of `line` is made use of: the rule as written, or its grant. */
export function privilegeOf({ kind, privilege }: Pick<ReviewLine, 'kind' | 'privilege'>): string {
  return kind === 'grant' ? grantPrivilege(privilege) : privilege
}

/**
 * The one text for `privilege` of `holder` under which its uses are kept; a digest where the text
 * would be too long. Of a grant all uses are one, whoever of its holders it was.
 */
export function useKey(privilege: string, holder: string): string {
  if (privilege.startsWith(GRANT)) return bounded(privilege)
  return bounded(`${privilege}\0${holder}`)
}

function bounded(key: string): string {
  if (key.length <= KEY_MAX) return key
  return `sha256:${createHash('sha256').update(key).digest('hex')}`
}
