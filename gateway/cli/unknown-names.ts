import { closest } from '../domain/diagnostics.ts'
import { ANYONE, type PolicyTable } from '../pdp/policy/rule.ts'
import type { CliIo } from './io.ts'
import { plainText } from '../domain/plain-text.ts'

/**
 * Says on standard error which groups and roles no row names: most likely they are misspelt, and an
 * answer about them would look like one about somebody real.
 */
export function noteUnknownNames(names: readonly string[], table: PolicyTable, io: CliIo): void {
  const known = new Set([
    ANYONE,
    ...table.shadowed.map(({ subject }) => subject),
    ...table.links.flatMap(({ member, role }) => [member, role]),
  ])
  for (const name of names.filter((one) => /^(group|role):/.test(one) && !known.has(one))) {
    const near = closest(name, known)
    const hint = near === undefined ? '' : `; did you mean ${near}?`
    io.err(`note: no row of policy.csv names ${plainText(name)}${hint}\n`)
  }
}
