/** What is written down, counted and answered of tokens of identity providers. */
import { describe, expect, it } from '@jest/globals'
import { setLock } from '../../../gateway/access/locks/set-lock.ts'
import { RISC } from '../../../gateway/access/signals/effects.ts'
import { createSignalRoutes } from '../../../gateway/assembly/signals/signals-control.ts'
import { fault, type SetFault } from '../../../gateway/authn/signals/faults.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import type { SecurityEventToken } from '../../../gateway/domain/security-event.ts'
import { SIGNAL_FAULTS } from '../../../gateway/metrics/labels.ts'
import { askFor, LOCKED_AT } from '../../support/locks.ts'
import { createMemoryReplica } from '../../support/memory-replica.ts'

const ISS = 'https://idp.test'
const SET: SecurityEventToken = {
  issuer: 'idp',
  jti: 'j1',
  issuedAt: LOCKED_AT,
  subject: { format: 'iss_sub', iss: ISS, sub: 'alice' },
  events: [{ type: `${RISC}account-disabled`, payload: {} }],
}
const SOURCE = {
  name: 'idp',
  issuer: ISS,
  locksAccountsOf: ['idp'],
  subIsAccount: true,
  emailIsPerson: true,
  tokenMs: 86_400_000,
  riskMs: 3_600_000,
}

/** Routes whose verifier says `verified` of every token. */
function routes(
  verified: SecurityEventToken | SetFault,
  given: { readonly isFull?: boolean } = {},
) {
  const records: LedgerRecord[] = []
  const counted: unknown[] = []
  const replica = createMemoryReplica(LOCKED_AT)
  const say = () => Promise.resolve(verified)
  const control = createSignalRoutes({
    verifier: { event: say, logout: say },
    sources: new Map([['idp', SOURCE]]),
    replica,
    rate: { admits: () => true },
    telling: {
      ledger: {
        append: (record) => {
          if (given.isFull === true) return Promise.reject(new Error('full'))
          records.push(record)
          return Promise.resolve()
        },
      },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined } as never,
      metrics: {
        signal: (...args) => void counted.push(args),
        signalRefused: (...args) => void counted.push(['refused', ...args]),
        auditError: () => void counted.push('audit'),
      },
    },
  })
  const push = () => control.event({ text: 'x', authorization: undefined, peer: '192.0.2.1' })
  return { control, push, records, counted, replica }
}

describe('a token of an identity provider', () => {
  it('that is taken is told of by its entry of the journal, and counted', async () => {
    const { push, records, counted, replica } = routes(SET)
    expect(await push()).toEqual({ taken: true })
    expect(await push()).toEqual({ taken: true })
    expect([...replica.state.locks.values()]).toMatchObject([
      { cause: { kind: 'signal', jti: 'j1' }, target: { id: 'user:idp/alice' } },
    ])
    expect(counted).toEqual([
      ['idp', 'applied'],
      ['idp', 'repeated'],
    ])
    expect(records).toEqual([])
  })

  it.each(SIGNAL_FAULTS)('that is refused with %s is on record and counted by it', async (err) => {
    const { push, control, records, counted } = routes({ ...fault(err, 'no'), issuer: 'idp' })
    expect(await push()).toEqual({ err, description: 'no' })
    expect(await control.logout('x', '192.0.2.2')).toEqual({ err, description: 'no' })
    const fields = { issuer: 'idp', how: 'push', err, why: 'no', ip: '192.0.2.1' }
    expect(records).toEqual([
      { type: 'signal.refused', fields },
      { type: 'signal.refused', fields: { ...fields, how: 'logout', ip: '192.0.2.2' } },
    ])
    const once = [
      ['idp', 'refused'],
      ['refused', 'idp', err],
    ]
    expect(counted).toEqual([...once, ...once])
  })

  it('about somebody of another issuer is refused, and locks nobody', async () => {
    const foreign = { ...SET, subject: { format: 'iss_sub', iss: 'https://other', sub: 'alice' } }
    const { push, records, replica } = routes(foreign)
    expect(await push()).toMatchObject({ err: 'access_denied' })
    expect(records).toMatchObject([{ fields: { issuer: 'idp', err: 'access_denied' } }])
    expect(replica.state.locks.size).toBe(0)
  })

  it('that cannot be taken now is to be sent again, on record, and is taken then', async () => {
    const { push, records, counted, replica } = routes(SET)
    replica.failing = 'after'
    expect(await push()).toMatchObject({ err: 'unavailable', retryAfterMs: 5_000 })
    expect(records).toMatchObject([{ fields: { issuer: 'idp', err: 'unavailable' } }])
    expect(counted).toEqual([['idp', 'unavailable']])
    expect(await push()).toEqual({ taken: true })
  })

  it('is refused all the same when that cannot be recorded', async () => {
    const { push, counted } = routes(fault('invalid_issuer', 'no'), { isFull: true })
    expect(await push()).toEqual({ err: 'invalid_issuer', description: 'no' })
    expect(counted).toEqual([
      [undefined, 'refused'],
      ['refused', undefined, 'invalid_issuer'],
      'audit',
    ])
  })

  it('does not lift what an operator locked', async () => {
    const { push, replica } = routes({
      ...SET,
      events: [{ type: `${RISC}account-enabled`, payload: {} }],
    })
    await replica.run(setLock(askFor({ kind: 'user', id: 'user:idp/alice' })))
    expect(await push()).toEqual({ taken: true })
    expect([...replica.state.locks.values()]).not.toHaveProperty('0.lifted')
  })
})
