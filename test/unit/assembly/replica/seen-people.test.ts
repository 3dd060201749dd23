/** Who is known of whom: accounts of one person, however they turned up. */
import { describe, expect, it } from '@jest/globals'
import {
  createSeenCallers,
  createSeenPeople,
} from '../../../../gateway/assembly/replica/seen-people.ts'
import { MALLORY } from '../../../support/locks.ts'
import { createMemoryReplica } from '../../../support/memory-replica.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

function callers() {
  const replica = createMemoryReplica()
  const failures: unknown[] = []
  const see = createSeenCallers(replica, (error) => failures.push(error))
  const seen = async (more: Partial<typeof MALLORY> = {}) => {
    see({ ...MALLORY, ...more })
    await settled()
    return replica.events.map((event) => (event.type === 'person.seen' ? event.person : event))
  }
  return { replica, failures, seen }
}

function withoutPerson(): typeof MALLORY {
  const { id, issuer, issuerName, groups, roles, issuedAt, expiresAt } = MALLORY
  const { authentication, claims } = MALLORY
  return { id, issuer, issuerName, groups, roles, issuedAt, expiresAt, authentication, claims }
}

// threats §2.H 266
describe('a caller of the control API', () => {
  const known = { person: 'person:e-7', id: MALLORY.id, holds: ['group:science', 'role:reader'] }

  it('is known by their person from the first call on, and written down once', async () => {
    const { seen } = callers()
    expect(await seen()).toEqual([known])
    expect(await seen()).toEqual([known])
    const other = { id: 'user:partner/m', issuerName: 'partner' }
    expect(await seen(other)).toEqual([known, { ...known, id: other.id }])
  })

  it('is known anew when the account is another person’s, not with every other token', async () => {
    const { seen } = callers()
    await seen()
    expect(await seen({ roles: [] })).toEqual([known])
    const other = { person: 'person:e-8' }
    expect(await seen(other)).toEqual([known, { ...known, ...other }])
  })

  it('of whom no person is known, or who is their own, leaves no entry', async () => {
    const { seen } = callers()
    expect(await seen({ person: `person:${MALLORY.id}` })).toEqual([])
    const { replica } = callers()
    createSeenCallers(replica, () => undefined)(withoutPerson())
    await settled()
    expect(replica.events).toEqual([])
  })

  it('who could not be written down is with their next call', async () => {
    const { replica, failures, seen } = callers()
    replica.failing = 'before'
    expect(await seen()).toEqual([])
    expect(failures).toHaveLength(1)
    expect(await seen()).toEqual([known])
  })

  it('who called at the same time on another replica is written down once', async () => {
    const { replica, seen } = callers()
    const run = replica.run.bind(replica)
    replica.run = (command) => {
      replica.add({ type: 'person.seen', person: known })
      return run(command)
    }
    expect(await seen()).toEqual([known])
  })
})

it('who calls the data listener and has agreed to nothing leaves no entry', async () => {
  const replica = createMemoryReplica()
  createSeenPeople(replica, () => undefined)(MALLORY)
  await settled()
  expect(replica.events).toEqual([])
})
