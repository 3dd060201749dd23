/** Whose privilege a request makes use of, so that a line of a group knows of the use of its members. */
import { namesOf } from '../../access/reviews/names.ts'
import type { Subject } from '../../domain/subject.ts'
import type { Holders } from '../../pdp/analysis/standing-privileges.ts'

/** Names of one subject that come to one rule; more are not told. */
const NAMES_MAX = 16

/**
 * Those names of `subject` that come to what rules give `to`: the holders of the lines that this use
 * is one of. In proportion to the names of the token; kept per subject, which requests share.
 */
export type UsedBy = (subject: Subject, to: string) => readonly string[]

/** Answers by the holders of one revision of the rules. */
export function createUsedBy(holders: Pick<Holders, 'of'>): UsedBy {
  const kept = new WeakMap<Subject, Map<string, readonly string[]>>()
  return (subject, to) => {
    const known = kept.get(subject) ?? new Map<string, readonly string[]>()
    kept.set(subject, known)
    const before = known.get(to)
    if (before !== undefined) return before
    const of = holders.of(to)
    const names = [...namesOf(subject)].filter((name) => of.has(name)).slice(0, NAMES_MAX)
    known.set(to, names)
    return names
  }
}
