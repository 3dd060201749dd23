import type { AccessReplica } from '../access/replica.ts'
import { createUnwritten, type UnwrittenVersions } from '../access/versions/unwritten.ts'
import type { Logger } from '../log/logger.ts'

/** Time between two times that the journal is told of versions it does not have yet. */
const RETRY_MS = 1_000

/**
 * Keeps versions that the journal could not be told of, and tells it when something comes of it again
 * and once a second. A failure is told once, until all are written.
 */
export function openUnwritten(
  replica: Pick<AccessReplica, 'run' | 'onApplied'>,
  log: Pick<Logger, 'error'>,
): UnwrittenVersions & { readonly stop: () => void } {
  let isTold = false
  const unwritten = createUnwritten(replica, (error, version) => {
    if (!isTold) log.error({ err: error, version }, 'a version waits to be put on record')
    isTold = true
  })
  const retry = (): void => {
    if (unwritten.size === 0) isTold = false
    else void unwritten.retry()
  }
  replica.onApplied(retry)
  const timer = setInterval(retry, RETRY_MS).unref()
  return Object.assign(unwritten, { stop: () => clearInterval(timer) })
}
