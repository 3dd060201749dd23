/**
 * Adds up what shadow rules would have done, from the records of the decisions they would have
 * changed. Holds counts, and up to a bound the subjects that are told apart.
 */
import type { StoredRecord } from '../audit/read/query.ts'
import type { Effect } from '../domain/vocabulary.ts'
import { Facts, Incomplete } from './recorded-facts.ts'

/** What one shadow rule would have changed in one way, under one revision. */
export interface ShadowGroup {
  /** `policy.csv:7`. */
  readonly rule: string
  readonly revision: string
  readonly enforced: Effect
  readonly shadow: Effect
  readonly reason?: string
  readonly requests: number
  readonly subjects: number
  /** False when there were more subjects than are told apart: `subjects` is then the least. */
  readonly subjectsExact: boolean
  /** The most frequent first, bounded. */
  readonly operations: readonly {
    readonly action: string
    readonly resource: string
    readonly requests: number
  }[]
  /** Decision ids, the first ones. */
  readonly examples: readonly string[]
}

/** Everything shadow rules would have changed. */
export interface ShadowReport {
  /** Decision records read. */
  readonly records: number
  /** Requests that rules decided. */
  readonly decided: number
  readonly wouldRefuse: { readonly requests: number; readonly subjects: number }
  readonly wouldPermit: { readonly requests: number; readonly subjects: number }
  /** Refused either way, with another effect. */
  readonly otherwise: number
  /** Records whose shadow result could not be read. */
  readonly unreadable: number
  readonly groups: readonly ShadowGroup[]
  /** Requests that are in no group, because there were too many groups. */
  readonly ungrouped: number
}

/** A report being added up. */
export interface ShadowTally {
  /** Adds one record of type `decision`. Never throws. */
  take(record: StoredRecord): void
  report(): ShadowReport
}

const GROUPS_MAX = 2_000
const SUBJECTS_MAX = 10_000
const OPERATIONS_MAX = 100
const EXAMPLES_MAX = 5

const EFFECTS = ['permit', 'deny', 'not-applicable', 'indeterminate'] as const

/** Starts a report. */
export function createShadowTally(): ShadowTally {
  const tally = { records: 0, decided: 0, otherwise: 0, unreadable: 0, ungrouped: 0 }
  const refuse = newCounter()
  const permit = newCounter()
  const groups = new Map<string, Group>()

  const add = (seen: Seen): void => {
    if (seen.enforced === 'permit') refuse.add(seen.subject)
    else if (seen.shadow === 'permit') permit.add(seen.subject)
    else tally.otherwise += 1
    const { rule, revision, enforced, shadow, reason } = seen
    const key = JSON.stringify([rule, revision, enforced, shadow, reason])
    let group = groups.get(key)
    if (group === undefined) {
      if (groups.size === GROUPS_MAX) {
        tally.ungrouped += 1
        return
      }
      group = { seen, subjects: newCounter(), operations: new Map(), examples: [] }
      groups.set(key, group)
    }
    addTo(group, seen)
  }
  return {
    take(record) {
      tally.records += 1
      try {
        const seen = seenIn(new Facts(record))
        if (seen === 'undecided') return
        tally.decided += 1
        if (seen !== undefined) add(seen)
      } catch (error) {
        if (!(error instanceof Incomplete)) throw error
        tally.unreadable += 1
      }
    },
    report: () => ({
      ...tally,
      wouldRefuse: refuse.counts(),
      wouldPermit: permit.counts(),
      groups: [...groups.values()].map(shown).sort((a, b) => b.requests - a.requests),
    }),
  }
}

/** One request that shadow rules would have decided otherwise. */
interface Seen {
  readonly id: string
  readonly subject: string
  readonly action: string
  readonly resource: string
  readonly rule: string
  readonly revision: string
  readonly enforced: Effect
  readonly shadow: Effect
  readonly reason: string | undefined
}

function seenIn(record: Facts): Seen | 'undecided' | undefined {
  const shadow = record.object('shadow')
  if (shadow === undefined) {
    const [first] = record.list('ops') ?? []
    return first?.text('effect') === undefined ? 'undecided' : undefined
  }
  const ops = record.required('ops', record.list('ops'))
  const effects = ops.map((op) => op.required('effect', op.oneOf('effect', EFFECTS)))
  const op = ops[shadow.required('op', shadow.number('op'))]
  if (op === undefined) throw new Incomplete('the shadow result is about no operation')
  return {
    id: record.required('id', record.text('id')),
    subject: record.required('sub', record.text('sub')),
    action: op.required('act', op.text('act')),
    resource: op.required('res', op.text('res')),
    rule: shadow.text('rule') ?? 'no rule',
    revision: record.required('pol', record.text('pol')),
    // As the request was decided: by its first operation that is not permitted.
    enforced: effects.find((effect) => effect !== 'permit') ?? 'permit',
    shadow: shadow.required('effect', shadow.oneOf('effect', EFFECTS)),
    reason: shadow.text('reason'),
  }
}

interface Group {
  readonly seen: Seen
  readonly subjects: Counter
  readonly operations: Map<string, { action: string; resource: string; requests: number }>
  readonly examples: string[]
}

function addTo(group: Group, { id, subject, action, resource }: Seen): void {
  group.subjects.add(subject)
  if (group.examples.length < EXAMPLES_MAX) group.examples.push(id)
  const key = JSON.stringify([action, resource])
  const operation = group.operations.get(key)
  if (operation !== undefined) operation.requests += 1
  else if (group.operations.size < OPERATIONS_MAX) {
    group.operations.set(key, { action, resource, requests: 1 })
  }
}

function shown({ seen, subjects, operations, examples }: Group): ShadowGroup {
  const { rule, revision, enforced, shadow, reason } = seen
  return {
    rule,
    revision,
    enforced,
    shadow,
    ...(reason === undefined ? {} : { reason }),
    ...subjects.counts(),
    subjectsExact: subjects.isExact(),
    operations: [...operations.values()].sort((a, b) => b.requests - a.requests),
    examples,
  }
}

interface Counter {
  add(subject: string): void
  counts(): { readonly requests: number; readonly subjects: number }
  isExact(): boolean
}

function newCounter(): Counter {
  const subjects = new Set<string>()
  let requests = 0
  let exact = true
  return {
    add(subject) {
      requests += 1
      if (subjects.size < SUBJECTS_MAX) subjects.add(subject)
      else if (!subjects.has(subject)) exact = false
    },
    counts: () => ({ requests, subjects: subjects.size }),
    isExact: () => exact,
  }
}
