/** Lines of what the rules give for good. */
import type { ListedLine } from '../../access/reviews/lines.ts'
import { useKey } from '../../access/reviews/privileges.ts'
import type { StandingPrivilege } from '../../pdp/analysis/standing-privileges.ts'
import type { Ghosts } from './ghosts.ts'
import type { RowOrigin } from './row-origins.ts'

/** What is known beside the rules. */
export interface LineFacts {
  readonly ghosts: Ghosts
  /** Last uses by `useKey`, milliseconds since the epoch. */
  readonly uses: ReadonlyMap<string, number>
}

/** The rows that give a privilege: the allow row, and the `g` rows on the way to it. */
export function rowsOf({ rule, links }: StandingPrivilege): readonly string[] {
  return [rule.reference.text, ...links.map(({ member, role }) => `g, ${member}, ${role}`)]
}

/** The line of `privilege`. Its age is that of the youngest of its rows, when all are known. */
export function ruleLine(
  privilege: StandingPrivilege,
  origins: ReadonlyMap<string, RowOrigin>,
  { ghosts, uses }: LineFacts,
): ListedLine {
  const { holder, rule, actions, unheld } = privilege
  const { file, line, text } = rule.reference
  const found = rowsOf(privilege).map((row) => origins.get(row))
  const known = found.filter((origin) => origin !== undefined)
  const lastUsedAt = uses.get(useKey(text, holder))
  const resources = [rule.resource.text]
  return {
    kind: 'standing',
    holder,
    privilege: text,
    source: `${file}:${line}`,
    givenBy: known.length === 0 ? [file] : [...new Set(known.map(({ by }) => by))],
    ...(known.length === found.length ? { givenAt: Math.max(...known.map(({ at }) => at)) } : {}),
    actions,
    resources,
    ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
    ghost: unheld || ghosts.isHolder(holder) || ghosts.areResources(resources),
  }
}
