import { watch as watchFolder, type FSWatcher } from 'node:fs'

/** Watches what a configuration was read from. */
export interface ChangeWatch {
  stop(): void
}

/** What to watch and whom to tell. */
export interface ChangeWatchOptions {
  /** Folders, not files: a ConfigMap is changed by swapping a symlink beside the files. */
  readonly folders: readonly string[]
  /** A digest of the content; changes are told only when it differs from the last one seen. */
  fingerprint(): Promise<string>
  /** The digest before what is in force was read: what changed since is told at once. */
  readonly initial: string
  /**
   * Called after a change; the next call waits until this one has ended, well or not. It resolves to
   * the digest of what it read, where it knows: the content may have changed between the look and
   * the reading, and changed back since.
   */
  onChange(): Promise<string | undefined>
  /** Called when a folder cannot be watched; polling goes on regardless. */
  onUnwatchable(folder: string, error: unknown): void
  /** Quiet time after a notification before the content is read, milliseconds. */
  readonly settleMs: number
  /** How often the content is read without a notification, milliseconds. */
  readonly pollMs: number
}

/** A look is put off by further notifications for so many quiet times at most. */
const SETTLE_TIMES_MAX = 4

/**
 * Tells of changes by folder notifications, debounced, and by polling as a backstop: watching a
 * file by name goes silent after the first symlink swap, and network file systems never notify.
 */
export async function startChangeWatch(options: ChangeWatchOptions): Promise<ChangeWatch> {
  let last = options.initial
  let busy = false
  let again = false
  let settle: NodeJS.Timeout | undefined
  let waitingSince: number | undefined
  const look = async (): Promise<void> => {
    if (busy) {
      again = true
      return
    }
    busy = true
    try {
      const seen = await options.fingerprint().catch(() => 'unreadable')
      if (seen !== last) {
        last = seen
        // Nobody waits for this: a failure must end here, and the next look is the next attempt.
        const read = await options.onChange().catch(() => undefined)
        if (read !== undefined && read !== seen) {
          last = read
          again = true
        }
      }
    } finally {
      busy = false
    }
    if (again) {
      again = false
      await look()
    }
  }
  const notice = (): void => {
    const now = performance.now()
    waitingSince ??= now
    // Files that never come to rest are looked at all the same.
    if (now - waitingSince > options.settleMs * SETTLE_TIMES_MAX) return
    clearTimeout(settle)
    settle = setTimeout(() => {
      waitingSince = undefined
      void look()
    }, options.settleMs)
  }
  const watchers = watchAll(options, notice)
  const poll = setInterval(() => void look(), options.pollMs)
  poll.unref()
  await look()
  return {
    stop() {
      clearTimeout(settle)
      clearInterval(poll)
      for (const watcher of watchers) watcher.close()
    },
  }
}

function watchAll(options: ChangeWatchOptions, notice: () => void): FSWatcher[] {
  const watchers: FSWatcher[] = []
  for (const folder of new Set(options.folders)) {
    try {
      const watcher = watchFolder(folder, { persistent: false }, notice)
      watcher.on('error', (error) => options.onUnwatchable(folder, error))
      watchers.push(watcher)
    } catch (error) {
      options.onUnwatchable(folder, error)
    }
  }
  return watchers
}
