/** A ledger that a thread of its own writes, so that requests wait for it and not behind it. */
import { Worker } from 'node:worker_threads'
import type { RunningLedger } from '../../audit/ledger.ts'
import type { LedgerOpening } from '../open-ledger.ts'
import { connectWriter } from './connect.ts'
import { performer } from './telemetry.ts'
import type { WriterStart } from './writer.ts'

/** How often the writer learns what sinks have read; what it knows is what they had read before. */
const KEEP_FROM_MS = 1_000

/**
 * Opens the ledger on a thread of its own. When that thread fails later, so does the process: without
 * it nothing may be forwarded, and a start recovers the log. Needs the compiled program.
 *
 * @throws ERR_AUDIT_UNAVAILABLE ERR_CONFIG_INVALID ERR_CONFIG_UNREADABLE as without a thread
 */
export async function openInThread(opening: LedgerOpening): Promise<RunningLedger> {
  const { log, metrics, clock, keepFrom } = opening
  const worker = new Worker(new URL('./entry.js', import.meta.url), {
    name: 'ledger',
    workerData: startOf(opening),
  })
  const perform = performer(log, metrics, clock)
  const onLost = (err: Error): void => {
    log.error({ err }, 'the thread that writes the ledger has ended, and the gateway with it')
    failLikeOthers(err)
  }
  const ledger = await connectWriter(worker, { perform, onLost, clock })
  let { healthy } = ledger
  const telling = setInterval(() => {
    worker.postMessage({ kind: 'keepFrom', seq: keepFrom() })
    // A writer that hangs in its disk cannot say so itself.
    if (ledger.healthy !== healthy && !ledger.isClosed) sayHealth(log, (healthy = ledger.healthy))
  }, KEEP_FROM_MS)
  telling.unref()
  worker.once('exit', () => clearInterval(telling))
  return ledger
}

function sayHealth(log: LedgerOpening['log'], isHealthy: boolean): void {
  if (isHealthy) log.info({}, 'the ledger is healthy')
  else log.error({}, 'the ledger cannot be written now, or its disk does not answer')
}

/** As every error that nobody handles: the process ends, and whoever runs it starts another. */
function failLikeOthers(error: Error): void {
  setImmediate(() => {
    throw error
  })
}

function startOf({ dir, cwd, settings, process, keepFrom }: LedgerOpening): WriterStart {
  // A function cannot be handed over; the writer has its own.
  const facts = { ...process, isAlive: undefined }
  return {
    dir,
    cwd,
    // Sinks read the files, and from the thread of the requests.
    settings: { audit: { ...settings.audit, sinks: [] } },
    process: facts,
    keepFrom: keepFrom(),
  }
}
