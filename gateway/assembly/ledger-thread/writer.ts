/** What the thread of the writer runs: a ledger, opened as the other thread says, and served to it. */
import { failureOf } from '../../audit/thread/failure.ts'
import type { FromWriter, Port, ToWriter } from '../../audit/thread/messages.ts'
import { createThreadServer, type ThreadServer } from '../../audit/thread/thread-server.ts'
import { systemClock } from '../../domain/clock.ts'
import { GatewayError } from '../../domain/errors.ts'
import { openOwnLedger, type LedgerOpening } from '../open-ledger.ts'
import { isAlive } from '../process-facts.ts'
import { remoteLog, remoteMetrics, type LedgerNotice } from './telemetry.ts'

/** What a writer is started with, as plain data. */
export interface WriterStart extends Pick<LedgerOpening, 'dir' | 'cwd' | 'settings'> {
  readonly process: Omit<LedgerOpening['process'], 'isAlive'>
  readonly keepFrom: number
}

/** The writer's end of the channel. */
export interface WriterPort extends Port<FromWriter | LedgerNotice> {
  on(event: 'message', listener: (message: ToWriter) => void): unknown
  close(): void
}

/** How often what nobody waits for is told: heartbeats, health, ages. */
const TELL_MS = 1_000

/** Opens the ledger and serves it until it is closed. Never rejects. */
export async function runWriter(start: WriterStart, port: WriterPort): Promise<void> {
  const metrics = remoteMetrics(port)
  let { keepFrom } = start
  let server: ThreadServer | undefined
  try {
    const ledger = await openOwnLedger({
      ...start,
      process: { ...start.process, isAlive },
      clock: systemClock,
      log: remoteLog(port),
      metrics: { ...metrics, auditError: () => (metrics.auditError(), server?.tell()) },
      keepFrom: () => keepFrom,
    })
    server = createThreadServer(ledger, port)
    port.postMessage({ kind: 'opened', head: ledger.head(), healthy: ledger.healthy })
  } catch (error) {
    const code = error instanceof GatewayError ? error.code : 'ERR_INTERNAL'
    port.postMessage({ kind: 'refused', code, why: failureOf(error) })
    port.close()
    return
  }
  metrics.tell()
  const serving = server
  const telling = setInterval(() => {
    serving.tell()
    metrics.tell()
  }, TELL_MS)
  port.on('message', (message) => {
    if (message.kind === 'append') serving.append(message.batch, message.records)
    else if (message.kind === 'keepFrom') keepFrom = message.seq
    else {
      clearInterval(telling)
      metrics.tell()
      void serving.close().then(() => port.close())
    }
  })
}
