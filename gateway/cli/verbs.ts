/**
 * Every verb, composed of the tables of their groups. To add one: write `<name>.ts` in the folder of
 * its group, and a line in the table there. A table imports nothing but types: a verb is imported
 * when it is asked for, so that each starts with what it needs.
 */
import { AUDIT_VERBS } from './audit/verbs.ts'
import { CONTROL_VERBS } from './control/verbs.ts'
import { POLICY_VERBS } from './policy-verbs.ts'
import { REVISION_VERBS } from './revision-verbs.ts'
import { SIGNING_VERBS } from './signing-verbs.ts'
import { START_VERBS } from './start-verbs.ts'
import { STORE_REPAIR_VERBS, STORE_VERBS } from './store/verbs.ts'
import type { VerbEntry } from './verb.ts'

/** In the order the help shows them; a name of two words is of a group, `audit verify`. */
export const VERBS: readonly VerbEntry[] = [
  ...POLICY_VERBS,
  ...CONTROL_VERBS,
  ...AUDIT_VERBS,
  ...STORE_REPAIR_VERBS,
  ...SIGNING_VERBS,
  ...STORE_VERBS,
  ...REVISION_VERBS,
  ...START_VERBS,
]

/** First words of verbs of two words. */
export const GROUPS: ReadonlySet<string> = new Set(
  VERBS.flatMap(({ name }) => (name.includes(' ') ? name.split(' ', 1) : [])),
)

/** A verb and what stands behind it on the command line. */
export interface FoundVerb {
  readonly entry: VerbEntry
  readonly rest: readonly string[]
}

/** The verb a command line begins with. */
export function findVerb(args: readonly string[]): FoundVerb | undefined {
  for (const words of [2, 1]) {
    const name = args.slice(0, words).join(' ')
    const entry = VERBS.find((candidate) => candidate.name === name)
    if (entry !== undefined) return { entry, rest: args.slice(words) }
  }
  return undefined
}
