/**
 * Who gains and who loses what, for one action and one group of resource classes: every single
 * principal, and every pair of which one allows and the other used to deny. By the proof in
 * `access-functions.ts` no caller gains or loses anything that is not among these.
 */
import { ANYONE, type Rule } from '../policy/rule.ts'
import {
  NO_POWER,
  permittedBy,
  togetherPower,
  type ConcerningRule,
  type Powers,
  type SubjectPower,
} from './access-functions.ts'
import type { AnalysedRevision, AnalysisSpace, ClassGroup } from './analysis-space.ts'
import { createMerger, type Cause, type RawChange } from './change-merger.ts'
import { NEVER, type Diagram } from './diagrams.ts'

const NO_POWERS: Powers = new Map()

/** One way to look at the change: from the revision that permits to the one that does not. */
interface Side {
  readonly space: AnalysisSpace
  readonly direction: RawChange['direction']
  readonly permitting: { readonly revision: AnalysedRevision; readonly powers: Powers }
  readonly refusing: { readonly revision: AnalysedRevision; readonly powers: Powers }
}

/** A principal with what it is worth on both sides; what everybody holds is included. */
interface Standing {
  readonly principal: string
  readonly permitting: SubjectPower
  readonly refusing: SubjectPower
  /** When it is permitted on the one side and not on the other. */
  readonly changed: Diagram
}

/** Finds the changes of a group between the two revisions of `space`. */
export function accessChanges(space: AnalysisSpace, group: ClassGroup): RawChange[] {
  const [before, after] = space.revisions
  const [old = NO_POWERS, now = NO_POWERS] = group.powers
  if (before === undefined || after === undefined) return []
  const affected = affectedPrincipals(space, group)
  if (affected.size === 0) return []
  const oldSide = { revision: before, powers: old }
  const newSide = { revision: after, powers: now }
  return [
    ...changesOf({ space, direction: 'gain', permitting: newSide, refusing: oldSide }, affected),
    ...changesOf({ space, direction: 'loss', permitting: oldSide, refusing: newSide }, affected),
  ]
}

/** Principals for which anything can differ: what they hold, or what rules say of that. */
function affectedPrincipals(space: AnalysisSpace, group: ClassGroup): ReadonlySet<string> {
  const [before, after] = space.revisions
  const [old = NO_POWERS, now = NO_POWERS] = group.powers
  if (before === undefined || after === undefined) return new Set()
  const subjects = new Set([...old.keys(), ...now.keys()])
  const holdersOf = (subject: string) => [
    ...before.reach.holdersOf(subject),
    ...after.reach.holdersOf(subject),
  ]
  const changedSubjects = [...subjects].filter((subject) => {
    const a: SubjectPower = old.get(subject) ?? NO_POWER
    const b: SubjectPower = now.get(subject) ?? NO_POWER
    return a.may !== b.may || a.spared !== b.spared
  })
  const holders = new Set([...subjects].flatMap(holdersOf))
  const regrouped = [...holders].filter(
    (p) => !sameKeys(before.reach.heldBy(p), after.reach.heldBy(p)),
  )
  const affected = new Set([...changedSubjects.flatMap(holdersOf), ...regrouped])
  // What everybody holds is part of what anybody does.
  if (affected.has(ANYONE)) return holders
  return affected
}

function sameKeys(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a.keys()].every((key) => b.has(key))
}

function changesOf(side: Side, affected: ReadonlySet<string>): RawChange[] {
  const everybody = standingOf(side, ANYONE)
  const others = [...affected]
    .filter((principal) => principal !== ANYONE)
    .map((principal) => standingOf(side, principal))
  return [
    ...singleChanges(side, [everybody, ...others], everybody),
    ...pairChanges(side, others, everybody),
  ]
}

function standingOf(side: Side, principal: string): Standing {
  const { space, permitting, refusing } = side
  const power = ({ revision, powers }: Side['permitting']) =>
    togetherPower(space.diagrams, powers, heldWith(revision, principal))
  const standing = { principal, permitting: power(permitting), refusing: power(refusing) }
  return { ...standing, changed: changedBy(side, standing.permitting, standing.refusing) }
}

function heldWith({ reach }: AnalysedRevision, principal: string): Set<string> {
  return new Set([...reach.heldBy(ANYONE).keys(), ...reach.heldBy(principal).keys()])
}

function changedBy({ space }: Side, permitting: SubjectPower, refusing: SubjectPower): Diagram {
  const { diagrams } = space
  const permitted = permittedBy(diagrams, permitting)
  return diagrams.and(permitted, diagrams.not(permittedBy(diagrams, refusing)))
}

/** `a` without what `b` already says. */
function without({ space }: Side, a: Diagram, b: Diagram): Diagram {
  return space.diagrams.and(a, space.diagrams.not(b))
}

function singleChanges(side: Side, standings: readonly Standing[], everybody: Standing) {
  const merged = createMerger()
  for (const standing of standings) {
    const when =
      standing === everybody ? standing.changed : without(side, standing.changed, everybody.changed)
    if (when === NEVER) continue
    merged.add(causeOf(side, standing, when), standing.principal, '')
  }
  return merged.changes()
}

/** Pairs of which one used to be denied: the other allows, and is not enough to change anything. */
function pairChanges(side: Side, affected: readonly Standing[], everybody: Standing): RawChange[] {
  const { diagrams, revisions } = side.space
  const released = affected.filter((standing) => isReleased(side, standing))
  if (released.length === 0) return []
  const known = new Map(affected.map((standing) => [standing.principal, standing]))
  const allowing = [...side.permitting.powers]
    .filter(([, { may }]) => may !== NEVER)
    .flatMap(([subject]) => revisions.flatMap(({ reach }) => reach.holdersOf(subject)))
  const partners = [...new Set(allowing)]
    .filter((principal) => principal !== ANYONE)
    .map((principal) => known.get(principal) ?? standingOf(side, principal))
  const merged = createMerger()
  for (const denied of released) {
    const enough = diagrams.or(denied.changed, everybody.changed)
    for (const partner of partners) {
      if (partner === denied || areBothUsers(partner, denied)) continue
      const changed = pairChanged(side, partner, denied)
      const when = without(side, changed, diagrams.or(enough, partner.changed))
      if (when === NEVER) continue
      const pair = { ...together(partner, denied), changed, principal: partner.principal }
      merged.add(causeOf(side, pair, when), partner.principal, denied.principal)
    }
  }
  return merged.changes()
}

/** Whether a deny of its own, not one that everybody has, no longer stands in the way. */
function isReleased(side: Side, { principal, permitting }: Standing): boolean {
  const { diagrams } = side.space
  const { revision, powers } = side.refusing
  const own = togetherPower(diagrams, powers, revision.reach.heldBy(principal).keys())
  return without(side, permitting.spared, own.spared) !== NEVER
}

function pairChanged({ space }: Side, a: Standing, b: Standing): Diagram {
  const { and, or, not } = space.diagrams
  const permitted = (x: SubjectPower, y: SubjectPower) =>
    and(or(x.may, y.may), and(x.spared, y.spared))
  const now = permitted(a.permitting, b.permitting)
  return now === NEVER ? NEVER : and(now, not(permitted(a.refusing, b.refusing)))
}

/** A token has one user. */
function areBothUsers(a: Standing, b: Standing): boolean {
  return a.principal.startsWith('user:') && b.principal.startsWith('user:')
}

/** The rules about either; who names them asks for nothing else. */
function together(a: Standing, b: Standing): Pick<Standing, 'permitting' | 'refusing'> {
  const sum = (x: SubjectPower, y: SubjectPower): SubjectPower => ({
    ...NO_POWER,
    allows: [...x.allows, ...y.allows],
    denies: [...x.denies, ...y.denies],
  })
  return {
    permitting: sum(a.permitting, b.permitting),
    refusing: sum(a.refusing, b.refusing),
  }
}

function causeOf(side: Side, standing: Standing, when: Diagram): Cause {
  const { diagrams } = side.space
  const touching = (entries: readonly ConcerningRule[], of: (e: ConcerningRule) => Diagram) =>
    inFileOrder(entries.filter((entry) => diagrams.and(of(entry), when) !== NEVER))
  return {
    direction: side.direction,
    when,
    permittedBy: touching(standing.permitting.allows, ({ holds }) => holds),
    refusedBy: touching(standing.refusing.denies, ({ fails }) => diagrams.not(fails)),
    otherwise: inFileOrder(standing.refusing.allows),
  }
}

function inFileOrder(entries: readonly ConcerningRule[]): Rule[] {
  const rules = [...new Set(entries.map(({ rule }) => rule))]
  return rules.sort((a, b) => a.reference.line - b.reference.line)
}
