/** Connections to Redis as the store needs them: nothing waits in a queue. Only importer of ioredis. */
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { Script } from './script.ts'
import { isLoopback, type RedisTarget } from './url.ts'

/** A connection, or those of a cluster. */
export interface RedisClient {
  /**
   * Runs a script, by its digest when Redis knows it; with `wait`, replicas then have what it wrote.
   * Rejects with whatever went wrong, {@link TooFewReplicas} among it.
   */
  run(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    wait?: ReplicaWait,
  ): Promise<unknown>
  /** Keys that match `pattern`, of all nodes of a cluster, a few at a time; each at least once. */
  keys(pattern: string): AsyncIterable<readonly string[]>
  /** The text of `INFO server`. */
  info(): Promise<string>
  /** Begins anew: a connection that does not answer may be half open. */
  reconnect(): void
  close(): void
}

/** How many replicas of Redis must have what was written, and how long they may take. */
export interface ReplicaWait {
  readonly replicas: number
  readonly timeoutMs: number
}

/** Fewer replicas than asked for have what was written. */
export class TooFewReplicas extends Error {
  override readonly name = 'TooFewReplicas'
}

/** What {@link connectRedis} needs. */
export interface ClientOptions {
  readonly target: RedisTarget
  /** PEM; the system's certificates when absent. */
  readonly ca?: string
  readonly commandTimeoutMs: number
  readonly connectTimeoutMs: number
  /** Told of each failed connection: the code or the kind of the error, never its text. */
  readonly onProblem: (problem: string) => void
}

/** Delay before the `times`-th attempt to connect again, with jitter: replicas do not come at once. */
const retryDelayMs = (times: number): number =>
  Math.min(300, 50 * 2 ** Math.min(times, 5)) * (0.5 + Math.random() / 2)

/** Nothing listens there. Where discovery names a host that may not be asked, this one is. */
const NOWHERE = { host: '127.0.0.1', port: 1 }

/** Connects in the background, again and again; asks fail while there is no connection. */
export function connectRedis(options: ClientOptions): RedisClient {
  const client = options.target.mode === 'cluster' ? cluster(options) : single(options)
  client.on('error', (error: unknown) => options.onProblem(problemOf(error)))
  return {
    run: (script, keys, args, wait) =>
      wait === undefined
        ? run(client, { script, keys, args })
        : runAndWait(client, { script, keys, args }, wait),
    keys: (pattern) => scan(client, pattern),
    info: () => client.info('server'),
    reconnect: () => client.disconnect(true),
    close: () => client.disconnect(),
  }
}

async function* scan(client: Redis | Cluster, pattern: string): AsyncIterable<readonly string[]> {
  for (const node of client instanceof Cluster ? client.nodes('master') : [client]) {
    let cursor = '0'
    do {
      const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000)
      cursor = next
      yield keys
    } while (cursor !== '0')
  }
}

interface Run {
  readonly script: Script
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

async function run(client: Redis | Cluster, { script, keys, args }: Run): Promise<unknown> {
  try {
    return await client.evalsha(script.sha, script.keys, ...keys, ...args)
  } catch (error) {
    if (!isUnknownScript(error)) throw error
    return client.eval(script.lua, script.keys, ...keys, ...args)
  }
}

/**
 * Both go over one connection, to the node that has the keys: WAIT is about what it wrote itself. The
 * script is sent whole: one that Redis does not know by its digest would be found out behind a WAIT
 * for nothing, which takes all the time there is when too few replicas follow.
 */
async function runAndWait(
  client: Redis | Cluster,
  { script, keys, args }: Run,
  { replicas, timeoutMs }: ReplicaWait,
): Promise<unknown> {
  const pipeline = client.pipeline().eval(script.lua, script.keys, ...keys, ...args)
  const [ran, waited] = (await pipeline.call('WAIT', replicas, timeoutMs).exec()) ?? []
  const error = ran?.[0] ?? waited?.[0]
  if (error instanceof Error) throw error
  if (!(Number(waited?.[1]) >= replicas)) throw new TooFewReplicas('too few replicas have it')
  return ran?.[1]
}

/** Redis was restarted, failed over, or its scripts were flushed. */
function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

/** A subscription. */
export interface Subscription {
  close(): void
}

/**
 * Calls `onMessage` for each message of `channel`, and when it may have missed some: after each
 * connection. Connects in the background, again and again.
 */
export function subscribeRedis(
  options: ClientOptions,
  channel: string,
  onMessage: () => void,
): Subscription {
  const client = options.target.mode === 'cluster' ? cluster(options) : single(options)
  client.on('error', (error: unknown) => options.onProblem(problemOf(error)))
  client.on('message', onMessage)
  client.on('ready', () => {
    client.subscribe(channel).then(onMessage, (error: unknown) => {
      options.onProblem(problemOf(error))
    })
  })
  return {
    close() {
      client.removeAllListeners('message')
      client.disconnect()
    },
  }
}

/** The first word of an answer of Redis, or the code of an error of the system: never a secret. */
export function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code
  const word = /^([A-Z][A-Z0-9_]{2,30}) /.exec(error.message)?.[1]
  return word ?? error.name
}

function common(options: ClientOptions) {
  const { target, ca } = options
  const tls = { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) } as const
  return {
    ...target.login,
    ...(target.tls ? { tls } : {}),
    connectTimeout: options.connectTimeoutMs,
    commandTimeout: options.commandTimeoutMs,
    maxRetriesPerRequest: 1,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    connectionName: 'modelgate',
  } satisfies RedisOptions
}

function single(options: ClientOptions): Redis {
  const { target } = options
  const shared = {
    ...common(options),
    enableOfflineQueue: false,
    retryStrategy: retryDelayMs,
    reconnectOnError: isStale,
  }
  if (target.mode === 'unix') return new Redis({ ...shared, path: target.path, db: target.db })
  if (target.mode === 'standalone') return new Redis({ ...shared, ...target.host, db: target.db })
  if (target.mode === 'cluster') throw new TypeError('a cluster is not one connection')
  const { username, password } = target.sentinelLogin
  const sentinelTls = target.tls ? { sentinelTLS: shared.tls, enableTLSForSentinelMode: true } : {}
  return new Redis({
    ...shared,
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
    ...sentinelTls,
    sentinels: [...target.hosts],
    name: target.master,
    db: target.db,
    sentinelCommandTimeout: options.connectTimeoutMs,
    sentinelRetryStrategy: retryDelayMs,
    ...discovered(options),
  })
}

function cluster(options: ClientOptions): Cluster {
  const { target } = options
  if (target.mode !== 'cluster') throw new TypeError('this is not a cluster')
  return new Cluster([...target.hosts], {
    redisOptions: common(options),
    enableOfflineQueue: false,
    scaleReads: 'master',
    maxRedirections: 4,
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: 50,
    retryDelayOnTryAgain: 50,
    slotsRefreshTimeout: options.connectTimeoutMs,
    slotsRefreshInterval: 10_000,
    clusterRetryStrategy: retryDelayMs,
    // Names go to TLS as they are, which compares them with the certificate.
    dnsLookup: (address, callback) => callback(null, address),
    ...discovered(options),
  })
}

/** Without TLS, whom a sentinel or a cluster names is asked only when it is this machine. */
function discovered({ target, onProblem }: ClientOptions) {
  if (target.tls) return {}
  return {
    natMap: (key: string) => {
      if (isLoopback(key.slice(0, key.lastIndexOf(':')))) return null
      onProblem('PLAIN_REMOTE')
      return NOWHERE
    },
  }
}

/** A master that became a replica: the next connection finds the new one. */
function isStale(error: Error): boolean {
  return error.message.startsWith('READONLY')
}
