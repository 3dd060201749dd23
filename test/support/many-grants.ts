/** Many grants and locks in one state, as commands would have made them. */
import type { ElevationGrant } from '../../gateway/access/elevation.ts'
import type { Lock } from '../../gateway/access/lock.ts'
import { emptyState, type AccessState } from '../../gateway/access/state.ts'
import type { GrantAsk } from '../../gateway/domain/ports.ts'
import type { Subject } from '../../gateway/domain/subject.ts'
import { BOB, CAROL, HOUR, person, rule, rulesOf, T0 } from './elevation.ts'
import { lockId, lockOf } from './locks.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

/** The holder of the grant with this number; a hundred people hold all of them. */
export const holderOf = (number: number) => person(`holder-${number % 100}`)

/** The grant with this number: an export of one model, agreed to by two people. */
export function grantOf(number: number, more: Partial<ElevationGrant> = {}): ElevationGrant {
  const holder = holderOf(number)
  const id = String(number).padStart(26, '0')
  return {
    id: `grant-${id}`,
    request: `req-${id}`,
    terms: {
      holder: holder.id,
      actions: ['export'],
      resources: [`model:m-${Math.floor(number / 100)}`],
      durationMs: HOUR,
    },
    holder,
    digest: DIGEST,
    votes: [BOB, CAROL].map((by) => ({
      by,
      decision: 'approve',
      digest: DIGEST,
      filtersHeld: [],
      at: T0,
    })),
    demands: [
      {
        rule: 'r',
        requirements: [{ count: 2, from: ['role:approver'] }],
        denyBy: 'nobody',
      },
    ],
    issuedAt: T0,
    startsAt: T0,
    expiresAt: T0 + HOUR,
    ...more,
  }
}

/** A state with so many grants and, on other people, locks. */
export function crowdedState(grants: number, locks: number): AccessState {
  const people = [
    BOB,
    CAROL,
    ...Array.from({ length: Math.min(grants, 100) }, (_, i) => holderOf(i)),
  ]
  return {
    ...emptyState('e'.repeat(32)),
    at: T0,
    people: new Map(people.map((one) => [one.id, one])),
    grants: new Map(
      Array.from({ length: grants }, (_, i) => grantOf(i)).map((one) => [one.id, one]),
    ),
    locks: new Map(
      Array.from({ length: locks }, (_, i) => otherLock(i)).map((one) => [one.id, one]),
    ),
  }
}

/** A lock on somebody who holds none of these grants, each of another kind. */
function otherLock(number: number): Lock {
  const id = lockId(number)
  const more = { id, at: T0, ...(number % 3 === 0 ? { expiresAt: T0 + HOUR + number } : {}) }
  switch (number % 5) {
    case 0:
      return lockOf({ kind: 'user', id: `user:corp/other-${number}` }, more)
    case 1:
      return lockOf({ kind: 'token', issuer: 'corp', id: `jti-${number}` }, more)
    case 2:
      return lockOf({ kind: 'network', cidr: `198.51.${number % 256}.0/24` }, more)
    case 3:
      return lockOf({ kind: 'person', id: `person:other-${number}` }, more)
    default:
      return lockOf({ kind: 'version', id: `model:other@${number}` }, more)
  }
}

/** Somebody who calls with a token of the issuer of these people. */
export function callerOf(name: string): Subject {
  return {
    id: `user:corp/${name}`,
    issuer: 'https://idp.test',
    issuerName: 'corp',
    groups: ['group:science'],
    roles: ['role:reader'],
    tokenId: `jti-of-${name}`,
    sessionId: `sid-of-${name}`,
    person: `person:${name}`,
    issuedAt: T0,
    expiresAt: T0 + HOUR,
    authentication: {},
    claims: new Map(),
  }
}

/** An export of the model with this number. */
export function exportAsk(subject: Subject, model: number): GrantAsk {
  return {
    subject,
    operations: [{ action: 'export', resource: { kind: 'model', name: `m-${model}` } }],
    now: T0 + 1,
    client: '10.1.2.3',
  }
}

/** The rules under which these grants stand. */
export const RULES = rulesOf({ r: rule() })
