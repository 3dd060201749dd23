/** Warnings about names that nothing else knows: roles, issuers and upstreams. */
import { globMatches } from '../../domain/glob.ts'
import type { Findings } from './finding.ts'
import type { PlacesOf } from './places.ts'
import type { RolesOf } from './role-graph.ts'
import { ANYONE, type PolicyTable } from './rule.ts'
import type { Suggest } from './suggest.ts'

/** What the configuration gives names to. */
export interface KnownNames {
  /** Short names of issuers, the first part of a user. */
  readonly issuerNames: ReadonlySet<string>
  /** Those of issuers whose tokens do not say which human it is (`person_claim`). */
  readonly issuersWithoutPerson?: ReadonlySet<string>
  /** Roles that issuers may assert, prefix written: `role:…`. */
  readonly issuerRoles: ReadonlySet<string>
  /** Names of upstreams, what stands behind `server:`. */
  readonly upstreams: ReadonlySet<string>
}

interface Named {
  readonly table: PolicyTable
  readonly places: PlacesOf
  readonly roles: RolesOf
  readonly findings: Findings
  readonly suggest: Suggest
  readonly known?: KnownNames | undefined
}

/** Adds warnings about names to the findings. */
export function warnOfNames(named: Named): void {
  warnOfPatterns(named)
  warnOfIdleRoles(named)
  warnOfUnheldRoles(named)
  if (named.known === undefined) return
  warnOfIssuers(named, named.known)
  warnOfUpstreams(named, named.known)
}

/**
 * Names and versions begin with a letter or digit, hold no `..` or `//` and do not end with `/`:
 * requests that name anything else are refused before they are judged.
 */
function warnOfPatterns({ table, places, findings }: Named): void {
  for (const rule of table.shadowed) {
    const { kind, name, version } = rule.resource
    if (kind !== 'model' && kind !== 'dataset') continue
    const warn = (offset: number, message: string, remedy: string) => {
      const column = (places.get(rule)?.resource ?? 1) + kind.length + 1 + offset
      findings.warning(rule.reference.line, column, {
        code: 'unreachable-pattern',
        message,
        remedy,
      })
    }
    if (!/^[A-Za-z0-9*]/.test(name) || /\.\.|\/\/|\/$/.test(name)) {
      const remedy = 'Start it with a letter, digit or *; no .., no // and no / at its end.'
      warn(0, `no ${kind} has a name like \`${name}\``, remedy)
    } else if (version !== undefined && !VERSION.test(version)) {
      const remedy = 'Start it with a letter, digit or *; no : or /, and no leading zeros.'
      warn(name.length + 1, `no ${kind} has a version like \`${version}\``, remedy)
    }
  }
}

const VERSION = /^(?!0[0-9]+$)[A-Za-z0-9*][A-Za-z0-9._*-]*$/

/** A role that no rule names and that leads nowhere is most often a typing mistake. */
function warnOfIdleRoles({ table, roles, findings, suggest }: Named): void {
  const used = new Set([...table.shadowed.map(({ subject }) => subject), ...roles.keys()])
  const named = new Set<string>()
  for (const { role, line, column } of table.links) {
    if (used.has(role) || named.has(role)) continue
    named.add(role)
    const near = suggest('idle role', role, used)
    findings.warning(line, column, {
      code: 'idle-role',
      message: `no rule names ${role}`,
      remedy: near === undefined ? 'Write a rule for it, or remove it.' : `Did you mean ${near}?`,
    })
  }
}

/**
 * Roles that are named and that nobody can have. With the configuration known this is certain.
 * Without it an issuer may assert any role; then a role is reported only if the file gives roles
 * by `g` rows at all, and gives this one to nobody.
 */
function warnOfUnheldRoles({ table, places, roles, known, findings, suggest }: Named): void {
  if (known === undefined && table.links.length === 0) return
  const held = heldRoles(roles, known)
  const told = new Set<string>()
  const check = (name: string, line: number, column: number) => {
    if (!name.startsWith('role:') || held.has(name) || told.has(name)) return
    told.add(name)
    const near = suggest('unheld role', name, held)
    const unless = known === undefined ? ', unless an issuer asserts it' : ''
    findings.warning(line, column, {
      code: 'unheld-role',
      message: `nobody has ${name}${unless}`,
      remedy:
        near === undefined
          ? `Give it with a \`g\` row: \`g, group:<name>, ${name}\`.`
          : `Did you mean ${near}?`,
    })
  }
  for (const rule of table.shadowed) {
    check(rule.subject, rule.reference.line, places.get(rule)?.subject ?? 1)
  }
  for (const { member, line, column } of table.links) check(member, line, column)
}

/** Roles that somebody can have. Without the configuration every role that a row gives counts. */
function heldRoles(roles: RolesOf, known: KnownNames | undefined): ReadonlySet<string> {
  const held = new Set([ANYONE, ...(known?.issuerRoles ?? [])])
  for (const [member, given] of roles) {
    if (known !== undefined && member.startsWith('role:')) continue
    for (const role of given) held.add(role)
  }
  for (const name of held) for (const role of roles.get(name) ?? []) held.add(role)
  return held
}

/** What a user is called before the slash is the name of an issuer. */
const USER = /^user:([a-z0-9][a-z0-9._-]*)\/./

function warnOfIssuers({ table, places, findings, suggest }: Named, known: KnownNames): void {
  const check = (name: string, line: number, column: number) => {
    const issuer = USER.exec(name)?.[1]
    if (issuer === undefined || known.issuerNames.has(issuer)) return
    const near = suggest('issuer', issuer, known.issuerNames)
    findings.warning(line, column + 'user:'.length, {
      code: 'unknown-issuer',
      message: `no issuer is named \`${issuer}\` in the configuration; ${name} is nobody`,
      remedy:
        near === undefined
          ? `Write the name of an issuer${listed(known.issuerNames)}.`
          : `Did you mean \`${near}\`?`,
    })
  }
  for (const rule of table.shadowed) {
    check(rule.subject, rule.reference.line, places.get(rule)?.subject ?? 1)
  }
  for (const { member, line, column } of table.links) check(member, line, column)
}

function warnOfUpstreams({ table, places, findings, suggest }: Named, known: KnownNames): void {
  const { upstreams } = known
  const exists = new Map<string, boolean>()
  for (const rule of table.shadowed) {
    const { kind, name } = rule.resource
    if (kind !== 'server') continue
    const found =
      exists.get(name) ??
      (name.includes('*')
        ? [...upstreams].some((upstream) => globMatches(name, upstream))
        : upstreams.has(name))
    exists.set(name, found)
    if (found) continue
    const near = suggest('upstream', name, upstreams)
    const column = (places.get(rule)?.resource ?? 1) + 'server:'.length
    findings.warning(rule.reference.line, column, {
      code: 'unknown-upstream',
      message: `no upstream is called \`${name}\` in the configuration`,
      remedy:
        near === undefined
          ? `Write the name of an upstream${listed(upstreams)}.`
          : `Did you mean \`${near}\`?`,
    })
  }
}

function listed(names: ReadonlySet<string>): string {
  const shown = [...names].slice(0, 8)
  return shown.length === 0 ? '; there is none' : `: ${shown.join(', ')}`
}
