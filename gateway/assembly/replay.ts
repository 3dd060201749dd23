/**
 * Judges recorded decisions again under candidate rules and keeps account of what would be
 * different. Works record by record: what it holds grows with the number of different changes, up
 * to a bound, and not with the ledger.
 */
import type { StoredRecord } from '../audit/read/query.ts'
import type { Decision } from '../domain/access.ts'
import type { DecisionPoint, ResourceCatalog } from '../domain/ports.ts'
import type { Action, Effect } from '../domain/vocabulary.ts'
import {
  recordedDecision,
  type RecordedDecision,
  type RecordedOperation,
} from './recorded-request.ts'

/** `gains`: would be permitted now. `loses`: would be refused now. `reason`: refused otherwise. */
export type ChangeKind = 'gains' | 'loses' | 'reason'

/** What was decided on an operation, or would be. */
export interface JudgedAs {
  readonly effect: Effect
  readonly reason?: string
  readonly rule?: string
}

/** Requests of one subject that change in the same way. */
export interface ChangedGroup {
  readonly change: ChangeKind
  readonly subject: string
  readonly action: Action
  readonly resource: string
  readonly before: JudgedAs
  readonly after: JudgedAs
  readonly requests: number
  /** Decision ids, the first ones. */
  readonly examples: readonly string[]
}

/** Everything a replay found. */
export interface ReplayReport {
  /** The revision judged under. */
  readonly revision: string
  /** Decision records read. */
  readonly records: number
  /** Requests judged again. */
  readonly judged: number
  /** Requests refused before any rule was asked, by stage. */
  readonly undecided: Readonly<Record<string, number>>
  /** Records that do not hold everything, by what is missing. */
  readonly incomplete: Readonly<Record<string, number>>
  /** Requests, exactly, whether or not their groups are listed. */
  readonly changed: Readonly<Record<ChangeKind, number>>
  /** The most frequent first. */
  readonly groups: readonly ChangedGroup[]
  /** Requests that change and are in no group, because there were too many groups. */
  readonly ungrouped: number
  /** Requests that were decided under this very revision: each must be decided alike. */
  readonly selfCheck: {
    readonly compared: number
    readonly differing: number
    readonly examples: readonly string[]
  }
}

/** A replay at work. */
export interface Replay {
  /** Judges one record of type `decision` again. Never throws. */
  take(record: StoredRecord): void
  report(): ReplayReport
}

/** Groups kept of each kind of change: one ledger can hold millions of subjects. */
const GROUPS_MAX = 10_000
const EXAMPLES_MAX = 3

/** What decides again. */
export interface CandidateRules {
  readonly decisionPoint: DecisionPoint
  readonly resources: ResourceCatalog
}

/** Starts a replay under `rules`. */
export function createReplay({ decisionPoint, resources }: CandidateRules): Replay {
  const { revision } = decisionPoint
  const tally = { records: 0, judged: 0, ungrouped: 0 }
  const undecided = new Map<string, number>()
  const incomplete = new Map<string, number>()
  const changed = { gains: 0, loses: 0, reason: 0 }
  const groups = { gains: newGroups(), loses: newGroups(), reason: newGroups() }
  const selfCheck = { compared: 0, differing: 0, examples: [] as string[] }

  const check = (id: string, pairs: readonly Pair[]): void => {
    selfCheck.compared += 1
    if (pairs.every(({ before, after }) => isSame(before, after, true))) return
    selfCheck.differing += 1
    if (selfCheck.examples.length < EXAMPLES_MAX) selfCheck.examples.push(id)
  }
  const judge = (decided: Extract<RecordedDecision, { kind: 'decided' }>): void => {
    const pairs = decided.operations.map((operation): Pair => {
      const resourceAttributes = resources.attributesOf(operation.request.resource)
      const decision = decisionPoint.decide({ ...operation.request, resourceAttributes })
      return { operation, before: judgedBefore(operation), after: judgedNow(decision) }
    })
    tally.judged += 1
    if (decided.revision === revision) check(decided.id, pairs)
    const found = changeIn(pairs)
    if (found === undefined) return
    changed[found.change] += 1
    if (!groups[found.change].add(found, decided.id)) tally.ungrouped += 1
  }
  return {
    take(record) {
      tally.records += 1
      const decision = recordedDecision(record)
      if (decision.kind === 'undecided') count(undecided, decision.stage)
      else if (decision.kind === 'incomplete') count(incomplete, decision.why)
      else judge(decision)
    },
    report: () => ({
      revision,
      ...tally,
      undecided: Object.fromEntries(undecided),
      incomplete: Object.fromEntries(incomplete),
      changed: { ...changed },
      groups: [...groups.loses.list(), ...groups.gains.list(), ...groups.reason.list()],
      selfCheck: { ...selfCheck, examples: [...selfCheck.examples] },
    }),
  }
}

interface Pair {
  readonly operation: RecordedOperation
  readonly before: JudgedAs
  readonly after: JudgedAs
}

interface Change extends Pair {
  readonly change: ChangeKind
}

/** A request is permitted when all of its operations are: the one that decides speaks for it. */
function changeIn(pairs: readonly Pair[]): Change | undefined {
  const refusedBefore = pairs.find(({ before }) => before.effect !== 'permit')
  const refusedNow = pairs.find(({ after }) => after.effect !== 'permit')
  if (refusedBefore === undefined) {
    return refusedNow === undefined ? undefined : { change: 'loses', ...refusedNow }
  }
  if (refusedNow === undefined) return { change: 'gains', ...refusedBefore }
  const other = pairs.find(({ before, after }) => !isSame(before, after, false))
  return other === undefined ? undefined : { change: 'reason', ...other }
}

/** Rules move up and down in a file: their place counts only within one revision. */
function isSame(a: JudgedAs, b: JudgedAs, withRule: boolean): boolean {
  return a.effect === b.effect && a.reason === b.reason && (!withRule || a.rule === b.rule)
}

function judgedBefore({ effect, reason, rule }: RecordedOperation): JudgedAs {
  return judgedAs(effect, reason, rule)
}

function judgedNow({ effect, reason, rule }: Decision): JudgedAs {
  return judgedAs(effect, reason, rule === undefined ? undefined : `${rule.file}:${rule.line}`)
}

function judgedAs(effect: Effect, reason: string | undefined, rule: string | undefined): JudgedAs {
  return {
    effect,
    ...(reason === undefined ? {} : { reason }),
    ...(rule === undefined ? {} : { rule }),
  }
}

function newGroups() {
  const groups = new Map<string, ChangedGroup & { requests: number; examples: string[] }>()
  return {
    /** Whether it has a group; false when there are too many. */
    add({ change, operation, before, after }: Change, id: string): boolean {
      const { request, resource } = operation
      const subject = request.subject.id
      const { action } = request
      // A list as JSON: whatever the parts hold, two different lists have two different texts.
      const key = JSON.stringify([subject, action, resource, before, after])
      let group = groups.get(key)
      if (group === undefined) {
        if (groups.size === GROUPS_MAX) return false
        const found = { change, subject, action, resource, before, after }
        group = { ...found, requests: 0, examples: [] }
        groups.set(key, group)
      }
      group.requests += 1
      if (group.examples.length < EXAMPLES_MAX) group.examples.push(id)
      return true
    },
    list: (): ChangedGroup[] => [...groups.values()].sort((a, b) => b.requests - a.requests),
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
