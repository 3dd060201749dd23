import { describe, expect, it } from '@jest/globals'
import { isDeclined } from '../../../gateway/access/command.ts'
import { isLockedOut } from '../../../gateway/access/elevation/lockouts.ts'
import { fold } from '../../../gateway/access/fold/fold.ts'
import { createLockIndex } from '../../../gateway/access/locks/lock-index.ts'
import { CAEP, KNOWN_EVENTS, RISC, SSF } from '../../../gateway/access/signals/effects.ts'
import { isSignalFault, readSignals } from '../../../gateway/access/signals/read-signals.ts'
import type { SignalSource } from '../../../gateway/access/signals/source.ts'
import { takeSignals } from '../../../gateway/access/signals/take-signal.ts'
import { emptyState, type AccessState } from '../../../gateway/access/state.ts'
import { LOGOUT_EVENT, type SecurityEventToken } from '../../../gateway/domain/security-event.ts'
import { factsOf, MALLORY } from '../../support/locks.ts'

const NOW = 1_790_000_000_000
const SECOND = NOW / 1000
const ISS = 'https://idp.example'
const SOURCE: SignalSource = {
  name: 'idp',
  issuer: ISS,
  locksAccountsOf: ['idp'],
  subIsAccount: true,
  emailIsPerson: true,
  tokenMs: 86_400_000,
  riskMs: 3_600_000,
}
const ALICE = { format: 'iss_sub', iss: ISS, sub: 'alice' }
const OPAQUE = { format: 'opaque', id: 'x1' }
const EMAIL = { format: 'email', email: 'Alice@Example.com' }
const JWT = { format: 'jwt_id', iss: ISS, jti: 't1' }
const COMPLEX = {
  format: 'complex',
  user: ALICE,
  device: { format: 'opaque', id: 'laptop' },
  session: { format: 'opaque', id: 's1' },
}
/** The user is told in a form that is of no use here. */
const PARTLY = { ...COMPLEX, user: { format: 'phone_number', phone_number: '+12065550100' } }
const SUBJECTS = {
  ...{ iss_sub: ALICE, opaque: OPAQUE, email: EMAIL, jwt_id: JWT },
  ...{ complex: COMPLEX, partly: PARTLY },
}

const token = (
  event: string,
  subject: unknown,
  payload: Record<string, unknown> = {},
  jti = 'j1',
): SecurityEventToken => ({
  issuer: 'idp',
  jti,
  issuedAt: NOW,
  subject,
  events: [{ type: event, payload }],
})

/** Takes a token on a state; the locks in force after it, as short texts. */
function taken(set: SecurityEventToken, state = emptyState('e'), source = SOURCE, now = NOW) {
  const signals = readSignals(set, source, now)
  if (isSignalFault(signals)) return { fault: signals, locks: [] as string[], state }
  const ruled = takeSignals(set, signals, source)(state, now)
  if (isDeclined(ruled)) throw new Error(ruled.detail)
  const entries = ruled.events.map((event, i) => ({ v: 1, event, seq: state.seq + i + 1, at: now }))
  const after = fold(state, entries)
  const locks = [...after.locks.values()]
    .filter(({ lifted }) => lifted === undefined)
    .map(({ target, expiresAt }) => {
      const { kind, ...of } = target
      const parts = Object.values(of).map((one) => (one === SECOND * 1000 + 1000 ? 'now' : one))
      return [kind, ...parts, expiresAt === undefined ? '' : `${(expiresAt - NOW) / 3_600_000}h`]
        .filter((one) => one !== '')
        .join(' ')
    })
  return { result: ruled.result.result, locks, state: after, events: ruled.events }
}

const BEFORE = 'issued-before user:idp/alice now 24h'
const BEFORE_X = 'issued-before user:idp/x1 now 24h'
const PERSON = 'person person:alice@example.com 24h'
const TOKEN = 'token idp t1 24h'
/** What ends tokens, by the format of the subject. */
const TOKENS = { iss_sub: [BEFORE], opaque: [BEFORE_X], email: [PERSON], jwt_id: [TOKEN] }

// prettier-ignore
const TABLE: readonly (readonly [string, Record<string, unknown>, Record<string, readonly string[]>])[] = [
  [`${CAEP}session-revoked`, {}, { ...TOKENS, opaque: ['session idp x1 24h', BEFORE_X], complex: ['session idp s1 24h'] }],
  [LOGOUT_EVENT, {}, { ...TOKENS, opaque: ['session idp x1 24h', BEFORE_X], complex: ['session idp s1 24h'] }],
  ...['revoke', 'update', 'delete', 'what'].map((change_type) =>
    [`${CAEP}credential-change`, { change_type }, { ...TOKENS, complex: [BEFORE, 'device laptop 24h'] }] as const),
  [`${CAEP}credential-change`, { change_type: 'create' }, { iss_sub: [], opaque: [], email: [], jwt_id: [], complex: [] }],
  [`${CAEP}token-claims-change`, {}, { ...TOKENS, complex: [BEFORE, 'device laptop 24h'] }],
  [`${CAEP}assurance-level-change`, { change_direction: 'decrease' }, { ...TOKENS, complex: [BEFORE, 'device laptop 24h'] }],
  [`${CAEP}assurance-level-change`, { change_direction: 'increase' }, { iss_sub: [], complex: [] }],
  [`${CAEP}device-compliance-change`, { current_status: 'not-compliant' }, { complex: ['device laptop'], partly: ['device laptop'], opaque: ['device x1'], iss_sub: [], email: [] }],
  [`${CAEP}risk-level-change`, { current_level: 'HIGH' }, { iss_sub: ['user user:idp/alice 1h'], opaque: ['user user:idp/x1 1h'], email: ['person person:alice@example.com 1h'], jwt_id: ['token idp t1 1h'] }],
  ...['account-disabled', 'account-purged', 'identifier-changed', 'identifier-recycled'].map((name) =>
    [`${RISC}${name}`, {}, { iss_sub: ['user user:idp/alice'], opaque: ['user user:idp/x1'], email: ['person person:alice@example.com'], jwt_id: [], complex: ['user user:idp/alice'] }] as const),
  ...['credential-compromise', 'sessions-revoked', 'account-credential-change-required'].map((name) =>
    [`${RISC}${name}`, {}, { ...TOKENS, complex: [BEFORE, 'device laptop 24h'] }] as const),
]

describe('what signals lock', () => {
  it.each(TABLE.map(([event, payload, by]) => ({ event, payload, by })))(
    '$event $payload',
    ({ event, payload, by }) => {
      for (const [format, locks] of Object.entries(by)) {
        const subject = SUBJECTS[format as keyof typeof SUBJECTS]
        expect({ format, locks: taken(token(event, subject, payload)).locks }).toEqual({
          format,
          locks,
        })
      }
    },
  )

  it('knows every event of the table and those that ask for nothing', () => {
    for (const event of KNOWN_EVENTS) {
      expect(taken(token(event, ALICE)).result).not.toBe(undefined)
    }
    expect(taken(token(`${SSF}verification`, { format: 'opaque', id: 'stream' })).result).toBe(
      'noted',
    )
    expect(taken(token(`${CAEP}session-established`, undefined)).result).toBe('noted')
  })

  it('ends what was issued until the second of the event', () => {
    const at = { event_timestamp: SECOND - 100 }
    expect(taken(token(`${CAEP}token-claims-change`, ALICE, at)).locks).toEqual([
      `issued-before user:idp/alice ${(SECOND - 99) * 1000} 24h`,
    ])
  })
})

describe('what signals free', () => {
  const compliance = (current_status: string, jti: string, at = SECOND) =>
    token(`${CAEP}device-compliance-change`, COMPLEX, { current_status, event_timestamp: at }, jti)

  it('a device is free once it is compliant again, and not by older news', () => {
    const locked = taken(compliance('not-compliant', 'j1'))
    const stale = taken(compliance('compliant', 'j2', SECOND - 10), locked.state)
    expect(stale.locks).toEqual(['device laptop'])
    expect(taken(compliance('compliant', 'j3'), stale.state).locks).toEqual([])
  })

  const account = (name: string, secondsAgo: number) =>
    token(`${RISC}${name}`, ALICE, { event_timestamp: SECOND - secondsAgo }, `${name}${secondsAgo}`)
  const device = (said: string, secondsAgo: number) =>
    compliance(said, `${said}${secondsAgo}`, SECOND - secondsAgo)
  const twice = [
    ['device laptop', device, 'not-compliant', 'compliant'],
    ['user user:idp/alice', account, 'account-disabled', 'account-enabled'],
  ] as const

  it.each(twice)('%s, locked twice, is free by news after both only', (lock, say, bad, good) => {
    for (const [first, second] of [
      [300, 100],
      [100, 300],
    ] as const) {
      const locked = taken(say(bad, second), taken(say(bad, first)).state)
      const late = taken(say(good, 200), locked.state)
      expect([locked.locks, late.locks]).toEqual([[lock], [lock]])
      expect(taken(say(good, 50), late.state).locks).toEqual([])
    }
  })

  it('a risk that was told of twice is over with the first that says so', () => {
    const risk = (current_level: string, jti: string, minutes: number, state?: AccessState) => {
      const at = { event_timestamp: SECOND + minutes * 60 }
      const set = token(`${CAEP}risk-level-change`, ALICE, { current_level, ...at }, jti)
      return taken(set, state, SOURCE, NOW + minutes * 60_000)
    }
    const first = risk('HIGH', 'j1', 0)
    const second = risk('HIGH', 'j2', 12, first.state)
    expect(second.locks).toEqual(['user user:idp/alice 1.2h'])
    expect(risk('LOW', 'j3', 24, second.state).locks).toEqual([])
  })

  it('an account that is enabled again is free of what was said of accounts, not of a risk', () => {
    const disabled = taken(token(`${RISC}account-disabled`, ALICE, {}, 'j1'))
    const risky = taken(token(`${CAEP}risk-level-change`, ALICE, {}, 'j2'), disabled.state)
    const enabled = taken(token(`${RISC}account-enabled`, ALICE, {}, 'j3'), risky.state)
    expect(enabled.locks).toEqual(['user user:idp/alice 1h'])
    const low = token(`${CAEP}risk-level-change`, ALICE, { current_level: 'LOW' }, 'j4')
    expect(taken(low, enabled.state).locks).toEqual([])
  })

  it('never what another issuer or an operator locked', () => {
    const disabled = taken(token(`${RISC}account-disabled`, ALICE))
    const [lock] = [...disabled.state.locks.values()]
    if (lock === undefined) throw new Error('no lock')
    for (const cause of [
      { kind: 'operator' } as const,
      { kind: 'signal', issuer: 'other', jti: 'x', event: `${RISC}account-disabled` } as const,
    ]) {
      const state = { ...emptyState('e'), locks: new Map([[lock.id, { ...lock, cause }]]) }
      const after = taken(token(`${RISC}account-enabled`, ALICE), state)
      expect(after.locks).toEqual(['user user:idp/alice'])
    }
  })
})

describe('people and devices that signals name', () => {
  const subject = (issuerName: string, sub: string) => ({
    ...MALLORY,
    id: `user:${issuerName}/${sub}`,
    issuerName,
    person: 'person:alice@example.com',
  })
  /** Accounts of one person on one device that are locked on `state`. */
  const locked = (state: AccessState, source?: SignalSource) => {
    const after = taken(token(`${RISC}account-disabled`, EMAIL), state, source).state
    return lockedIn(after)
  }
  const lockedIn = (state: AccessState) => {
    const index = createLockIndex(state.locks)
    const accounts = [subject('idp', 'a'), subject('idp', 'b'), subject('partner', 'a')]
    const found = (one: (typeof accounts)[number]) => {
      const isBarred = isLockedOut(
        state,
        NOW,
        { person: { person: one.person, id: one.id, holds: [] }, holds: new Set() },
        ['infer'],
      )
      const devices = ['laptop']
      const lock = index.find(factsOf({ subject: one, holdings: new Set([one.id]), devices }), NOW)
      const isDevice = lock?.target.kind === 'device'
      expect([one.id, isDevice || isBarred]).toEqual([one.id, lock !== undefined])
      return lock !== undefined
    }
    return accounts.filter(found).map(({ id }) => id)
  }
  const WIDE = { ...SOURCE, locksAccountsOf: ['idp', 'partner'] }

  it('are locked in every account of the issuer, and of no other', () => {
    expect(locked(emptyState('e'))).toEqual(['user:idp/a', 'user:idp/b'])
    const device = token(`${CAEP}device-compliance-change`, COMPLEX, { current_status: 'x' })
    expect(lockedIn(taken(device).state)).toEqual(['user:idp/a', 'user:idp/b'])
  })

  it('are locked in accounts of issuers that the operator lets it speak about', () => {
    const all = ['user:idp/a', 'user:idp/b', 'user:partner/a']
    expect(locked(emptyState('e'), WIDE)).toEqual(all)
  })

  it('are locked anew when it may lock more, and free of all of it when it says so', () => {
    const narrow = taken(token(`${RISC}account-disabled`, EMAIL)).state
    const again = token(`${RISC}account-disabled`, EMAIL, {}, 'j2')
    const wide = taken(again, narrow, WIDE)
    expect([wide.result, wide.locks.length]).toEqual(['applied', 1])
    expect(lockedIn(wide.state)).toContain('user:partner/a')
    const repeated = taken(token(`${RISC}account-disabled`, EMAIL, {}, 'j3'), wide.state)
    expect(repeated.result).toBe('noted')
    expect(taken(token(`${RISC}account-enabled`, EMAIL, {}, 'j4'), wide.state).locks).toEqual([])
  })
})

describe('a lock that takes the place of another', () => {
  const RISK = `${CAEP}risk-level-change`
  const high = (jti: string) =>
    token(RISK, COMPLEX, { current_level: 'HIGH', principal: 'DEVICE' }, jti)
  const long = { ...SOURCE, riskMs: 86_400_000, locksAccountsOf: ['idp', 'old'] }
  const other = { ...SOURCE, locksAccountsOf: ['idp', 'partner'] }

  it('takes nothing away: neither time nor accounts', () => {
    const first = taken(high('j1'), emptyState('e'), long)
    const devices = (state: AccessState) =>
      [...state.locks.values()].filter(
        ({ target, lifted }) => target.kind === 'device' && lifted === undefined,
      )
    const [before] = devices(first.state)
    const after = devices(taken(high('j2'), first.state, other).state)
    expect(before?.expiresAt).toBeDefined()
    expect(after.map(({ expiresAt, issuers }) => [expiresAt, issuers])).toEqual([
      [before?.expiresAt, ['idp', 'partner', 'old']],
    ])
  })
})

describe('signals that are not what they should be', () => {
  it('are taken once', () => {
    const first = taken(token(`${RISC}account-disabled`, ALICE))
    const again = taken(token(`${RISC}account-disabled`, ALICE), first.state)
    expect([again.result, again.events]).toEqual(['repeated', []])
    const noted = taken(token(`${CAEP}session-presented`, ALICE))
    expect(taken(token(`${CAEP}session-presented`, ALICE), noted.state).result).toBe('repeated')
  })

  it.each([
    ['of another issuer', { ...ALICE, iss: 'https://other' }],
    ['a token of another issuer', { ...JWT, iss: 'https://other' }],
    ['of another issuer within', { ...COMPLEX, user: { ...ALICE, iss: 'https://other' } }],
    ['among aliases', { format: 'aliases', identifiers: [ALICE, { ...ALICE, iss: 'x' }] }],
  ])('about subjects %s are refused', (_name, subject) => {
    expect(taken(token(`${RISC}account-disabled`, subject)).fault?.err).toBe('access_denied')
  })

  it.each([
    undefined,
    null,
    'alice',
    [],
    {},
    { format: 'iss_sub', iss: ISS },
    { format: 'iss_sub', iss: ISS, sub: 'a\nb' },
    { format: 'opaque', id: 'x'.repeat(257) },
    { format: 'email', email: 'nobody' },
    { format: 'complex', user: 'alice' },
    { format: 'aliases', identifiers: [] },
  ])('with the malformed subject %j are refused', (subject) => {
    expect(taken(token(`${RISC}account-disabled`, subject)).fault?.err).toBe('invalid_request')
  })

  it.each([
    { format: 'account', uri: 'acct:alice@example.com' },
    { format: 'phone_number', phone_number: '+1' },
    { format: 'complex', tenant: { format: 'opaque', id: 't' } },
  ])('about %j are recorded as not applicable', (subject) => {
    const { result, events } = taken(token(`${RISC}account-disabled`, subject))
    expect([result, events?.map(({ type }) => type)]).toEqual([
      'not-applicable',
      ['signal.received'],
    ])
  })

  it('of a kind that nobody knows are recorded as not applicable', () => {
    expect(taken(token('https://example.com/new-event', ALICE)).result).toBe('not-applicable')
  })

  it('do not find accounts or persons that the issuer names otherwise', () => {
    const blind = { ...SOURCE, subIsAccount: false, emailIsPerson: false }
    for (const subject of [ALICE, EMAIL]) {
      const came = taken(token(`${RISC}account-disabled`, subject), emptyState('e'), blind)
      expect(came.result).toBe('not-applicable')
    }
  })

  it.each([SECOND + 3_600, NOW, 'soon', -1, null])('at the time %j are refused', (at) => {
    const set = token(`${CAEP}token-claims-change`, ALICE, { event_timestamp: at })
    expect(taken(set).fault?.err).toBe('invalid_request')
  })
})
