import { describe, expect, it } from '@jest/globals'
import type { AccessEvent, JournalledEvent } from '../../../gateway/access/events.ts'
import { OVER_CHARS_MAX } from '../../../gateway/access/fold/bounds.ts'
import { fold } from '../../../gateway/access/fold/fold.ts'
import { STATE_CHARS_MAX, VERSIONS_CHARS_MAX, withoutRoom } from '../../../gateway/access/room.ts'
import { sizeOfState } from '../../../gateway/access/size.ts'
import { readSnapshot, snapshotText } from '../../../gateway/access/snapshot.ts'
import { emptyState, type AccessState } from '../../../gateway/access/state.ts'
import {
  beginTraining,
  RUNS_CHARS_MAX,
  STATEMENT_MAX,
} from '../../../gateway/access/versions/trainings.ts'
import { liftLock } from '../../../gateway/access/locks/lift-lock.ts'
import { createRequest } from '../../../gateway/access/elevation/request.ts'
import { JOURNAL_SNAPSHOT_MAX } from '../../../gateway/domain/journal.ts'
import { ALICE, ask, BOB, CAROL, HOUR, lockOn, scene, T0 } from '../../support/elevation.ts'
import { IN_ONE_PASS, timesAsLong } from '../../support/growth.ts'

const LONG = 'x'.repeat(60_000)
const DAY = 24 * HOUR

type Told = Pick<JournalledEvent, 'event' | 'call'>

/** Folds `events` one by one, a minute after each other. */
function foldAll(events: readonly Told[], from: AccessState = emptyState('e')): AccessState {
  let state = from
  for (const told of events) {
    const at = Math.max(state.at, T0) + 60_000
    state = fold(state, [{ v: 1, seq: state.seq + 1, at, ...told }])
  }
  return state
}

/** What `sample` makes of a number, so often that it is `chars` characters together. */
function filled(chars: number, sample: (n: number) => readonly AccessEvent[]): readonly Told[] {
  const each = JSON.stringify(sample(0)).length
  return Array.from({ length: Math.ceil(chars / each) }, (_, n) => sample(n))
    .flat()
    .map((event) => ({ event }))
}

const { request } = scene().create()
const created = (n: number): AccessEvent => {
  const reasons = { justification: LONG }
  const times = { createdAt: T0, expiresAt: T0 + 3_650 * DAY }
  return { type: 'request.created', request: { ...request, ...times, id: `req-${n}`, reasons } }
}
const cancelled = (n: number): AccessEvent => ({
  type: 'request.cancelled',
  id: `req-${n}`,
  by: ALICE.id,
  reason: 'x',
})
const idle = filled(JSON.stringify([cancelled(0)]).length * 64, () => [cancelled(-1)])

// §2.L 382: whatever somebody does over and over, the state stays within its bounds.
describe('what is over falls out, the oldest first', () => {
  it('of requests that are made and cancelled in a loop', () => {
    const state = foldAll(filled(3 * OVER_CHARS_MAX.requests, (n) => [created(n), cancelled(n)]))
    expect(sizeOfState(state)).toBeLessThan(OVER_CHARS_MAX.requests + 64 * 61_000)
    const kept = [...state.requests.keys()]
    const last = Number(kept.at(-1)?.slice(4))
    expect(kept).toEqual(kept.map((_, i) => `req-${last - kept.length + 1 + i}`))
  })

  it('of requests, and never one that waits or is in force', () => {
    const waiting = filled(OVER_CHARS_MAX.requests * 2, (n) => [created(n)])
    const state = foldAll([...waiting, ...idle])
    expect(state.requests.size).toBe(waiting.length)
  })

  it('of requests with their grants, and of no break-glass that nobody reviewed', () => {
    const { book, create, vote, grants } = scene()
    create({ reasons: { justification: LONG.slice(0, 4_000) } })
    vote(BOB)
    vote(CAROL)
    const [grant] = grants()
    if (grant === undefined) throw new Error('nothing was granted')
    const opened = { ...grant, id: 'grant-open', request: 'req-open', sealed: { openedAt: T0 } }
    const sealedRequest = { ...request, id: 'req-open', grant: 'grant-open' }
    book.add([
      { type: 'request.created', request: sealedRequest },
      { type: 'grant.issued', grant: opened },
      { type: 'grant.revoked', id: grant.id, by: BOB.id, reason: 'x' },
    ])
    const loop = filled(2 * OVER_CHARS_MAX.requests, (n) => [created(n), cancelled(n)])
    const later = { ...book.state, at: T0 + 2 * DAY }
    const state = foldAll(loop, later)
    expect([...state.grants.keys()]).toEqual(['grant-open'])
    expect(state.requests.has('req-open')).toBe(true)
    expect(state.requests.has(grant.request)).toBe(false)
  })

  it('of locks, drills, versions that were released, calls and signals', () => {
    const setting = (n: number, more = {}): AccessEvent =>
      lockOn({ kind: 'user', id: `user:corp/u${n}` }, { reason: LONG, ...more })
    const report = {
      ...{ replica: 'r', name: LONG, refusedMs: 1, cutMs: 1 },
      ok: true,
    }
    const drill = { id: '', by: ALICE.id, at: 0, expected: [], reports: [report] }
    const model = (n: number): string => `model:fraud@${n}`
    const maxes = OVER_CHARS_MAX
    const state = foldAll([
      ...filled(2 * maxes.locks, (n) => [setting(n, { expiresAt: T0 + 1 })]),
      ...filled(2 * maxes.drills, (n) => [
        { type: 'drill.begun', drill: { ...drill, id: `drill-${n}`, at: n } },
      ]),
      ...filled(2 * maxes.versions, (n) => [
        { type: 'version.registered', version: { model: model(n), at: T0, by: ALICE.id } },
        { type: 'version.released', model: model(n), by: ALICE.id, reason: LONG },
      ]),
      ...filled(2 * maxes.signals, (n) => [
        { type: 'signal.received', issuer: 'corp', jti: `${n}${LONG}`, event: 'x' },
      ]),
      ...Array.from({ length: 160 }, (_, n) => ({
        event: cancelled(-1),
        call: { key: `k${n}`, body: LONG, result: 'r' },
      })),
      ...idle,
    ])
    for (const [name, max] of Object.entries(maxes) as [keyof typeof maxes, number][]) {
      const text = JSON.stringify([...state[name]])
      expect([name, text.length < max]).toEqual([name, true])
      const isHere = name !== 'requests' && name !== 'people'
      if (isHere) expect([name, state[name].size > 0]).toEqual([name, true])
    }
    expect(state.calls.has('k159')).toBe(true)
    expect(state.calls.has('k0')).toBe(false)
  })

  it('of what is known of people, and of nobody that something speaks of', () => {
    const stranger = (n: number): AccessEvent => ({
      type: 'person.seen',
      person: { id: `user:corp/x${n}`, person: `person:x${n}`, holds: [LONG] },
    })
    const { book } = scene()
    const locked = lockOn({ kind: 'user', id: 'user:corp/x0' })
    book.add([stranger(0), stranger(1), locked, created(1)])
    const state = foldAll(
      [...filled(2 * OVER_CHARS_MAX.people, (n) => [stranger(n + 2)]), ...idle],
      book.state,
    )
    expect(JSON.stringify([...state.people]).length).toBeLessThan(OVER_CHARS_MAX.people)
    expect(state.people.has('user:corp/x0')).toBe(true)
    expect(state.people.has('user:corp/x1')).toBe(false)
    expect(state.people.has(ALICE.id)).toBe(true)
  })

  // threats §2.H 266: who only ever called the control API is nowhere else.
  it('of people, and not of accounts that are all that is known of somebody', () => {
    const holds: readonly string[] = []
    const other = { id: 'user:partner/m', person: 'person:m', holds }
    const { book } = scene()
    const lock = lockOn({ kind: 'user', id: other.id }, { id: 'lock-m' })
    const seen = foldAll([{ event: { type: 'person.seen', person: other } }, ...idle], book.state)
    const state = foldAll([{ event: lock }, ...idle], seen)
    const by = {
      by: 'user:corp/m',
      person: other.person,
      holds,
      holdingsOf: () => new Set<string>(),
    }
    const ask = { id: 'lock-m', reason: 'it is a mistake', secondPerson: false }
    expect(liftLock({ ...ask, ...by })(state, state.at)).toMatchObject({ declined: 'not_eligible' })
  })

  it('on every replica alike, whether it read all or began from a snapshot', () => {
    const events = filled(2 * OVER_CHARS_MAX.requests, (n) => [created(n), cancelled(n)])
    const whole = foldAll(events)
    for (const at of [1, 300, 511, 512, 700]) {
      const restarted = readSnapshot(snapshotText(foldAll(events.slice(0, at))))
      expect(snapshotText(foldAll(events.slice(at), restarted))).toBe(snapshotText(whole))
    }
  })
})

describe('the size of a state', () => {
  it('is that of its snapshot, to within a thousandth', () => {
    const { book, create, vote } = scene()
    for (let n = 0; n < 20; n += 1) {
      create({ newId: `req-${n}`, reasons: { justification: 'ä "quoted"\n\u0001 𝄞' } })
      vote(BOB)
    }
    book.add([lockOn({ kind: 'all' })])
    const length = snapshotText(book.state).length
    expect(Math.abs(sizeOfState(book.state) - length)).toBeLessThan(Math.max(length / 1_000, 300))
  })

  it('leaves no room to begin anything past three quarters, and room for the rest', () => {
    const full = foldAll(filled(STATE_CHARS_MAX * 1.05, (n) => [created(n)]))
    expect(withoutRoom([created(0)], full)).toMatchObject({
      declined: 'too_many',
      retryAfterS: 3_600,
    })
    expect(withoutRoom([created(0)], emptyState('e'))).toBeUndefined()
    const version = { model: 'model:fraud@3', at: T0, by: ALICE.id }
    const restricting = [cancelled(0), lockOn({ kind: 'all' })]
    expect(withoutRoom(restricting, full)).toBeUndefined()
    expect(withoutRoom([{ type: 'version.registered', version }], full)).toBeUndefined()
  })

  it('leaves room to restrict versions while a snapshot can hold them', () => {
    const version = { model: 'model:fraud@3', at: T0, by: ALICE.id }
    const full = foldAll(filled(VERSIONS_CHARS_MAX * 1.01, (n) => [created(n)]))
    expect(withoutRoom([{ type: 'version.registered', version }], full)).toMatchObject({
      declined: 'too_many',
    })
    const registration = { id: 'd-1', model: 'model:fraud', version: '*', by: ALICE.id }
    const begun: AccessEvent = { type: 'registration.begun', registration }
    expect(withoutRoom([begun], full)).toMatchObject({ declined: 'too_many' })
    expect(withoutRoom([{ type: 'registration.ended', id: 'd-1' }], full)).toBeUndefined()
    expect(withoutRoom([lockOn({ kind: 'all' })], full)).toBeUndefined()
  })
})

// §2.L 382
it('a state as large as may be is read in one pass', () => {
  const of = (chars: number) => foldAll(filled(chars, (n) => [created(n)]))
  const [state, tenth] = [of(STATE_CHARS_MAX), snapshotText(of(STATE_CHARS_MAX / 10))]
  const text = snapshotText(state)
  expect(text.length).toBeLessThan(JOURNAL_SNAPSHOT_MAX)
  const read = (one: string) => () => void readSnapshot(one)
  expect(timesAsLong(read(text), read(tenth))).toBeLessThan(IN_ONE_PASS)
  expect(readSnapshot(text).requests.size).toBe(state.requests.size)
})

describe('what cannot fall out before its time', () => {
  it('is refused: a training past what the state keeps of them', () => {
    const run = (n: number, statement = LONG.slice(0, STATEMENT_MAX)) => ({
      ...{ id: `run-${n}`, at: T0, by: ALICE.id, upstream: 'trainer' },
      ...{ statementDigest: `sha256:${'0'.repeat(64)}`, statement },
    })
    const state = foldAll(
      filled(RUNS_CHARS_MAX * 1.05, (n) => [{ type: 'training.begun', run: run(n) }]),
    )
    expect(beginTraining(run(-1))(state, T0)).toMatchObject({ declined: 'too_many' })
    const emptied = { ...state, runs: new Map() }
    expect(beginTraining(run(-1))(emptied, T0)).toHaveProperty('events')
  })
})

describe('requests of one person within a day', () => {
  it('are so many as approvals.yaml says, cancelled ones too, over all accounts', () => {
    const { book, deps } = scene({ top: { requests_per_day: 3 } })
    const make = (n: number) => createRequest(deps, ask({ newId: `req-${n}` }))
    for (let n = 0; n < 3; n += 1) {
      book.done(make(n))
      book.add([cancelled(n)])
      book.later(HOUR)
    }
    const by = { ...ALICE, id: 'user:corp/alice-2' }
    const refused = createRequest(deps, ask({ newId: 'req-3', by }))(book.state, book.now)
    expect(refused).toMatchObject({ declined: 'too_many', retryAfterS: 21 * 3_600 })
    expect(book.code(createRequest(deps, ask({ newId: 'req-4', by: BOB })))).toBe('done')
    book.later(21 * HOUR)
    expect(book.code(make(5))).toBe('done')
    expect(book.code(make(6))).toBe('too_many')
  })
})
