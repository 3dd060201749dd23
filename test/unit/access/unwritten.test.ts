/** Versions that the journal could not be told of yet. */
import { describe, expect, it } from '@jest/globals'
import { UNTOLD } from '../../../gateway/access/version.ts'
import { createUnwritten } from '../../../gateway/access/versions/unwritten.ts'
import { createMemoryReplica } from '../../support/memory-replica.ts'

const HEX = { a: `sha256:${'a'.repeat(64)}`, b: `sha256:${'b'.repeat(64)}` }
const REGISTRATION = { model: 'model:fraud', version: 'prod', by: 'user:dev/ci', at: 9 }
const RUN = {
  ...{ id: 'd-1', at: 5, by: 'user:dev/alice', upstream: 'up', statement: '{}' },
  ...{ destination: 'model:fraud', statementDigest: HEX.a },
}

function world(...runs: readonly Partial<typeof RUN & { readonly upstreamRun: string }>[]) {
  const replica = createMemoryReplica(10)
  for (const run of runs) replica.add({ type: 'training.begun', run: { ...RUN, ...run } })
  const failures: string[] = []
  const unwritten = createUnwritten(replica, (_error, version) => failures.push(version))
  return { replica, unwritten, failures }
}

describe('versions that wait', () => {
  it('are both there when one tag was put on two of them', async () => {
    const { replica, unwritten } = world({})
    unwritten.hold({ ...REGISTRATION, also: [HEX.a] })
    unwritten.hold({ ...REGISTRATION, also: [HEX.b] })
    expect([HEX.a, HEX.b].map((one) => unwritten.has(`model:fraud@${one}`))).toEqual([true, true])
    await unwritten.retry()
    expect([...replica.state.versions.keys()].sort()).toEqual(
      [HEX.a, HEX.b, 'prod'].map((one) => `model:fraud@${one}`).sort(),
    )
    expect(unwritten.size).toBe(0)
  })

  it('are of every run that was told, where nobody can name them', async () => {
    const { replica, unwritten } = world({ destination: 'model:other', upstreamRun: 'job-1' })
    unwritten.hold({ ...REGISTRATION, version: UNTOLD, upstreamRun: 'job-1' })
    unwritten.hold({ ...REGISTRATION, version: UNTOLD, upstreamRun: 'job-2' })
    await unwritten.retry()
    expect([...replica.state.versions.keys()]).toEqual(['model:fraud@*'])
  })

  it('are told of by their names while the journal does not answer, and wait on', async () => {
    const { replica, unwritten, failures } = world({})
    replica.failing = 'before'
    unwritten.hold({ ...REGISTRATION, also: [HEX.a] })
    await unwritten.retry()
    expect(failures).toEqual(['model:fraud@prod'])
    expect(unwritten.size).toBe(1)
  })
})
