/**
 * One writer per log. The lock is a file that names the run, process and machine holding it and
 * whose modification time is its lease. A lock whose process is gone is taken over; a writer that
 * slept past its lease looks again before it writes, so that two writers never share a log.
 */
import { join } from 'node:path'
import type { Clock } from '../../domain/clock.ts'
import { readJson, writeAll } from './file-ops.ts'
import type { FilePort } from './file-port.ts'
import { unavailable } from './segments.ts'

/** The process that wants to write, as the composition root knows it. */
export interface LedgerOwner {
  readonly pid: number
  /** Name of the machine or container: process ids mean nothing across two of them. */
  readonly host: string
  /** The user the process runs as; `undefined` where the platform has none. */
  readonly uid?: number
  /** Whether a process of this machine is alive. */
  isAlive(pid: number): boolean
}

/** Who holds or held the lock. */
export interface LockHolder {
  readonly boot: string
  readonly pid: number
  readonly host: string
}

/** The lock, held. */
export interface LedgerLock {
  /** The dead holder it was taken from. */
  readonly takenFrom: LockHolder | undefined
  /** Whether there was no lock at all: nobody writes, or somebody has removed it. */
  readonly wasFree: boolean
  /**
   * Looks at the file, and puts it back when it was removed. Whether the lock is still ours; once it
   * was another's, it never is again.
   */
  check(): boolean
  /** Whether it is still ours. Touches the disk only when the lease may have run out. */
  isHeld(): boolean
  /** Renews the lease. Whether it is still ours. */
  renew(): boolean
  release(): void
}

/** What {@link acquireLock} needs. */
export interface LockOptions {
  readonly files: FilePort
  readonly dir: string
  readonly bootId: string
  readonly owner: LedgerOwner
  readonly clock: Clock
}

/** A lease this old belongs to nobody, when the process cannot be asked. */
const LEASE_MS = 30_000
const LOCK_BYTES_MAX = 1024
/** How the name of a lock ends that has not got its own yet. */
const DRAFT = '.new'

/**
 * Takes the lock of the log in `dir`, which exists.
 *
 * @throws ERR_AUDIT_UNAVAILABLE when another writer holds it
 */
export function acquireLock(options: LockOptions): LedgerLock {
  const path = join(options.dir, 'lock')
  if (create(options, path)) return holdLock(options, path, undefined)
  return holdLock(options, path, takeOver(options, path))
}

/**
 * Creates the lock, whole: it is on disk before it has its name, so that a power cut leaves no lock
 * that says nothing. `false` when there is one already.
 */
function create(options: LockOptions, path: string): boolean {
  const { files, bootId } = options
  if (files.status(path) !== undefined) return false
  const draft = `${path}.${bootId}${DRAFT}`
  removeDrafts(options, path)
  if (!write(options, draft, true)) throw unavailable(`${draft}: exists; remove it`)
  try {
    files.link(draft, path)
    return true
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (WITHOUT_LINKS.has(code)) return write(options, path, false)
    throw unavailable(`${path}: cannot be created`, error)
  } finally {
    removeIfThere(files, draft)
  }
}

/** What a file system says that has no hard links; there, the lock gets its name first. */
const WITHOUT_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** Writes a new file that names us. `false` when there is one already. */
function write({ files, bootId, owner }: LockOptions, path: string, isSynced: boolean): boolean {
  let fd: number
  try {
    fd = files.openAppend(path, true)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw unavailable(`${path}: cannot be created`, error)
  }
  try {
    const holder: LockHolder = { boot: bootId, pid: owner.pid, host: owner.host }
    const text = Buffer.from(`${JSON.stringify(holder)}\n`)
    writeAll(files, fd, text, { start: 0, end: text.length })
    if (isSynced) files.syncNow(fd)
  } catch (error) {
    removeIfThere(files, path)
    throw unavailable(`${path}: cannot be written`, error)
  } finally {
    files.close(fd)
  }
  return true
}

/** Removes drafts of this run, and those of processes that were killed: nobody needs so long for one. */
function removeDrafts({ files, dir, bootId, clock }: LockOptions, path: string): void {
  const own = `lock.${bootId}${DRAFT}`
  for (const name of files.list(dir)) {
    if (!name.startsWith('lock.') || !name.endsWith(DRAFT)) continue
    const status = files.status(join(dir, name))
    const isOld = status !== undefined && clock.now() - status.modifiedAt > LEASE_MS
    if (name === own || isOld) removeIfThere(files, `${path}${name.slice('lock'.length)}`)
  }
}

function removeIfThere(files: FilePort, path: string): void {
  try {
    files.remove(path)
  } catch {
    // Another process was faster, or nothing works any more: the lock itself tells.
  }
}

function takeOver(options: LockOptions, path: string): LockHolder {
  const { files, bootId } = options
  const found = parseHolder(readJson(files, path, LOCK_BYTES_MAX))
  if (!isStale(options, path, found)) {
    const who = found === undefined ? 'someone' : `${found.host} process ${found.pid}`
    throw unavailable(
      `${path}: ${who} is writing this log. Give every gateway its own audit.dir; ` +
        `if that process is gone, remove the file.`,
    )
  }
  // Two newcomers may both find the lock stale. What was renamed is looked at again, and put back
  // when it is the fresh lock of the other one.
  const aside = `${path}.${bootId}`
  files.rename(path, aside)
  const renamed = parseHolder(readJson(files, aside, LOCK_BYTES_MAX))
  const isSame = renamed?.boot === found?.boot
  if (!isSame) files.link(aside, path)
  files.remove(aside)
  if (!isSame || !create(options, path)) {
    throw unavailable(`${path}: another process took the lock at the same moment`)
  }
  return found ?? { boot: 'unknown', pid: 0, host: 'unknown' }
}

function isStale(options: LockOptions, path: string, holder: LockHolder | undefined): boolean {
  const { files, bootId, owner, clock } = options
  if (holder?.boot === bootId) return false
  // A container is always process 1: a lock with our own id is that of our predecessor.
  if (holder?.host === owner.host && (holder.pid === owner.pid || !owner.isAlive(holder.pid))) {
    return true
  }
  const status = files.status(path)
  return status !== undefined && clock.now() - status.modifiedAt > LEASE_MS
}

function holdLock(
  options: LockOptions,
  path: string,
  takenFrom: LockHolder | undefined,
): LedgerLock {
  const { files, bootId, clock } = options
  let renewedAt = clock.now()
  let renewedAtMono = clock.monotonicMs()
  let isLost = false
  const isOurs = () => parseHolder(readJson(files, path, LOCK_BYTES_MAX))?.boot === bootId
  const check = () => {
    if (isLost) return false
    if (isOurs()) return true
    // A removed lock is one that nobody holds, for an instant: whoever creates it has it.
    isLost = files.status(path) !== undefined || !create(options, path)
    return !isLost
  }
  const renew = () => {
    if (!check()) return false
    renewedAt = clock.now()
    renewedAtMono = clock.monotonicMs()
    files.touch(path, renewedAt)
    return true
  }
  renew()
  return {
    takenFrom,
    wasFree: takenFrom === undefined,
    check,
    renew,
    isHeld: () => {
      // A suspended machine stops one of the two clocks.
      const asleepMs = Math.max(clock.now() - renewedAt, clock.monotonicMs() - renewedAtMono)
      return asleepMs < LEASE_MS / 2 || renew()
    },
    release: () => {
      if (isOurs()) files.remove(path)
    },
  }
}

function parseHolder(value: unknown): LockHolder | undefined {
  const { boot, pid, host } = (value ?? {}) as Readonly<Record<string, unknown>>
  return typeof boot === 'string' && typeof pid === 'number' && typeof host === 'string'
    ? { boot, pid, host }
    : undefined
}
