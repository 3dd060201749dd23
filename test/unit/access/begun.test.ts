/** Registrations that are on record before they are sent, and what becomes of those nobody hears of. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import type { AccessEvent } from '../../../gateway/access/events.ts'
import { fold } from '../../../gateway/access/fold/fold.ts'
import { readSnapshot, snapshotText } from '../../../gateway/access/snapshot.ts'
import { sizeOfState } from '../../../gateway/access/size.ts'
import { emptyState } from '../../../gateway/access/state.ts'
import { UNTOLD } from '../../../gateway/access/version.ts'
import {
  beginRegistration,
  endRegistration,
  giveUp,
  REGISTRATIONS_CHARS_MAX,
  REGISTRATIONS_MAX,
  SAID_AGAIN_MS,
  sayAgain,
  UNHEARD_MS,
  unheard,
  type Begun,
  type GivenUp,
} from '../../../gateway/access/versions/begun.ts'
import { registerVersion } from '../../../gateway/access/versions/trainings.ts'
import { JOURNAL_BATCH_MAX, JOURNAL_ENTRY_MAX } from '../../../gateway/domain/journal.ts'
import { createMemoryStore } from '../../../gateway/store/memory-store.ts'
import { createMemoryReplica, livingOver } from '../../support/memory-replica.ts'
import { handClock, startReplica } from '../../support/replicas.ts'

const T0 = 1_000_000
const HEX = `sha256:${'a'.repeat(64)}`
const TRAINED: AccessEvent = {
  type: 'training.begun',
  run: {
    ...{ id: 'd-1', at: 5, by: 'user:dev/alice', upstream: 'up', statement: '{}' },
    ...{ destination: 'model:fraud', statementDigest: HEX },
  },
}
const BEGUN: Begun = {
  ...{ id: 'd-9', model: 'model:fraud', version: UNTOLD, by: 'user:dev/ci' },
  person: 'person:ci',
}
const REGISTRATION = { model: 'model:fraud', version: '3', by: 'user:dev/ci', at: T0 }

function trained() {
  const replica = createMemoryReplica(T0)
  replica.add(TRAINED)
  return replica
}

/** A replica that has one on record. */
async function begun(more: Partial<Begun> = {}) {
  const replica = trained()
  expect(await replica.run(beginRegistration({ ...BEGUN, ...more }))).toEqual({ done: true })
  return replica
}

const typesOf = ({ events }: { readonly events: readonly AccessEvent[] }) =>
  events.map(({ type }) => type)

describe('a registration that is sent', () => {
  it('is on record once, with the time of the journal', async () => {
    const replica = await begun()
    replica.time += 5
    await replica.run(beginRegistration(BEGUN))
    expect([...replica.state.registrations.values()]).toEqual([{ ...BEGUN, since: T0 }])
    expect(typesOf(replica)).toEqual(['training.begun', 'registration.begun'])
  })

  it('is not on record where it is of no training', async () => {
    const replica = trained()
    const other = { ...BEGUN, model: 'model:churn' }
    expect(await replica.run(beginRegistration(other))).toEqual({ done: false })
    expect(typesOf(replica)).toEqual(['training.begun'])
  })

  it('is over in the entry of what came of it, which is the first of all its names', async () => {
    const replica = await begun()
    const registration = { ...REGISTRATION, also: [HEX], begun: BEGUN.id }
    await replica.run(registerVersion(registration))
    expect(replica.state.registrations.size).toBe(0)
    expect(replica.events.slice(2)).toMatchObject([
      { type: 'version.registered', registration: BEGUN.id, version: { model: 'model:fraud@3' } },
      { type: 'version.registered', version: { model: `model:fraud@${HEX}` } },
    ])
  })

  it('is over when it turns out to be of no training, and when nothing came of it', async () => {
    const replica = await begun()
    await replica.run(registerVersion({ ...REGISTRATION, model: 'model:churn', begun: BEGUN.id }))
    expect(typesOf(replica).at(-1)).toBe('registration.ended')
    await replica.run(beginRegistration(BEGUN))
    await replica.run(endRegistration(BEGUN.id))
    await replica.run(endRegistration(BEGUN.id))
    expect(typesOf(replica).slice(2)).toEqual([
      'registration.ended',
      'registration.begun',
      'registration.ended',
    ])
    expect(replica.state.versions.size).toBe(0)
  })

  it('is over when what it names was released, and stays so', async () => {
    const replica = await begun({ version: HEX })
    const version = { model: `model:fraud@${HEX}`, at: T0, by: 'user:dev/ci' }
    replica.add(
      { type: 'version.registered', version },
      { type: 'version.released', model: version.model, by: 'user:dev/bob', reason: 'x' },
    )
    await replica.run(registerVersion({ ...REGISTRATION, version: HEX, begun: BEGUN.id }))
    expect(typesOf(replica).at(-1)).toBe('registration.ended')
    expect(replica.state.registrations.size).toBe(0)
  })
})

describe('a registration of which nothing is heard', () => {
  it('is given up after three minutes by the clock of the journal, once', async () => {
    const replica = await begun()
    replica.time += UNHEARD_MS - 1
    expect(unheard(replica.state, replica.now())).toEqual([])
    expect(await replica.run(giveUp(BEGUN.id))).toEqual({ done: undefined })
    replica.time += 1
    expect(unheard(replica.state, replica.now())).toEqual([BEGUN.id])
    const given = await replica.run(giveUp(BEGUN.id))
    expect(given).toMatchObject({
      done: { id: BEGUN.id, version: { model: 'model:fraud@*', run: 'd-1', by: BEGUN.by } },
    })
    expect(await replica.run(giveUp(BEGUN.id))).toEqual({ done: undefined })
    expect(typesOf(replica).slice(2)).toEqual(['version.registered'])
    expect(replica.state.registrations.size).toBe(0)
    expect(replica.state.versions.get('model:fraud@*')).toMatchObject({ person: 'person:ci' })
  })

  it('restricts the names that its request said, and no others', async () => {
    const replica = await begun({ version: 'prod', also: [HEX] })
    replica.time += UNHEARD_MS
    await replica.run(giveUp(BEGUN.id))
    expect([...replica.state.versions.keys()]).toEqual(['model:fraud@prod', `model:fraud@${HEX}`])
  })

  it('is left alone where its gateway says that it waits', async () => {
    const replica = await begun()
    for (let minute = 0; minute < 10; minute += 1) {
      replica.time += SAID_AGAIN_MS
      await replica.run(sayAgain(new Set([BEGUN.id, 'd-unknown'])))
      await replica.run(giveUp(BEGUN.id))
    }
    expect(replica.state.versions.size).toBe(0)
    expect(replica.state.registrations.get(BEGUN.id)).toEqual({ ...BEGUN, since: replica.time })
    // Nothing is said before it is due, nor of what was given up.
    const count = replica.events.length
    await replica.run(sayAgain(new Set([BEGUN.id])))
    replica.time += UNHEARD_MS
    await replica.run(giveUp(BEGUN.id))
    await replica.run(sayAgain(new Set([BEGUN.id])))
    expect(typesOf(replica).slice(count)).toEqual(['version.registered'])
  })

  it('is given up by one of two gateways that do so at once', async () => {
    const clock = handClock()
    const { journal } = createMemoryStore({ clock })
    const dir = await mkdtemp(join(tmpdir(), 'modelgate-begun-'))
    const start = async (id: string) =>
      (await startReplica({ journal, clock, dir, seen: undefined, id })).replica
    const replicas = [await start('a'), await start('b')]
    await replicas[0]?.run(() => ({ events: [TRAINED], result: 0 }))
    await replicas[0]?.run(beginRegistration(BEGUN))
    clock.advance(UNHEARD_MS)
    const done = await Promise.all(replicas.map((one) => one.run(giveUp(BEGUN.id))))
    expect(done.filter((one) => 'done' in one && one.done !== undefined)).toHaveLength(1)
    expect((await journal.head()).seq).toBe(3)
    await Promise.all(replicas.map((one) => one.stop()))
    await rm(dir, { recursive: true, force: true })
  })
})

describe('what is on record of registrations', () => {
  const full = (count: number, also: readonly string[]) => {
    const { state } = trained()
    const each = Array.from({ length: count }, (_, n) => ({ ...BEGUN, id: `r-${n}`, also }))
    return {
      ...state,
      registrations: new Map(each.map((one) => [one.id, { ...one, since: T0 }] as const)),
    }
  }

  it('is bounded in number and in characters', () => {
    const ask = beginRegistration(BEGUN)
    const refused = { declined: 'too_many', retryAfterS: 180 }
    expect(ask(full(REGISTRATIONS_MAX, []), T0)).toMatchObject(refused)
    expect(ask(full(REGISTRATIONS_MAX - 1, []), T0)).toHaveProperty('events')
    const long = Array.from({ length: 200 }, (_, n) => `${n}${'x'.repeat(256)}`)
    const many = REGISTRATIONS_CHARS_MAX / JSON.stringify(long).length
    expect(ask(full(Math.ceil(many), long), T0)).toMatchObject(refused)
    expect(JSON.stringify(long).length).toBeLessThan(JOURNAL_ENTRY_MAX)
  })

  it('is said again in as many entries as one append takes', () => {
    const state = full(JOURNAL_BATCH_MAX + 1, [])
    const ruled = sayAgain(new Set(state.registrations.keys()))(state, T0 + SAID_AGAIN_MS)
    expect(ruled).toHaveProperty('events.length', JOURNAL_BATCH_MAX)
  })

  it('is in snapshots, and those of before are read as having none', async () => {
    const { state } = await begun()
    const text = snapshotText(state)
    expect(readSnapshot(text)).toEqual(state)
    expect(Math.abs(sizeOfState(state) - text.length)).toBeLessThan(300)
    const { registrations, ...before } = JSON.parse(text) as Record<string, unknown>
    expect(registrations).toHaveLength(1)
    expect(readSnapshot(JSON.stringify(before))).toEqual({ ...state, registrations: new Map() })
    expect(() => readSnapshot(JSON.stringify({ ...before, registrations: {} }))).toThrow(/read/)
  })

  it('changes no state that was handed out', () => {
    const at = (seq: number, event: AccessEvent) => ({ v: 1, seq, at: T0, event })
    const one = fold(emptyState('e'), [at(1, { type: 'registration.begun', registration: BEGUN })])
    const none = fold(one, [at(2, { type: 'registration.ended', id: BEGUN.id })])
    const again = fold(none, [at(3, { type: 'registration.ended', id: BEGUN.id })])
    expect([one.registrations.size, none.registrations.size]).toEqual([1, 0])
    expect(again.registrations).toBe(none.registrations)
  })
})

describe('a gateway', () => {
  const watched = async (more: Partial<Begun> = {}) => {
    const replica = await begun(more)
    const given: GivenUp[] = []
    const failures: unknown[] = []
    const living = livingOver(replica, {
      onGivenUp: (one) => Promise.resolve(void given.push(one)),
      onFailed: (error) => void failures.push(error),
    })
    return { replica, living, given, failures }
  }

  it('says every minute what it waits for, until it knows or has left it', async () => {
    const { replica, living, given } = await watched()
    living.began(BEGUN.id)
    for (let minute = 0; minute < 5; minute += 1) {
      await living.turn()
      await living.turn()
      replica.time += SAID_AGAIN_MS
    }
    expect(typesOf(replica).filter((type) => type === 'registration.begun')).toHaveLength(5)
    living.left(BEGUN.id)
    replica.time += UNHEARD_MS
    await living.turn()
    expect(given.map(({ version }) => version.model)).toEqual(['model:fraud@*'])
  })

  it('gives up what it does not wait for, and after an outage nothing of its own', async () => {
    const { replica, living, given, failures } = await watched()
    await replica.run(beginRegistration({ ...BEGUN, id: 'd-gone' }))
    living.began(BEGUN.id)
    replica.failing = 'always'
    replica.time += 2 * UNHEARD_MS
    await living.turn()
    expect([failures.length, given.length]).toEqual([1, 0])
    replica.failing = undefined
    await living.turn()
    expect(given.map(({ id }) => id)).toEqual(['d-gone'])
    expect([...replica.state.registrations.keys()]).toEqual([BEGUN.id])
  })

  it('tells of a registration of which nothing came as soon as it can', async () => {
    const { replica, living, failures } = await watched()
    living.began(BEGUN.id)
    replica.failing = 'always'
    await living.ended(BEGUN.id)
    expect(failures).toHaveLength(1)
    expect(replica.state.registrations.size).toBe(1)
    replica.failing = undefined
    replica.time += UNHEARD_MS
    await living.turn()
    expect(typesOf(replica).slice(2)).toEqual(['registration.ended'])
  })

  it('goes on with the others when one cannot be given up', async () => {
    const { replica, living, given, failures } = await watched()
    await replica.run(beginRegistration({ ...BEGUN, id: 'd-10' }))
    replica.time += UNHEARD_MS
    const run: typeof replica.run = replica.run.bind(replica)
    let isFirst = true
    replica.run = (command) => {
      if (!isFirst) return run(command)
      isFirst = false
      return Promise.resolve({ declined: 'too_many', detail: 'full' })
    }
    await living.turn()
    expect([given.map(({ id }) => id), failures.length]).toEqual([['d-10'], 1])
  })

  it('has nothing to do, and asks nobody, where nothing waits', async () => {
    const replica = trained()
    replica.failing = 'always'
    const failures: unknown[] = []
    await livingOver(replica, { onFailed: (error) => void failures.push(error) }).turn()
    expect(failures).toEqual([])
  })
})
