import { describe, expect, it } from '@jest/globals'
import { NO_ACCESS } from '../../../gateway/access/no-access.ts'
import type { Exchange } from '../../../gateway/pep/exchange.ts'
import { noteUse } from '../../../gateway/pep/watching/note-use.ts'
import { ALICE, PERMIT } from '../../support/pipeline.ts'

const RULE = 'p, role:reader, read, model:*, always, allow'

function parts() {
  const told: string[] = []
  const errors: string[] = []
  const time = { ms: 0 }
  const log = (_: object, message: string) => void errors.push(message)
  const services = {
    access: {
      ...NO_ACCESS,
      used: (what: string, who: string) => void told.push(`${what} | ${who}`),
    },
    clock: { now: () => 0, monotonicMs: () => time.ms },
    log: { debug: log, info: log, warn: log, error: log, child: () => services.log },
  }
  const exchange = {
    id: 'one',
    subject: { ...ALICE },
    policy: { usersOf: (_: object, rule: string) => (rule === RULE ? ['group:ml', 'role:x'] : []) },
    decisions: [
      {
        action: 'read',
        resource: { kind: 'model', name: 'm' },
        decision: { ...PERMIT, rule: { file: 'policy.csv', line: 1, text: RULE } },
      },
    ],
    grant: { id: 'g1' },
  } as unknown as Exchange
  return { told, errors, time, services, exchange }
}

describe('a use', () => {
  it('is told of by every name that comes to the rule, and of the grant', () => {
    const { told, services, exchange } = parts()
    noteUse(exchange, services)
    expect(told).toEqual([`${RULE} | group:ml`, `${RULE} | role:x`, `grant g1 | ${ALICE.id}`])
  })

  it('is told of once a minute', () => {
    const { told, time, services, exchange } = parts()
    noteUse(exchange, services)
    time.ms = 59_999
    noteUse(exchange, services)
    expect(told).toHaveLength(3)
    time.ms = 60_000
    noteUse(exchange, services)
    expect(told).toHaveLength(6)
  })

  it('that cannot be told of is logged, and nothing else', () => {
    const { told, errors, services, exchange } = parts()
    delete exchange.policy
    noteUse(exchange, services)
    expect([told, errors]).toEqual([[], ['a use was not noted']])
  })
})
