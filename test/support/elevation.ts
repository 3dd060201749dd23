/** Rules, people and a journal in memory for tests of requests, approvals and grants. */
import { loadApprovals } from '../../gateway/access/approvals/load.ts'
import type { ApprovalRules } from '../../gateway/access/approvals/rule.ts'
import { isDeclined, type Command } from '../../gateway/access/command.ts'
import type { ElevationDeps } from '../../gateway/access/elevation/deps.ts'
import { createRequest, type RequestAsk } from '../../gateway/access/elevation/request.ts'
import { voteOn, type VoteAsk } from '../../gateway/access/elevation/vote.ts'
import type { AccessEvent } from '../../gateway/access/events.ts'
import { fold } from '../../gateway/access/fold/fold.ts'
import type { Lock } from '../../gateway/access/lock.ts'
import type { Person } from '../../gateway/access/person.ts'
import { emptyState, type AccessState } from '../../gateway/access/state.ts'
import type { ResourceAttributes } from '../../gateway/domain/access.ts'

export const T0 = Date.parse('2026-11-22T12:00:00Z')
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

/** Rules, and what else `approvals.yaml` says beside them. */
export function rulesOf(
  approvals: Record<string, unknown>,
  more: Record<string, unknown> = {},
): ApprovalRules {
  const text = JSON.stringify({ approvals, ...more })
  const loaded = loadApprovals({ file: 'approvals.yaml', text })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics))
  return loaded.value
}

/** Somebody of the issuer `corp`, whose person key is their name unless it is said. */
export function person(name: string, holds: readonly string[] = [], key = name): Person {
  return { person: `person:${key}`, id: `user:corp/${name}`, holds }
}

export const ALICE = person('alice', ['role:ml-engineer'])
export const BOB = person('bob', ['role:approver'])
export const CAROL = person('carol', ['role:approver'])
export const DAVE = person('dave', ['group:stewards'])

/** Two approvers, or whatever `more` makes of it. */
export const rule = (more: Record<string, unknown> = {}) => ({
  for: { actions: ['retrain', 'export'] },
  require: [{ count: 2, from: ['role:approver'] }],
  ...more,
})

export interface Given {
  readonly rules?: Record<string, unknown>
  /** What approvals.yaml says beside its rules. */
  readonly top?: Record<string, unknown>
  readonly attributes?: Readonly<Record<string, ResourceAttributes>>
  readonly filters?: readonly string[]
  /** What members of a group or role hold besides. */
  readonly inherits?: Readonly<Record<string, readonly string[]>>
}

/** @param given rules `r: rule()` unless it says others */
export function depsOf({ rules, top, attributes, filters, inherits }: Given = {}): ElevationDeps {
  return {
    rules: rulesOf(rules ?? { r: rule() }, top),
    holdingsOf: ({ id, holds }) =>
      new Set([id, ...holds, ...holds.flatMap((one) => inherits?.[one] ?? [])]),
    attributesOf: (resource) => attributes?.[resource],
    filterHolds: (expression) => filters?.includes(expression) ?? false,
  }
}

/** A request of Alice's for one export. */
export function ask(more: Partial<RequestAsk> = {}): RequestAsk {
  return {
    newId: `req-${'0'.repeat(26)}`,
    kind: 'elevation',
    by: ALICE,
    terms: { actions: ['export'], resources: ['model:fraud'], durationMs: HOUR },
    reasons: { justification: 'The audit asks for it.' },
    ...more,
  }
}

/** A journal that folds what commands say. */
export function journal(from: AccessState = emptyState('e'.repeat(32))) {
  let state = from
  let now = T0
  const add = (events: readonly AccessEvent[]): void => {
    state = fold(
      state,
      events.map((event, i) => ({ v: 1, event, seq: state.seq + 1 + i, at: now })),
    )
  }
  return {
    get state() {
      return state
    },
    get now() {
      return now
    },
    later(ms: number) {
      now += ms
    },
    add,
    /** The code of the refusal, or `done`. */
    code<T>(command: Command<T>): string {
      const ruled = command(state, now)
      if (isDeclined(ruled)) return ruled.declined
      add(ruled.events)
      return 'done'
    },
    /** What the command comes to. @throws when it is declined */
    done<T>(command: Command<T>): T {
      const ruled = command(state, now)
      if (isDeclined(ruled)) throw new Error(`${ruled.declined}: ${ruled.detail}`)
      add(ruled.events)
      return ruled.result
    },
  }
}

/** A lock in force from the start. */
export function lockOn(target: Lock['target'], more: Partial<Lock> = {}): AccessEvent {
  const lock: Lock = {
    id: `lock-${JSON.stringify(target)}`,
    target,
    reason: 'test',
    cause: { kind: 'operator' },
    by: 'user:corp/root',
    at: T0,
    ...more,
  }
  return { type: 'lock.set', lock }
}

/** Somebody asks, others vote on the newest request, grants come of it. */
export function scene(given: Given = {}) {
  const book = journal()
  const deps = depsOf(given)
  const create = (more: Partial<RequestAsk> = {}) => book.done(createRequest(deps, ask(more)))
  const vote = (by: Person, more: Partial<VoteAsk> = {}) => {
    const [request] = [...book.state.requests.values()].slice(-1)
    if (request === undefined) throw new Error('nothing was asked for')
    const { id, digest } = request
    return book.code(voteOn(deps, { id, by, digest, decision: 'approve', ...more }))
  }
  const grants = () => [...book.state.grants.values()]
  return { book, deps, create, vote, grants }
}
