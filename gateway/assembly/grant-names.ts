/** Warnings about names in `grants.yaml` that nothing else knows. */
import type { Grant } from '../domain/access.ts'
import { closest, type Diagnostic } from '../domain/diagnostics.ts'
import type { CompiledPolicy } from '../pdp/compiled-policy.ts'
import type { KnownNames } from '../pdp/policy/warnings-of-names.ts'
import type { SourceFile } from './rule-files.ts'

/**
 * Warns of a holder or an approver whose issuer is not configured, and of a role that no row of the
 * policy speaks of and no issuer asserts: nobody makes use of such a grant.
 */
export function unknownHolders(
  source: SourceFile | undefined,
  grants: readonly Grant[] | undefined,
  { policy, known }: { readonly policy: CompiledPolicy; readonly known: KnownNames | undefined },
): Diagnostic[] {
  if (source === undefined || grants === undefined || known === undefined) return []
  const roles = rolesIn(policy, known)
  return grants.flatMap(({ id, to, approvals }) => {
    const names = [...to, ...approvals.map(({ by }) => by)]
    return names.flatMap((name): Diagnostic[] => {
      const finding = unknownIn(name, roles, known)
      if (finding === undefined) return []
      return [{ ...placeOf(source, id, name), severity: 'warning', ...finding }]
    })
  })
}

/** Every role that somebody can hold: those that issuers assert and those of `policy.csv`. */
export function rolesIn(
  { table }: CompiledPolicy,
  { issuerRoles }: KnownNames,
): ReadonlySet<string> {
  const roles = new Set(issuerRoles)
  for (const { member, role } of table.links) roles.add(member).add(role)
  for (const { subject } of table.rules) roles.add(subject)
  return roles
}

/** What is wrong with a name, wherever it is written. */
export type Finding = Pick<Diagnostic, 'code' | 'message' | 'remedy'>

/** What is wrong with a name of somebody, if anything: its role or its issuer is not known. */
export function unknownIn(
  name: string,
  roles: ReadonlySet<string>,
  { issuerNames }: KnownNames,
): Finding | undefined {
  if (name.startsWith('role:') && !roles.has(name)) {
    const near = closest(
      name,
      [...roles].filter((one) => one.startsWith('role:')),
    )
    return {
      code: 'unknown-role',
      message: `no issuer asserts ${name}, and policy.csv does not speak of it`,
      remedy: near === undefined ? 'Name a role that somebody holds.' : `Did you mean ${near}?`,
    }
  }
  const issuer = /^user:([^/]*)\//.exec(name)?.[1]
  if (issuer === undefined || issuerNames.has(issuer)) return undefined
  const near = closest(issuer, issuerNames)
  return {
    code: 'unknown-issuer',
    message: `no issuer of the configuration is named ${issuer}`,
    remedy: near === undefined ? 'Write user:<issuer>/<subject>.' : `Did you mean \`${near}\`?`,
  }
}

/** The first line on which the name stands behind the id; the file where it does not. */
function placeOf({ file, text }: SourceFile, id: string, name: string) {
  const lines = text.split('\n')
  const from = lines.findIndex((line) => line.trimStart().startsWith(`${id}:`))
  const at = lines.findIndex((line, i) => i >= from && line.includes(name))
  return at < 0
    ? { file, line: 1, column: 1 }
    : { file, line: at + 1, column: (lines[at]?.indexOf(name) ?? 0) + 1 }
}
