/** Versions of retrainings: linked, restricted, and released by somebody else. */
import { describe, expect, it } from '@jest/globals'
import type { AccessEvent } from '../../../gateway/access/events.ts'
import { forget } from '../../../gateway/access/fold/kept.ts'
import { createRestrictions } from '../../../gateway/access/versions/restrictions.ts'
import { releaseVersion } from '../../../gateway/access/versions/release.ts'
import {
  beginTraining,
  nameTraining,
  registerVersion,
  STATEMENT_MAX,
} from '../../../gateway/access/versions/trainings.ts'
import { UNTOLD, type TrainingRun } from '../../../gateway/access/version.ts'
import { ACTIONS } from '../../../gateway/domain/vocabulary.ts'
import { createMemoryReplica } from '../../support/memory-replica.ts'

const RUN: TrainingRun = {
  id: 'd-1',
  at: 5,
  by: 'user:dev/alice',
  person: 'person:alice',
  destination: 'model:fraud',
  upstream: 'up',
  statementDigest: `sha256:${'a'.repeat(64)}`,
  statement: '{}',
}
const BOB = { person: 'person:bob', id: 'user:dev/bob', holds: [] }
const REGISTRATION = { model: 'model:fraud', version: '3', by: 'user:dev/ci', at: 9 }

function replicaWith(...runs: readonly Partial<TrainingRun>[]) {
  const replica = createMemoryReplica(10)
  const events = runs.map((run): AccessEvent => ({
    type: 'training.begun',
    run: { ...RUN, ...run },
  }))
  replica.add(...events)
  return replica
}

describe('the version that is registered', () => {
  it('is linked by what the upstream calls the run', async () => {
    const replica = replicaWith({}, { id: 'd-2' })
    await replica.run(nameTraining('d-1', 'job-1'))
    const done = await replica.run(registerVersion({ ...REGISTRATION, upstreamRun: 'job-1' }))
    expect(done).toMatchObject({ done: { model: 'model:fraud@3', run: 'd-1' } })
  })

  it('is restricted without a link when the run was to become something else', async () => {
    const replica = replicaWith({ destination: 'model:other' }, { id: 'd-2' })
    await replica.run(nameTraining('d-1', 'job-1'))
    await replica.run(registerVersion({ ...REGISTRATION, upstreamRun: 'job-1' }))
    const version = replica.state.versions.get('model:fraud@3')
    expect(version).toBeDefined()
    expect(version?.run).toBeUndefined()
  })

  it('is linked by its model when one run is open', async () => {
    const replica = replicaWith({}, { id: 'd-2', destination: 'model:other' })
    expect(await replica.run(registerVersion(REGISTRATION))).toMatchObject({ done: { run: 'd-1' } })
  })

  it('is restricted without a link when several runs could be meant', async () => {
    const replica = replicaWith({}, { id: 'd-2' })
    await replica.run(registerVersion(REGISTRATION))
    const version = replica.state.versions.get('model:fraud@3')
    expect(version).toBeDefined()
    expect(version?.run).toBeUndefined()
  })

  it('is left alone when it came of no training', async () => {
    const replica = replicaWith({ destination: 'model:other' })
    expect(await replica.run(registerVersion(REGISTRATION))).toEqual({ done: undefined })
    expect(replica.state.versions.size).toBe(0)
  })

  it('is named once', async () => {
    const replica = replicaWith({})
    await replica.run(nameTraining('d-1', 'job-1'))
    expect(await replica.run(nameTraining('d-1', 'job-2'))).toMatchObject({
      declined: 'already_done',
    })
    expect(await replica.run(nameTraining('d-9', 'job-2'))).toMatchObject({ declined: 'not_found' })
  })
})

describe('a training on record', () => {
  it('is there once, and has a statement that an entry can hold', async () => {
    const replica = replicaWith({})
    expect(await replica.run(beginTraining(RUN))).toMatchObject({ declined: 'already_done' })
    const long = { ...RUN, id: 'd-2', statement: 'x'.repeat(STATEMENT_MAX + 1) }
    expect(await replica.run(beginTraining(long))).toMatchObject({ declined: 'invalid' })
  })
})

describe('a restricted version', () => {
  it('is not used, exported or deployed by its name, until it is released', async () => {
    const replica = replicaWith({})
    await replica.run(registerVersion(REGISTRATION))
    const withheld = (version: string | undefined, kind: 'model' | 'dataset' = 'model') => {
      const isRestricted = createRestrictions(replica.state)
      const named = version === undefined ? {} : { version }
      return ACTIONS.filter((action) =>
        isRestricted({ action, resource: { kind, name: 'fraud', ...named } }),
      )
    }
    expect(withheld('3')).toEqual(['infer', 'export', 'deploy'])
    expect(withheld('2')).toEqual([])
    expect(withheld(undefined)).toEqual([])
    expect(withheld('3', 'dataset')).toEqual([])
    await replica.run(releaseVersion({ model: 'model:fraud@3', by: BOB, reason: 'evaluated' }))
    expect(withheld('3')).toEqual([])
  })
})

describe('a release', () => {
  const release = async (by: Partial<typeof BOB>, reason = 'evaluated') => {
    const replica = replicaWith({})
    await replica.run(registerVersion(REGISTRATION))
    return replica.run(releaseVersion({ model: 'model:fraud@3', by: { ...BOB, ...by }, reason }))
  }

  // 265, 266
  it.each([
    ['who trained it', { id: 'user:dev/alice', person: 'person:x' }, 'second_person'],
    ['who trained it, by another account', { person: 'person:alice' }, 'second_person'],
    ['who registered it', { id: 'user:dev/ci', person: 'person:x' }, 'second_person'],
    ['nobody knows whom', { person: '' }, 'person_unknown'],
  ])('is not by %s', async (_who, by, declined) => {
    expect(await release(by)).toMatchObject({ declined })
  })

  it('needs a reason, a version, and is once', async () => {
    expect(await release({}, ' ')).toMatchObject({ declined: 'invalid' })
    const replica = replicaWith({})
    const bob = releaseVersion({ model: 'model:fraud@3', by: BOB, reason: 'evaluated' })
    expect(await replica.run(bob)).toMatchObject({ declined: 'not_found' })
    await replica.run(registerVersion(REGISTRATION))
    expect(await replica.run(bob)).toMatchObject({ done: { released: { by: BOB.id } } })
    expect(await replica.run(bob)).toMatchObject({ declined: 'already_done' })
  })
})

describe('a version that was made and cannot be named', () => {
  const untold = async () => {
    const replica = replicaWith({})
    await replica.run(registerVersion({ ...REGISTRATION, version: UNTOLD }))
    const mayUse = (version: string): boolean =>
      !createRestrictions(replica.state)({
        action: 'infer',
        resource: { kind: 'model', name: 'fraud', version },
      })
    return { replica, mayUse }
  }

  it('withholds every version that was not released by its name', async () => {
    const { replica, mayUse } = await untold()
    expect([mayUse('2'), mayUse('3')]).toEqual([false, false])
    await replica.run(releaseVersion({ model: 'model:fraud@2', by: BOB, reason: 'in use' }))
    expect([mayUse('2'), mayUse('3')]).toEqual([true, false])
    await replica.run(releaseVersion({ model: 'model:fraud@*', by: BOB, reason: 'none made' }))
    expect([mayUse('2'), mayUse('3')]).toEqual([true, true])
  })

  it('keeps those released that were before, and is back with the next one', async () => {
    const { replica, mayUse } = await untold()
    await replica.run(releaseVersion({ model: 'model:fraud@*', by: BOB, reason: 'none made' }))
    await replica.run(registerVersion(REGISTRATION))
    await replica.run(releaseVersion({ model: 'model:fraud@3', by: BOB, reason: 'evaluated' }))
    await replica.run(registerVersion({ ...REGISTRATION, version: UNTOLD }))
    expect([mayUse('2'), mayUse('3')]).toEqual([false, true])
  })

  it('is not got around by who trained or registered', async () => {
    const { replica } = await untold()
    for (const by of [
      { ...BOB, id: 'user:dev/alice' },
      { ...BOB, person: 'person:alice' },
      { ...BOB, id: 'user:dev/ci' },
    ]) {
      for (const model of ['model:fraud@2', 'model:fraud@*']) {
        const done = await replica.run(releaseVersion({ model, by, reason: 'mine' }))
        expect(done).toMatchObject({ declined: 'second_person' })
      }
    }
  })

  it.each(['model:other@2', 'model:fraud@', 'model:fraud@2@3', 'fraud@2', 'model:fraud@a b'])(
    'lets nothing else be released: %s',
    async (model) => {
      const { replica } = await untold()
      const done = await replica.run(releaseVersion({ model, by: BOB, reason: 'x' }))
      expect(done).toMatchObject({ declined: 'not_found' })
    },
  )

  it('is not released by who may have trained it, whatever that was to become', async () => {
    const replica = createMemoryReplica(10)
    const { id, at, by, person = '', upstream, statementDigest, statement } = RUN
    const run = { id, at, by, person, upstream, statementDigest, statement }
    replica.add({ type: 'training.begun', run })
    await replica.run(registerVersion({ ...REGISTRATION, version: UNTOLD }))
    const mine = { ...BOB, person: 'person:alice' }
    for (const model of ['model:fraud@2', 'model:fraud@*']) {
      const release = releaseVersion({ model, by: mine, reason: 'mine' })
      expect(await replica.run(release)).toMatchObject({ declined: 'second_person' })
    }
  })

  it('may be of a run of which nobody knows what it was to become', async () => {
    const replica = createMemoryReplica(10)
    const { id, at, by, upstream, statementDigest, statement } = RUN
    const run = { id, at, by, upstream, statementDigest, statement }
    replica.add({ type: 'training.begun', run })
    const registration = { ...REGISTRATION, version: UNTOLD }
    await replica.run(registerVersion({ ...registration, upstreamRun: 'r-9' }))
    expect(replica.state.versions.size).toBe(0)
    await replica.run(registerVersion(registration))
    expect([...replica.state.versions.keys()]).toEqual(['model:fraud@*'])
  })
})

// 265
it('who trained something else is not who releases what was made of it', async () => {
  const replica = replicaWith(
    { destination: 'model:other' },
    { id: 'd-2', by: 'user:dev/carol', person: 'person:carol' },
  )
  await replica.run(nameTraining('d-1', 'job-1'))
  await replica.run(registerVersion({ ...REGISTRATION, upstreamRun: 'job-1' }))
  const release = (person: string) =>
    replica.run(releaseVersion({ model: 'model:fraud@3', by: { ...BOB, person }, reason: 'x' }))
  expect(await release('person:alice')).toMatchObject({ declined: 'second_person' })
  expect(await release('person:carol')).toMatchObject({ declined: 'second_person' })
  expect(await release('person:bob')).toHaveProperty('done')
})

describe('a version with several names', () => {
  const DIGEST = `sha256:${'c'.repeat(64)}`

  it('is restricted and released by all of them', async () => {
    const replica = replicaWith({})
    await replica.run(registerVersion({ ...REGISTRATION, also: [DIGEST, 'latest', '3'] }))
    expect([...replica.state.versions.keys()]).toEqual([
      'model:fraud@3',
      `model:fraud@${DIGEST}`,
      'model:fraud@latest',
    ])
    await replica.run(releaseVersion({ model: 'model:fraud@3', by: BOB, reason: 'evaluated' }))
    for (const version of replica.state.versions.values()) expect(version.released).toBeDefined()
  })

  it('is not released with what its tag was put on later', async () => {
    const later = `sha256:${'d'.repeat(64)}`
    const replica = replicaWith({}, { id: 'd-2' })
    await replica.run(registerVersion({ ...REGISTRATION, version: 'prod', also: [DIGEST] }))
    await replica.run(registerVersion({ ...REGISTRATION, version: 'prod', also: [later] }))
    await replica.run(releaseVersion({ model: 'model:fraud@prod', by: BOB, reason: 'evaluated' }))
    const withheld = [...replica.state.versions.values()].filter(({ released }) => !released)
    expect(withheld.map(({ model }) => model)).toEqual([`model:fraud@${DIGEST}`])
    await replica.run(
      releaseVersion({ model: `model:fraud@${DIGEST}`, by: BOB, reason: 'evaluated as well' }),
    )
    expect([...replica.state.versions.values()].every(({ released }) => released)).toBe(true)
  })

  it('releases no other with it that nobody can name', async () => {
    const replica = replicaWith({}, { id: 'd-2' })
    await replica.run(registerVersion({ ...REGISTRATION, version: UNTOLD }))
    await replica.run(registerVersion({ ...REGISTRATION, version: 'prod', also: [UNTOLD] }))
    await replica.run(releaseVersion({ model: 'model:fraud@prod', by: BOB, reason: 'evaluated' }))
    expect(replica.state.versions.get('model:fraud@prod')?.released).toBeDefined()
    expect(replica.state.versions.get('model:fraud@*')?.released).toBeUndefined()
  })

  it('keeps a digest released, whatever tag is moved to it', async () => {
    const replica = replicaWith({})
    await replica.run(registerVersion({ ...REGISTRATION, also: [DIGEST] }))
    await replica.run(releaseVersion({ model: 'model:fraud@3', by: BOB, reason: 'evaluated' }))
    await replica.run(registerVersion({ ...REGISTRATION, version: '4', also: [DIGEST, '3'] }))
    const stands = [...replica.state.versions.values()].filter(({ released }) => released)
    expect(stands.map(({ model }) => model)).toEqual([`model:fraud@${DIGEST}`])
  })
})

describe('a training that is long over', () => {
  const YEAR_MS = 365 * 86_400_000
  const later = ({ state }: ReturnType<typeof replicaWith>) =>
    forget({ ...state, at: state.at + YEAR_MS })

  it('is known while the version that came of it waits for its release', async () => {
    const replica = replicaWith({}, { id: 'd-2', destination: 'model:other' })
    await replica.run(registerVersion(REGISTRATION))
    expect([...later(replica).runs.keys()]).toEqual(['d-1'])
    await replica.run(releaseVersion({ model: 'model:fraud@3', by: BOB, reason: 'evaluated' }))
    expect(later(replica).runs.size).toBe(0)
  })

  it('is known while a version waits that may have come of it', async () => {
    const replica = replicaWith({}, { id: 'd-2' }, { id: 'd-3', destination: 'model:other' })
    await replica.run(registerVersion(REGISTRATION))
    expect([...later(replica).runs.keys()]).toEqual(['d-1', 'd-2'])
  })

  it('is known by what the registry was told of it, too', async () => {
    const replica = replicaWith({ destination: 'model:other' })
    await replica.run(nameTraining('d-1', 'job-1'))
    await replica.run(registerVersion({ ...REGISTRATION, upstreamRun: 'job-1' }))
    expect([...later(replica).runs.keys()]).toEqual(['d-1'])
  })
})
