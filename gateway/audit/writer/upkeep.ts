/** What an open log does from time to time: it removes what is too old, and writes its manifest. */
import { asError } from '../files/file-ops.ts'
import type { Appender } from './appender.ts'
import type { ReadyOptions } from './ledger-options.ts'
import { createManifest } from './manifest.ts'
import { prune } from './prune.ts'

/** See the head of this file. */
export interface Upkeep {
  /** To be called about once a second while the log is written. Never throws. */
  tick(nowMs: number): void
  /** Writes what belongs to the end. */
  finish(): void
  /** Resolves when nothing is at work. */
  idle(): Promise<void>
}

/** What {@link createUpkeep} needs. */
export interface UpkeepOptions {
  readonly ledger: ReadyOptions
  readonly appender: Appender
  /** Records that will be in the log after any failure: covered by a signature, when there is one. */
  readonly settledSize: () => number
}

const HOUR_MS = 3_600_000
/** After the clock was set, nothing is too old for a day: it may have been set wrong. */
const HOLD_MS = 24 * HOUR_MS
const CLOCK_STEP_MS = 1_000

/** Builds the upkeep of a log that has just been opened. */
export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { ledger, appender } = options
  const { clock, files } = ledger
  const manifest = createManifest(files, ledger.manifest ?? [])
  const drift = () => clock.now() - clock.monotonicMs()
  let lastDrift = drift()
  let heldUntilMs = Number.NEGATIVE_INFINITY
  let hourlyMs = clock.monotonicMs()
  let work = Promise.resolve()
  let isAtWork = false

  const fail = (operation: 'prune' | 'manifest', error: unknown) =>
    ledger.onEvent?.({ type: 'unsigned', operation, error: asError(error) })
  const writeManifest = () => {
    try {
      const record = manifest.record()
      if (record !== undefined) appender.appendNow(record)
    } catch (error) {
      fail('manifest', error)
    }
  }
  const removeOld = (retentionMs: number) => {
    isAtWork = true
    work = pruneOnce(options, retentionMs)
      .catch((error: unknown) => fail('prune', error))
      .finally(() => (isAtWork = false))
  }
  return {
    tick: (nowMs) => {
      const now = drift()
      if (Math.abs(now - lastDrift) > CLOCK_STEP_MS) heldUntilMs = nowMs + HOLD_MS
      lastDrift = now
      if (nowMs - hourlyMs < HOUR_MS) return
      hourlyMs = nowMs
      writeManifest()
      const { retentionMs } = ledger
      if (retentionMs !== undefined && nowMs >= heldUntilMs && !isAtWork) removeOld(retentionMs)
    },
    finish: writeManifest,
    idle: () => work,
  }
}

async function pruneOnce(
  { ledger, appender, settledSize }: UpkeepOptions,
  retentionMs: number,
): Promise<void> {
  const { clock, files, dir } = ledger
  const pruned = await prune({
    files,
    dir,
    before: clock.now() - retentionMs,
    keepFrom: Math.min(settledSize(), ledger.keepFrom?.() ?? Infinity),
    record: (record) => appender.append(record, 'disk'),
  })
  if (pruned !== undefined) ledger.onEvent?.({ type: 'pruned', ...pruned })
}
