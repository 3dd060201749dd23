/** Runs scripts in bounded time and number, and only while Redis answers. */
import { unavailable } from '../unavailable.ts'
import { createBreaker } from './breaker.ts'
import {
  connectRedis,
  problemOf,
  TooFewReplicas,
  type ClientOptions,
  type RedisClient,
  type ReplicaWait,
} from './client.ts'
import type { Script } from './script.ts'
import { SCRIPTS } from './scripts.ts'
import { judgeVersion } from './version.ts'

/** Asks at work in one process; more fail at once (I17). */
const ASKS_MAX = 1_024
/**
 * Milliseconds between probes of a Redis that does not answer: locks that were set meanwhile are to be
 * in force within a second after it does.
 */
const RETRY_MS = { first: 50, last: 250 } as const

/** What the store tells of. No text holds a URL, a password or a key. */
export type RedisEvent =
  | { readonly type: 'up'; readonly version: string | undefined }
  | { readonly type: 'down'; readonly why: string }
  | { readonly type: 'problem'; readonly why: string }
  | { readonly type: 'warning'; readonly message: string }

/** Where and how to ask. */
export interface AskerOptions extends Omit<ClientOptions, 'onProblem'> {
  readonly prefix: string
  readonly onEvent?: (event: RedisEvent) => void
  /** What is written must be on so many replicas of Redis before an ask is answered. */
  readonly wait?: ReplicaWait
}

/** Asks Redis. */
export interface Asker {
  readonly isUp: boolean
  /**
   * Runs `script` on `keys` and reads its answer. `read` throws when the answer is none.
   * @throws ERR_STORE_UNAVAILABLE
   */
  ask<T>(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    read: (reply: unknown) => T,
  ): Promise<T>
  /** Keys that match a pattern; see {@link RedisClient.keys}. @throws ERR_STORE_UNAVAILABLE */
  keys(pattern: string): AsyncIterable<readonly string[]>
  /** Goes on with another URL; what is asked of the old connection is not waited for. */
  connect(target: Pick<AskerOptions, 'target' | 'ca'>): void
  whenUp(): Promise<void>
  close(): void
}

/** Connects, and asks while Redis answers. */
export function createAsker(options: AskerOptions): Asker {
  const tell = options.onEvent ?? (() => undefined)
  const problems = createSeldom((why: string) => tell({ type: 'problem', why }))
  const onProblem = (why: string): void => {
    if (!breaker.isUp) problems(why)
  }
  const connected = (target: Pick<AskerOptions, 'target' | 'ca'>): RedisClient =>
    connectRedis({ ...options, ...target, onProblem })
  let client: RedisClient
  let asks = 0
  let version: string | undefined
  let isClosed = false

  async function probe(): Promise<void> {
    const asked = client
    try {
      const key = `${options.prefix}:probe`
      await inTime(asked.run(SCRIPTS.probe, [key], []), options.commandTimeoutMs)
      version = await versionOf(asked, options.commandTimeoutMs)
    } catch (error) {
      onProblem(problemOf(error))
      // What timed out may hang in a connection that is half open; one that was given up stays so.
      if (error instanceof TimeIsUp && asked === client && !isClosed) asked.reconnect()
      throw error
    }
    mustDo(version, tell)
  }
  const breaker = createBreaker({
    probe,
    retryMs: RETRY_MS,
    onChange: (isUp, why) => tell(isUp ? { type: 'up', version } : { type: 'down', why }),
  })
  client = connected(options)
  return {
    get isUp() {
      return breaker.isUp
    },
    whenUp: () => breaker.whenUp(),
    async ask(script, keys, args, read) {
      if (isClosed) throw unavailable('it is closed')
      if (!breaker.isUp) throw unavailable('Redis did not answer before')
      if (asks >= ASKS_MAX) throw unavailable('too many asks at once')
      asks += 1
      const running = client.run(script, keys, args, options.wait).finally(() => (asks -= 1))
      const reply = await inTime(running, options.commandTimeoutMs).catch((error: unknown) => {
        const problem = problemOf(error)
        if (!isOfOneKey(error)) breaker.trip(problem)
        throw unavailable(problem, error)
      })
      try {
        return read(reply)
      } catch (error) {
        throw unavailable(error instanceof Error ? error.message : 'no answer', error)
      }
    },
    keys: (pattern) => scanned(client, pattern),
    connect(target) {
      if (isClosed) return
      const old = client
      client = connected(target)
      breaker.trip('the URL changed')
      old.close()
    },
    close() {
      isClosed = true
      breaker.close()
      client.close()
    },
  }
}

async function* scanned(client: RedisClient, pattern: string): AsyncIterable<readonly string[]> {
  try {
    yield* client.keys(pattern)
  } catch (error) {
    throw unavailable(problemOf(error), error)
  }
}

/** Warns of a version, or refuses it. @throws Error */
function mustDo(version: string | undefined, tell: (event: RedisEvent) => void): void {
  const { refused, warning } = judgeVersion(version)
  if (warning !== undefined) tell({ type: 'warning', message: warning })
  if (refused) throw new Error('this version cannot be used')
}

class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp'
}

/**
 * A key of the wrong type, or with something that nobody put there, fails alone; so does what too
 * few replicas have, for Redis itself answers.
 */
function isOfOneKey(error: unknown): boolean {
  return (
    error instanceof TooFewReplicas ||
    (error instanceof Error && /^WRONGTYPE |^ERR damaged /.test(error.message))
  )
}

function isLate(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out'
}

async function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeIsUp()), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } catch (error) {
    // The client has the same bound, and which of the two is first is chance.
    throw isLate(error) ? new TimeIsUp() : error
  } finally {
    clearTimeout(timer)
  }
}

/** The version, where the user may ask for it. */
async function versionOf(client: RedisClient, timeoutMs: number): Promise<string | undefined> {
  try {
    const text = await inTime(client.info(), timeoutMs)
    return /^redis_version:(\S{1,40})/m.exec(text)?.[1]
  } catch (error) {
    if (error instanceof TimeIsUp) throw error
    return undefined
  }
}

/** Calls `tell` when the text is another one than the last time: attempts repeat for hours. */
function createSeldom(tell: (text: string) => void): (text: string) => void {
  let last: string | undefined
  return (text) => {
    if (text === last) return
    last = text
    tell(text)
  }
}
