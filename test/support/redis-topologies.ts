/** Redis as operators run it, on free ports of 127.0.0.1: a cluster, behind sentinels, over TLS. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from './certificates.ts'
import { freePort, startRedis, type TestRedis } from './redis.ts'
import { until } from './world-files.ts'

/** Servers that one URL stands for. */
export interface Topology {
  readonly url: string
  /** PEM, where certificates are not those of the system. */
  readonly ca?: string
  /** Drops everything that is stored. */
  empty(): Promise<void>
  close(): Promise<void>
}

const SLOTS = [
  ['0', '5460'],
  ['5461', '10922'],
  ['10923', '16383'],
] as const

/** How long servers may take to know of each other, on a busy machine. */
const MEET_MS = 20_000

/** Starts a cluster of three masters and waits until it is whole. */
export async function startCluster(): Promise<Topology> {
  const nodes: TestRedis[] = []
  for (const slots of SLOTS) {
    const bus = String(await freePort())
    const node = await startRedis(['--cluster-enabled', 'yes', '--cluster-port', bus])
    nodes.push(node)
    await node.command('CLUSTER', 'ADDSLOTSRANGE', ...slots)
    const [first] = nodes
    if (first === undefined || first === node) continue
    await node.command('CLUSTER', 'MEET', '127.0.0.1', String(first.port), await busOf(first))
  }
  for (const node of nodes) {
    await until('the cluster to be whole', () => isWhole(node), MEET_MS)
  }
  return {
    url: `redis+cluster://127.0.0.1:${nodes[0]?.port ?? 0}`,
    empty: async () => {
      await Promise.all(nodes.map((node) => node.command('FLUSHALL')))
    },
    close: async () => {
      await Promise.all(nodes.map((node) => node.close()))
    },
  }
}

async function isWhole(node: TestRedis): Promise<boolean> {
  const info = String(await node.command('CLUSTER', 'INFO'))
  return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
}

async function busOf(node: TestRedis): Promise<string> {
  return /@(\d+)/.exec(String(await node.command('CLUSTER', 'NODES')))?.[1] ?? ''
}

/** A master with whoever follows it, behind one sentinel. */
export interface Watched extends Topology {
  readonly master: TestRedis
  readonly followers: readonly TestRedis[]
  /** One command of the sentinel. */
  command(...parts: readonly string[]): Promise<unknown>
}

/** Starts a master, `count` replicas of it that have all it has, and a sentinel. */
export async function startSentinel(count = 0): Promise<Watched> {
  const master = await startRedis(AT_ONCE)
  const followers: TestRedis[] = []
  for (let i = 0; i < count; i++) followers.push(await startFollower(master))
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-sentinel-'))
  const file = join(dir, 'sentinel.conf')
  const lines = [
    `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`,
    'sentinel down-after-milliseconds mymaster 500',
    'sentinel failover-timeout mymaster 5000',
  ]
  await writeFile(file, lines.map((line) => `${line}\n`).join(''))
  const sentinel = await startRedis([], file)
  const knows = async (): Promise<boolean> => {
    const list = await sentinel.command('SENTINEL', 'REPLICAS', 'mymaster')
    return (list as readonly unknown[]).length === count
  }
  await until('the sentinel to know all', knows, MEET_MS)
  return {
    url: `redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`,
    ...{ master, followers },
    command: (...parts) => sentinel.command(...parts),
    empty: async () => {
      await master.command('FLUSHALL')
    },
    async close() {
      await Promise.all([sentinel, master, ...followers].map((one) => one.close()))
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Of a master: whoever wants to follow is sent what is there at once, and not after five seconds. */
export const AT_ONCE = ['--repl-diskless-sync-delay', '0'] as const

/** Starts a replica of `master`, and waits until it follows. */
export async function startFollower(master: Pick<TestRedis, 'port'>): Promise<TestRedis> {
  const follower = await startRedis([
    ...['--replicaof', '127.0.0.1', String(master.port)],
    ...AT_ONCE,
  ])
  const follows = async (): Promise<boolean> =>
    String(await follower.command('INFO', 'replication')).includes('master_link_status:up')
  await until('the replica to follow', follows, MEET_MS)
  return follower
}

/** The user that `docs/operations.md` describes, as words of ACL SETUSER. */
export async function documentedUser(password: string): Promise<readonly string[]> {
  const page = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const rule = /^ACL SETUSER gateway (.*)$/m.exec(page)?.[1] ?? ''
  return rule.replace('>PASSWORD', `>${password}`).split(' ')
}

/** Starts a server whose documented user is asked over TLS. */
export async function startTls(): Promise<Topology> {
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-redis-tls-'))
  const authority = await createAuthority(dir, 'authority')
  const { certFile, keyFile } = await authority.issue('redis', 'serverAuth')
  const port = await freePort()
  const redis = await startRedis([
    ...['--tls-port', String(port), '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', certFile, '--tls-key-file', keyFile],
    ...['--tls-ca-cert-file', authority.certFile],
  ])
  await redis.command('ACL', 'SETUSER', 'gateway', ...(await documentedUser('secret')))
  return {
    url: `rediss://gateway:secret@127.0.0.1:${port}`,
    ca: await readFile(authority.certFile, 'utf8'),
    empty: async () => {
      await redis.command('FLUSHALL')
    },
    async close() {
      await redis.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
