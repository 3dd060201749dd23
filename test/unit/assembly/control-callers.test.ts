import { describe, expect, it } from '@jest/globals'
import {
  createControlCallers,
  type ControlCallersDeps,
} from '../../../gateway/assembly/control-callers.ts'
import { NO_ACCESS } from '../../../gateway/access/no-access.ts'
import type { Decision } from '../../../gateway/domain/access.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import type { Subject } from '../../../gateway/domain/subject.ts'
import type { Runtime } from '../../../gateway/pep/runtime.ts'
import { lockOf } from '../../support/locks.ts'
import { subjectOf } from '../../support/policy.ts'

const NOW = Date.parse('2026-11-04T10:00:00Z')
const PERMIT: Decision = {
  effect: 'permit',
  explanation: '',
  failedConditions: [],
  obligations: [],
  revision: 'sha256:1',
}

const RULE = {
  file: 'policy.csv',
  line: 1,
  text: 'p, role:anyone, admin, server:gate:locks, always, allow',
}
const REVOKED = { review: 'review-1', holder: 'role:anyone', lapsed: true }

/** Callers whose rules say `decision` of everything on `server:gate:locks`, and no of the rest. */
function callers(
  given: {
    readonly decision?: Decision
    readonly subject?: Subject
    readonly isLocked?: boolean
    readonly isRevoked?: boolean
    readonly isFull?: boolean
  } = {},
) {
  const { decision = PERMIT, subject = subjectOf({ expiresAt: NOW + 1_000 }) } = given
  const records: LedgerRecord[] = []
  const seen: string[] = []
  const no: Decision = { ...PERMIT, effect: 'not-applicable', reason: 'no_rule' }
  const runtime = {
    limits: { headerCountMax: 100 },
    clientAddress: (ip: string) => ({ ip, source: 'peer' }),
    environment: ({ client }: { client: object }) => ({ now: NOW, client }),
    policy: {
      holdingsOf: () => new Set([subject.id]),
      resources: { attributesOf: () => undefined },
      decisionPoint: {
        revision: 'sha256:1',
        decide: (asked: { resource: { name: string } }) =>
          asked.resource.name === 'gate:locks' ? decision : no,
      },
    },
  } as unknown as Runtime
  const lock = lockOf({ kind: 'user', id: subject.id })
  const services = {
    clock: { now: () => NOW, monotonicMs: () => 0 },
    ledger: {
      append: (record: LedgerRecord) => {
        if (given.isFull === true) return Promise.reject(new Error('full'))
        records.push(record)
        return Promise.resolve()
      },
    },
    metrics: { auditError: () => undefined },
    log: { error: () => undefined },
    lockouts: { find: () => undefined },
    access: {
      ...NO_ACCESS,
      lockOn: () => (given.isLocked === true ? lock : undefined),
      revokedBy: () => (given.isRevoked === true ? REVOKED : undefined),
    },
  } as unknown as ControlCallersDeps['services']
  const made = createControlCallers({
    services,
    runtime: () => runtime,
    authenticator: () => ({ authenticate: () => Promise.resolve(subject) }),
    onSeen: ({ id }) => void seen.push(id),
  })
  const ask = {
    id: 'call-1',
    authorization: 'Bearer x',
    server: 'gate:locks',
    what: 'locks.list',
    peer: '::1',
    rawHeaders: [],
  }
  const asked = (isReading = true) => made.authorize({ ...ask, action: 'admin', isReading })
  return { made, asked, records, seen }
}

const reasonOf = (outcome: unknown) =>
  isRefusal(outcome) ? (outcome as { reason: string }).reason : 'let in'

describe('a caller of the control listener', () => {
  it('is let in, recorded and asked about other areas by the same rules', async () => {
    const { asked, records, seen } = callers()
    const caller = await asked()
    if (isRefusal(caller)) throw new Error(caller.reason)
    expect([caller.may('admin', 'gate:locks'), caller.may('read', 'gate:grants')]).toEqual([
      true,
      false,
    ])
    expect(records.map(({ fields }) => fields)).toMatchObject([
      { id: caller.id, effect: 'permit', what: 'locks.list', pol: 'sha256:1' },
    ])
    expect(seen).toEqual([caller.subject.id])
  })

  it('who is to change something is not recorded as reading', async () => {
    const { asked, records } = callers()
    expect(reasonOf(await asked(false))).toBe('let in')
    expect(records).toEqual([])
  })

  it.each([
    [
      'a duty that nobody discharges',
      { decision: { ...PERMIT, obligations: [{}] } },
      'obligation_unknown',
    ],
    ['a lock', { isLocked: true }, 'locked'],
    [
      'a review that took the privilege away',
      { isRevoked: true, decision: { ...PERMIT, rule: RULE } },
      'privilege_revoked',
    ],
    ['a token that has expired since', { subject: subjectOf({ expiresAt: NOW }) }, 'authn_expired'],
  ])('is refused by %s, on record', async (_, given, reason) => {
    const { asked, records } = callers(given as Parameters<typeof callers>[0])
    expect(reasonOf(await asked(false))).toBe(reason)
    expect(records.map(({ fields }) => fields)).toMatchObject([{ effect: 'deny', reason }])
  })

  it('is told which permission is missing', async () => {
    const decision: Decision = { ...PERMIT, effect: 'not-applicable', reason: 'no_rule' }
    const detail = 'No rule gives you admin on server:gate:locks.'
    expect(await callers({ decision }).asked()).toMatchObject({ reason: 'no_rule', detail })
  })

  it('reads and changes nothing that cannot be recorded', async () => {
    const { asked, made } = callers({ isFull: true })
    expect(reasonOf(await asked())).toBe('internal')
    const problem = await made.note({ id: 'i', subject: 'user:dev/a' }, { what: 'locks.set' })
    expect(problem).toMatchObject({ status: 503, reason: 'audit_unavailable' })
  })
})
