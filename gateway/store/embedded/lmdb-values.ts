/** Keys and values in LMDB, for the processes of one machine. The only importer of lmdb. */
import { createRequire } from 'node:module'
import type * as Lmdb from 'lmdb' with { 'resolution-mode': 'require' }
import { KEPT_PREFIX, type KeyValues, type Transaction } from '../key-values.ts'
import { unavailable } from '../unavailable.ts'
import { dataFile, FILE_MODE } from './data-file.ts'

// The types that the package has for ES modules are not valid ones.
const { open } = createRequire(import.meta.url)('lmdb') as typeof Lmdb

/** Most that the file can hold: past it, asks fail. Address space, not memory or disk. */
const MAP_BYTES = 1024 ** 3
/** Asks at work in one process; more fail at once (I17). */
const ASKS_MAX = 1_024
/** Entries looked at for being over, for each one written. */
const SWEPT_PER_WRITE = 4
/** Sweeps are done together, so that a write does not pay for one each time. */
const SWEEP_AT = 64
/** Behind every key that begins with {@link KEPT_PREFIX}; no key itself. */
const BEHIND_KEPT = `${KEPT_PREFIX}\uffff`
/** Entries read at the start, so that damage shows then rather than later. */
const CHECKED_MAX = 10_000

interface Entry {
  /** Milliseconds since the epoch after which it is over. */
  readonly x: number
  readonly v: unknown
}

/** Keys and values in a file. */
export interface LmdbValues extends KeyValues {
  readonly healthy: boolean
  close(): Promise<void>
}

/** What {@link openLmdbValues} needs. */
export interface LmdbOptions {
  /** Absolute; prepared by `prepareFolder`. */
  readonly dir: string
  readonly now: () => number
  /** Longest wait for the write lock, which other processes take turns at, and for the disk. */
  readonly timeoutMs: number
}

/**
 * Opens the file. Transactions run one at a time across all processes, begun and committed on a
 * thread of LMDB: the event loop waits neither for the lock nor for the disk. A process that dies
 * inside a transaction leaves nothing of it.
 */
export async function openLmdbValues(options: LmdbOptions): Promise<LmdbValues> {
  const db = openFile(options.dir)
  try {
    for (const { value } of db.getRange({ limit: CHECKED_MAX })) entryOf(value)
  } catch (error) {
    await db.close()
    throw error
  }
  const transaction = transactionOn(db, options.now)
  let healthy = true
  let asks = 0
  let isClosed = false

  async function transact<T>(durable: boolean, work: (tx: Transaction) => T): Promise<T> {
    if (isClosed) throw unavailable('it is closed')
    if (asks >= ASKS_MAX) throw unavailable('too many asks at once')
    asks += 1
    let isLate = false
    const run = async (): Promise<{ readonly answer: T }> => {
      const done = await db.childTransaction(() =>
        isLate ? undefined : { answer: work(transaction) },
      )
      if (done === undefined) throw unavailable('its turn came too late')
      if (durable) await db.flushed
      return done
    }
    const running = run().finally(() => (asks -= 1))
    // Also when it fails past its time, when nobody waits for it.
    running.catch((error: unknown) => commitErrorOf(error)?.catch(() => undefined))
    try {
      const { answer } = await inTime(running, options.timeoutMs)
      healthy = true
      return answer
    } catch (error) {
      isLate = true
      healthy = false
      throw unavailable(await whyOf(error, options.timeoutMs), error)
    }
  }
  return {
    transact,
    async read(work) {
      if (isClosed) throw unavailable('it is closed')
      try {
        // What other processes wrote meanwhile is not in a view that was taken before.
        db.resetReadTxn()
        return await Promise.resolve(work(transaction))
      } catch (error) {
        healthy = false
        throw unavailable(error instanceof Error ? error.message : 'unknown', error)
      }
    },
    get healthy() {
      return healthy && !isClosed
    },
    async close() {
      if (isClosed) return
      isClosed = true
      await inTime(db.close(), options.timeoutMs).catch(() => undefined)
    },
  }
}

function openFile(dir: string): Lmdb.RootDatabase<Entry, string> {
  return open<Entry, string>({
    path: dataFile(dir),
    noSubdir: true,
    encoding: 'json',
    mapSize: MAP_BYTES,
    // Else a process that is killed while it flushes leaves others with an environment that fails for
    // good (MDB_PANIC), and the number of the last transaction is put right without the write lock.
    overlappingSync: false,
    // The batch of a turn has a promise that nobody can listen to: when its commit failed, as it does on
    // a full disk, the process would end.
    eventTurnBatching: false,
    ...{ permissionsMode: FILE_MODE },
  })
}

/**
 * Why a commit failed, such as a full disk, LMDB says by a promise of its own. One that nobody listens to
 * would end the process.
 */
function commitErrorOf(error: unknown): Promise<unknown> | undefined {
  const { commitError } = error instanceof Error ? (error as { commitError?: unknown }) : {}
  return commitError instanceof Promise ? commitError : undefined
}

async function whyOf(error: unknown, timeoutMs: number): Promise<string> {
  const cause = commitErrorOf(error)
  const why =
    cause === undefined ? error : await inTime(cause, timeoutMs).catch((reason: unknown) => reason)
  return why instanceof Error ? why.message : 'unknown'
}

/** Fails when `promise` takes longer; what it does then, nobody hears. */
async function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing in ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function transactionOn(db: Lmdb.RootDatabase<Entry, string>, now: () => number): Transaction {
  let swept = ''
  let owed = 0
  /** Only inside a transaction. */
  const sweep = (): void => {
    // A journal can be most of the file, and its snapshot most of the memory there is: not read here.
    const isBefore = swept < KEPT_PREFIX
    const end = isBefore ? { end: KEPT_PREFIX } : {}
    const range = [...db.getRange({ start: swept, exclusiveStart: true, ...end, limit: owed })]
    const at = now()
    for (const { key, value } of range) if (entryOf(value).x <= at) void db.remove(key)
    const behind = isBefore ? BEHIND_KEPT : ''
    swept = range.length < owed ? behind : (range.at(-1)?.key ?? '')
    owed = 0
  }
  return {
    get(key) {
      const found: unknown = db.get(key)
      if (found === undefined) return undefined
      const { x, v } = entryOf(found)
      return x > now() ? v : undefined
    },
    put(key, value, expiresAt) {
      void db.put(key, { x: expiresAt, v: value })
      owed += SWEPT_PER_WRITE
      if (owed >= SWEEP_AT) sweep()
    },
    remove: (key) => void db.remove(key),
    *entries(prefix) {
      const range = db.getRange({ start: prefix, end: `${prefix}\uffff` })
      for (const { key, value } of range) {
        const { x, v } = entryOf(value)
        if (x > now()) yield [key, v]
      }
    },
  }
}

/** @throws Error when the file holds something that was never put there. */
function entryOf(value: unknown): Entry {
  const entry = value as Partial<Entry> | null
  if (typeof entry !== 'object' || typeof entry?.x !== 'number') throw new Error('damaged entry')
  return { x: entry.x, v: entry.v }
}
