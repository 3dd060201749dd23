import { afterAll, beforeAll, describe } from '@jest/globals'
import { createRedisStore, parseRedisUrl } from '../../gateway/store/redis-store.ts'
import { journalContract } from '../support/journal-contract.ts'
import {
  startCluster,
  startSentinel,
  startTls,
  type Topology,
} from '../support/redis-topologies.ts'
import { storeContract, type OpenPair, type StorePair } from '../support/store-contract.ts'

async function open({ url, ca }: Topology, now: () => number): Promise<StorePair> {
  const target = parseRedisUrl(url)
  if ('problem' in target) throw new Error(target.problem)
  const limits = { commandTimeoutMs: 2_000, connectTimeoutMs: 2_000 }
  const opened = () =>
    createRedisStore({
      ...{ target, prefix: 'mg', now, ...limits },
      ...(ca === undefined ? {} : { ca }),
    })
  const [one, other] = [opened(), opened()]
  await Promise.all([one.whenUp(), other.whenUp()])
  const close = async () => {
    await Promise.all([one.close(), other.close()])
  }
  return { one, other, close }
}

describe.each([
  ['a cluster', startCluster],
  ['redis behind a sentinel', () => startSentinel(1)],
  ['redis over TLS, as the documented user', startTls],
] as const)('%s', (name, start: () => Promise<Topology>) => {
  let topology: Topology
  beforeAll(async () => {
    topology = await start()
  }, 60_000)
  afterAll(() => topology.close())

  const opened: OpenPair = async (now) => {
    await topology.empty()
    return open(topology, now)
  }
  journalContract(name, opened)
  // Random histories are Redis's own affair, wherever it is: a few of them will do here.
  storeContract(name, opened, 5)
})
