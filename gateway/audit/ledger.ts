/**
 * The ledger: records in the order of the calls, hash-linked, in segment files. When the files
 * fail, nothing is accepted until a new segment, linked to the last record that did get in, could
 * be opened: no record, no forward.
 */
import { GatewayError, invariant } from '../domain/errors.ts'
import { systemFiles } from './files/file-port.ts'
import type { LedgerOptions, Schedule, SegmentLedger } from './writer/ledger-options.ts'
import { acquireLock } from './files/lock.ts'
import { isBootId, isLogOrigin } from './line/record.ts'
import { prepareDirectories, unavailable } from './files/segments.ts'
import { startLedger } from './writer/supervisor.ts'

export type {
  LedgerEvent,
  LedgerOptions,
  RunningLedger,
  SegmentLedger,
} from './writer/ledger-options.ts'
export type { SignedCheckpoint } from './writer/sealer.ts'

const onTimer: Schedule = (delayMs, run) => {
  const timer = setTimeout(run, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}

/**
 * Opens the log in `dir`: takes its lock, verifies its last segment, moves a half-written line
 * aside and writes `log.opened`, on disk.
 *
 * @throws ERR_AUDIT_UNAVAILABLE when the directory is unsafe, another writer holds the log, or its
 * chain is broken (naming file and line)
 */
export async function openLedger(options: LedgerOptions): Promise<SegmentLedger> {
  const { log, bootId, dir, owner, clock } = options
  if (!isLogOrigin(log)) throw unavailable('the origin must be letters, digits and . _ - : /')
  invariant(isBootId(bootId), 'a boot id is letters, digits and hyphens')
  const files = options.files ?? systemFiles
  const ready = { ...options, files, schedule: options.schedule ?? onTimer }
  try {
    prepareDirectories(files, dir, owner.uid)
    const lock = acquireLock({ files, dir, bootId, owner, clock })
    try {
      return await startLedger(ready, lock)
    } catch (error) {
      lock.release()
      throw error
    }
  } catch (error) {
    if (error instanceof GatewayError) throw error
    throw unavailable(`${dir}: cannot be opened`, error)
  }
}
