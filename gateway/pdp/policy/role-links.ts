/**
 * The graph of `g` rows, checked when it is loaded and walked when a subject is met. Casbin cuts
 * chains at ten without a word and needs seconds for a dense cycle; here both are refused.
 */
import type { Subject } from '../../domain/subject.ts'
import { closest } from '../../domain/diagnostics.ts'
import type { Findings } from './finding.ts'
import { assertSubject } from '../decision/request-check.ts'
import { ANYONE, type RoleLink, type Rule } from './rule.ts'

/** Longest chain of roles that lead to roles. */
export const ROLE_DEPTH_MAX = 8

/** Most roles that one member may be given directly. */
export const ROLE_FAN_OUT_MAX = 64

/** Reports self links, cycles, chains that are too deep, too many roles, repetitions, likely typos. */
export function checkRoleLinks(
  links: readonly RoleLink[],
  rules: readonly Rule[],
  findings: Findings,
): void {
  const roles = new Map<string, Set<string>>()
  for (const link of links) checkLink(link, roles, findings)
  const before = findings.errors.length
  checkDepths(links, roles, findings)
  if (findings.errors.length === before) warnIdleRoles(links, rules, findings)
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

/** Depth-first with memory: every link is followed once, and the stack is the chain itself. */
function checkDepths(
  links: readonly RoleLink[],
  roles: ReadonlyMap<string, ReadonlySet<string>>,
  findings: Findings,
): void {
  const depths = new Map<string, number | 'open'>()
  const depthOf = (name: string, level: number): number | undefined => {
    const known = depths.get(name)
    // An open one is a cycle; past the limit the walk stops, so that the stack stays shallow.
    if (known === 'open' || level > ROLE_DEPTH_MAX) return undefined
    if (known !== undefined) return known
    depths.set(name, 'open')
    let deepest = 0
    for (const role of roles.get(name) ?? []) {
      const below = depthOf(role, level + 1)
      if (below === undefined) return undefined
      deepest = Math.max(deepest, below + 1)
    }
    depths.set(name, deepest)
    return deepest
  }
  for (const link of links) {
    if (link.member === link.role) continue
    const depth = depthOf(link.member, 0)
    if (depth !== undefined && depth <= ROLE_DEPTH_MAX) continue
    findings.error(link.line, link.column, {
      code: 'role-chain',
      message: `the roles of ${link.member} form a circle or a chain deeper than ${ROLE_DEPTH_MAX}`,
      remedy: 'Break the chain; give the member its roles directly.',
    })
    return
  }
}

/** A role that no rule names and that leads nowhere is most often a typing mistake. */
function warnIdleRoles(
  links: readonly RoleLink[],
  rules: readonly Rule[],
  findings: Findings,
): void {
  const used = new Set([...rules.map((rule) => rule.subject), ...links.map((link) => link.member)])
  const named = new Set<string>()
  for (const { role, line, column } of links) {
    if (used.has(role) || named.has(role)) continue
    named.add(role)
    const near = named.size > 100 ? undefined : closest(role, used)
    findings.warning(line, column, {
      code: 'idle-role',
      message: `no rule names ${role}`,
      remedy: near === undefined ? 'Write a rule for it, or remove it.' : `Did you mean ${near}?`,
    })
  }
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
