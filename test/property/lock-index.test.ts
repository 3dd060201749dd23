import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Lock, LockTarget } from '../../gateway/access/lock.ts'
import { byAge, isInForce } from '../../gateway/access/locks/in-force.ts'
import { createLockIndex } from '../../gateway/access/locks/lock-index.ts'
import { emptyState } from '../../gateway/access/state.ts'
import type { LockFacts } from '../../gateway/access/view.ts'
import { inNetwork, parseIp, parseNetwork } from '../../gateway/domain/network.ts'
import type { Operation } from '../../gateway/domain/vocabulary.ts'
import { LOCKED_AT, lockId, lockOf, MALLORY } from '../support/locks.ts'

/** So few names that most locks are on somebody who asks. */
const name = fc.constantFrom('a', 'b', '*', 'a:b', 'a b')
const issuerNames = fc.constantFrom('corp', 'partner')
const version = fc.constantFrom('1', '2')
const action = fc.constantFrom('infer' as const, 'export' as const, 'deploy' as const)
const networks = ['10.1.0.0/16', '10.1.2.0/24', '10.1.2.3/32', '0.0.0.0/0', '2001:db8::/32', '::/0']
const addresses = ['10.1.2.3', '10.1.9.9', '192.0.2.1', '2001:db8::1', '::1', '::ffff:10.1.2.3']

const target: fc.Arbitrary<LockTarget> = fc.oneof(
  name.map((id) => ({ kind: 'user', id: `user:corp/${id}` }) as const),
  name.map((id) => ({ kind: 'group', id: `group:${id}` }) as const),
  name.map((id) => ({ kind: 'role', id: `role:${id}` }) as const),
  name.map((id) => ({ kind: 'person', id: `person:${id}` }) as const),
  name.map((id) => ({ kind: 'device', id }) as const),
  fc.constantFrom(...networks).map((cidr) => ({ kind: 'network', cidr }) as const),
  fc.record({
    kind: fc.constantFrom('token' as const, 'session' as const),
    issuer: issuerNames,
    id: name,
  }),
  fc.record({
    kind: fc.constant('issued-before' as const),
    subject: name.map((id) => `user:corp/${id}`),
    before: fc.integer({ min: 1, max: 20 }),
  }),
  name.map((id) => ({ kind: 'model', id: `model:${id}` }) as const),
  fc
    .tuple(name, version)
    .map(([id, number]) => ({ kind: 'version', id: `model:${id}@${number}` }) as const),
  name.map((id) => ({ kind: 'upstream', id }) as const),
  fc.constant({ kind: 'all' } as const),
)

const lock = fc
  .record({
    number: fc.nat({ max: 15 }),
    target,
    at: fc.nat({ max: 5 }),
    actions: fc.option(fc.uniqueArray(action, { minLength: 1 })),
    lives: fc.option(fc.nat({ max: 20 })),
    isLifted: fc.boolean(),
  })
  .map(({ number, target: on, at, actions, lives, isLifted }): Lock =>
    lockOf(on, {
      id: lockId(number),
      at,
      ...(actions === null ? {} : { actions }),
      ...(lives === null ? {} : { expiresAt: lives }),
      ...(isLifted ? { lifted: { by: ['x'], at: LOCKED_AT, reason: 'r' } } : {}),
    }),
  )

const operation: fc.Arbitrary<Operation> = fc
  .record({
    action,
    kind: fc.constantFrom('model' as const, 'dataset' as const),
    name,
    version: fc.option(version),
  })
  .map(({ version: number, ...one }) => ({
    action: one.action,
    resource: { kind: one.kind, name: one.name, ...(number === null ? {} : { version: number }) },
  }))

const facts: fc.Arbitrary<LockFacts> = fc
  .record({
    who: name,
    groups: fc.array(name),
    roles: fc.array(name),
    issuerName: issuerNames,
    ids: fc.record(
      { tokenId: name, sessionId: name, person: name.map((id) => `person:${id}`) },
      { requiredKeys: [] },
    ),
    issuedAt: fc.nat({ max: 20 }),
    client: fc.constantFrom(...addresses),
    more: fc.record(
      {
        devices: fc.array(name, { maxLength: 3 }),
        upstream: name,
        control: fc.constantFrom('local' as const, 'remote' as const),
      },
      { requiredKeys: [] },
    ),
    operations: fc.array(operation, { maxLength: 3 }),
  })
  .map(({ who, groups, roles, issuerName, ids, issuedAt, client, more, operations }) => {
    const { issuer, groups: none, expiresAt, authentication, claims } = MALLORY
    const plain = { issuer, groups: none, roles: none, expiresAt, authentication, claims }
    const subject = { ...plain, id: `user:corp/${who}`, issuerName, issuedAt, ...ids }
    const held = [...groups.map((one) => `group:${one}`), ...roles.map((one) => `role:${one}`)]
    return { subject, holdings: new Set([subject.id, ...held]), client, operations, ...more }
  })

describe('the index of locks', () => {
  it('finds what looking through all of them finds', () => {
    fc.assert(
      fc.property(fc.array(lock, { maxLength: 30 }), fc.array(facts), fc.nat({ max: 20 }), check),
      { numRuns: 500 },
    )
  })
})

/** One lock after the other, some in the place of others: by what is put in, by following, at once. */
function check(locks: readonly Lock[], asks: readonly LockFacts[], now: number): void {
  const put = createLockIndex(new Map())
  const following = createLockIndex(new Map())
  let before = emptyState('e')
  for (const one of locks) {
    put.put(one)
    const after = { ...before, locks: new Map(before.locks).set(one.id, one) }
    following.follow({
      before,
      after,
      events: [{ seq: 1, at: 0, event: { type: 'lock.set', lock: one } }],
    })
    before = after
    // Whatever is kept of an answer must not outlive it.
    for (const ask of asks) {
      const first = oldestOn(after.locks, ask, now)
      expect([put.find(ask, now), following.find(ask, now)]).toEqual([first, first])
    }
  }
  const known = before.locks
  for (const ask of asks) {
    const expected = oldestOn(known, ask, now)
    for (const index of [put, following, createLockIndex(known)]) {
      expect(index.find(ask, now)).toBe(expected)
    }
  }
}

function oldestOn(locks: ReadonlyMap<string, Lock>, ask: LockFacts, now: number): Lock | undefined {
  return [...locks.values()].filter((one) => isOn(one, ask, now)).sort(byAge)[0]
}

/** What a lock is on, as it is written down in `gateway/access/lock.ts`. */
function isOn(one: Lock, ask: LockFacts, now: number): boolean {
  if (!isInForce(one, now)) return false
  const { kind } = one.target
  const isAbout = (operations: readonly Operation[]) =>
    one.actions === undefined || operations.some((each) => one.actions?.includes(each.action))
  if (kind === 'model' || kind === 'version') {
    const found = ask.operations.filter((each) => isModel(one.target, each))
    return ask.control === undefined && found.some((each) => isAbout([each]))
  }
  if (!isAbout(ask.operations)) return false
  if (ask.control !== undefined && (kind === 'upstream' || kind === 'all')) return false
  if (ask.control === 'local' && kind === 'network') return false
  return isCaller(one.target, ask)
}

function isModel(on: LockTarget, { resource }: Operation): boolean {
  if (resource.kind !== 'model') return false
  if (on.kind === 'model') return on.id === `model:${resource.name}`
  if (on.kind !== 'version') return false
  const [of, number] = on.id.split('@')
  return of === `model:${resource.name}` && (resource.version ?? number) === number
}

function isCaller(on: LockTarget, ask: LockFacts): boolean {
  const { subject, holdings } = ask
  if (on.kind === 'all') return true
  if (on.kind === 'network') return isIn(on.cidr, ask.client)
  if (on.kind === 'issued-before') {
    return subject.id === on.subject && subject.issuedAt < on.before
  }
  if ('issuer' in on) {
    const id = on.kind === 'token' ? subject.tokenId : subject.sessionId
    return subject.issuerName === on.issuer && id === on.id
  }
  if (on.kind === 'device') return ask.devices?.includes(on.id) === true
  const one = { person: subject.person, upstream: ask.upstream }
  return on.kind in one ? one[on.kind as keyof typeof one] === on.id : holdings.has(on.id)
}

function isIn(cidr: string, client: string): boolean {
  const [network, ip] = [parseNetwork(cidr), parseIp(client)]
  return !('problem' in network) && ip !== undefined && inNetwork(network, ip)
}
