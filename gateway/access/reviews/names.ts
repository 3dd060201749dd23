/** The names by which somebody comes to a privilege. */
import type { Subject } from '../../domain/subject.ts'

/** Everybody who is authenticated has it. */
export const EVERYONE = 'role:anyone'

const kept = new WeakMap<Subject, ReadonlySet<string>>()

/**
 * The names that lines of reviews may have as holders for `subject`: its id, groups and roles as its
 * token gives them, and `role:anyone`. Not the roles that rules lead to from there: a line names who
 * begins the way, and the next holder of the same role has a line of its own.
 */
export function namesOf(subject: Subject): ReadonlySet<string> {
  const known = kept.get(subject)
  if (known !== undefined) return known
  const names = new Set([subject.id, ...subject.groups, ...subject.roles, EVERYONE])
  kept.set(subject, names)
  return names
}
