import type { Subject } from '../../domain/subject.ts'
import { createHolders } from '../../pdp/analysis/standing-privileges.ts'
import type { CompiledPolicy } from '../../pdp/compiled-policy.ts'
import type { KnownNames } from '../../pdp/policy/warnings-of-names.ts'
import { createUsedBy } from './used-by.ts'

/** Names of a subject's token by which it comes to what the rule of this text gives. */
export type UsersOf = (subject: Subject, rule: string) => readonly string[]

/**
 * By one revision of the rules, as they are listed for reviews. Rules are looked through once, when
 * first asked; after that an answer is two look-ups.
 */
export function createUsersOf(
  { table }: Pick<CompiledPolicy, 'table'>,
  known: Pick<KnownNames, 'issuerRoles'> | undefined,
): UsersOf {
  const usedBy = createUsedBy(createHolders(table.links, known?.issuerRoles))
  let subjects: ReadonlyMap<string, string> | undefined
  return (subject, rule) => {
    subjects ??= new Map(table.rules.map((one) => [one.reference.text, one.subject]))
    const to = subjects.get(rule)
    return to === undefined ? [] : usedBy(subject, to)
  }
}
