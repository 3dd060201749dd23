/**
 * The graph of `g` rows, checked when it is loaded and walked when a subject is met. Casbin cuts
 * chains at ten without a word and needs seconds for a dense cycle; here both are refused.
 */
import type { Subject } from '../../domain/subject.ts'
import type { Findings } from './finding.ts'
import { assertSubject } from '../decision/request-check.ts'
import { chainPath, chainsOf, circlesOf, closureSize, type RolesOf } from './role-graph.ts'
import { ANYONE, type RoleLink } from './rule.ts'

/** Longest chain of roles that lead to roles. */
export const ROLE_DEPTH_MAX = 8

/** Most roles that one member may be given directly. */
export const ROLE_FAN_OUT_MAX = 64

/** Most roles that one member may come to hold through others. */
export const ROLE_CLOSURE_MAX = 512

/** Most rows that give a role to a role; rows for users and groups have only the bound of the file. */
export const ROLE_TO_ROLE_MAX = 4096

/** Names of a path that are shown; a longer one says how many there are. */
const PATH_SHOWN_MAX = 32

/**
 * Reports self links, circles, chains that are too deep, too many roles, and repetitions.
 * @returns who is given what, for the checks that look at rules as well
 */
export function checkRoleLinks(links: readonly RoleLink[], findings: Findings): RolesOf {
  const roles = new Map<string, Set<string>>()
  const before = findings.errors.length
  for (const link of links) checkLink(link, roles, findings)
  checkCount(links, findings)
  const circles = circlesOf(links, roles)
  for (const { link, path } of circles) reportCircle(link, path, findings)
  // What lies beyond a circle, or beyond too many links, cannot be measured.
  if (findings.errors.length === before) checkDepth(links, roles, findings)
  if (findings.errors.length === before) checkClosures(links, roles, findings)
  return roles
}

function checkLink(link: RoleLink, roles: Map<string, Set<string>>, findings: Findings): void {
  const { line, column, member, role } = link
  if (member === role) {
    findings.error(line, column, {
      code: 'role-self-link',
      message: `${role} is made a member of itself`,
      remedy: 'Remove the row.',
    })
    return
  }
  const held = roles.get(member) ?? new Set()
  roles.set(member, held)
  if (held.has(role)) {
    const message = `${member} is already a member of ${role}`
    findings.warning(line, column, { code: 'duplicate-row', message, remedy: 'Remove one.' })
  }
  held.add(role)
  if (held.size === ROLE_FAN_OUT_MAX + 1) {
    findings.error(line, column, {
      code: 'role-fan-out',
      message: `${member} is given more than ${ROLE_FAN_OUT_MAX} roles`,
      remedy: 'Put a role in between that holds them.',
    })
  }
}

function checkCount(links: readonly RoleLink[], findings: Findings): void {
  const excess = links.filter(({ member }) => member.startsWith('role:'))[ROLE_TO_ROLE_MAX]
  if (excess === undefined) return
  findings.error(excess.line, excess.column, {
    code: 'role-links',
    message: `more than ${ROLE_TO_ROLE_MAX} rows give a role to a role`,
    remedy: 'Give roles to groups and users directly.',
  })
}

function reportCircle(link: RoleLink, path: readonly string[], findings: Findings): void {
  findings.error(link.line, link.column, {
    code: 'role-cycle',
    message: `roles go round in a circle: ${pathText(path)}`,
    remedy: `Remove one of these rows, for example \`g, ${link.member}, ${link.role}\`.`,
  })
}

function checkDepth(links: readonly RoleLink[], roles: RolesOf, findings: Findings): void {
  const chains = chainsOf(roles)
  const link = links.find(({ member }) => (chains.get(member)?.depth ?? 0) > ROLE_DEPTH_MAX)
  if (link === undefined) return
  const path = chainPath(chains, link.member)
  findings.error(link.line, link.column, {
    code: 'role-depth',
    message: `the roles of ${link.member} form a chain deeper than ${ROLE_DEPTH_MAX}: ${pathText(path)}`,
    remedy: 'Give the member the roles at the end of the chain directly.',
  })
}

function checkClosures(links: readonly RoleLink[], roles: RolesOf, findings: Findings): void {
  const sizes = new Map<string, number>()
  const sizeOf = (name: string): number => {
    const known = sizes.get(name)
    if (known !== undefined) return known
    const size = closureSize(roles, name, ROLE_CLOSURE_MAX)
    sizes.set(name, size)
    return size
  }
  const checked = new Set<string>()
  for (const { member, line, column } of links) {
    if (checked.has(member)) continue
    checked.add(member)
    // Adding up is enough for nearly everybody; only what may be too much is counted name by name.
    let most = 0
    for (const role of roles.get(member) ?? []) most += 1 + sizeOf(role)
    if (most <= ROLE_CLOSURE_MAX || sizeOf(member) <= ROLE_CLOSURE_MAX) continue
    findings.error(line, column, {
      code: 'role-closure',
      message: `${member} comes to hold more than ${ROLE_CLOSURE_MAX} roles`,
      remedy: 'Give rules to fewer, wider roles.',
    })
    return
  }
}

function pathText(path: readonly string[]): string {
  const shown = path.slice(0, PATH_SHOWN_MAX).join(' → ')
  return path.length > PATH_SHOWN_MAX ? `${shown} → … (${path.length} names)` : shown
}

/** Says which subjects of rules a request's subject holds. */
export type HoldingsOf = (subject: Subject) => ReadonlySet<string>

/**
 * The closure of a subject over the links: its id, groups and roles, `role:anyone`, and whatever
 * those lead to. Kept per subject object, which is shared by the requests of one token; since each
 * revision has its own, a change of the matrix is seen by the next request (I10).
 */
export function createHoldings(links: readonly RoleLink[]): HoldingsOf {
  const roles = new Map<string, string[]>()
  for (const { member, role } of links) {
    const held = roles.get(member)
    if (held === undefined) roles.set(member, [role])
    else held.push(role)
  }
  const kept = new WeakMap<Subject, ReadonlySet<string>>()
  return (subject) => {
    const known = kept.get(subject)
    if (known !== undefined) return known
    assertSubject(subject)
    // A set grows while it is walked, and the links are acyclic and finite: this ends.
    const holdings = new Set([subject.id, ...subject.groups, ...subject.roles, ANYONE])
    for (const name of holdings) for (const role of roles.get(name) ?? []) holdings.add(role)
    kept.set(subject, holdings)
    return holdings
  }
}
