/** Log and metrics of the thread that writes the ledger: they are those of the other thread, told of. */
import type { Port } from '../../audit/thread/messages.ts'
import type { Clock } from '../../domain/clock.ts'
import { safeFields } from '../../log/redact.ts'
import type { AuditAges, Metrics } from '../../metrics/metrics.ts'
import type { LedgerMetrics, LedgerOpening } from '../open-ledger.ts'

type LedgerLog = LedgerOpening['log']

type Calls<Name extends 'log' | 'metric', Of> = {
  readonly [K in keyof Of]: Of[K] extends (...args: infer Args) => void
    ? { readonly kind: Name; readonly name: K; readonly args: Args }
    : never
}[keyof Of]

/** A call of the log or of a metric, to be made on the thread of the requests. */
export type LedgerNotice =
  | Calls<'log', LedgerLog>
  | Calls<'metric', Omit<LedgerMetrics, 'auditAges' | 'auditWrite' | 'auditRecords'>>
  | {
      readonly kind: 'writes'
      readonly writes: readonly Parameters<Metrics['auditWrite']>[]
      readonly types: ReadonlyMap<string, number>
    }
  | { readonly kind: 'ages'; readonly ages: AuditAges }

/** The log of the other thread. */
export function remoteLog(port: Port<LedgerNotice>): LedgerLog {
  const at = (name: keyof LedgerLog) => (fields: Parameters<LedgerLog['info']>[0], text: string) =>
    // What a log line says is plain data; an error is not quite itself once it was copied.
    port.postMessage({ kind: 'log', name, args: [safeFields(fields), text] })
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

/** Writes are told of together: a message for each would cost the other thread more than the record. */
const WRITES_MAX = 1_000

/** The metrics of the other thread; `tell` has it know the writes so far and the ages of now. */
export function remoteMetrics(port: Port<LedgerNotice>): LedgerMetrics & { tell(): void } {
  let read: (() => AuditAges) | undefined
  let writes: Parameters<Metrics['auditWrite']>[] = []
  const types = new Map<string, number>()
  const tellWrites = (): void => {
    if (writes.length === 0) return
    port.postMessage({ kind: 'writes', writes, types })
    writes = []
    types.clear()
  }
  return {
    auditWrite(...args) {
      if (writes.push(args) >= WRITES_MAX) tellWrites()
    },
    auditRecords: (type, count) => void types.set(type, (types.get(type) ?? 0) + count),
    auditError: () => port.postMessage({ kind: 'metric', name: 'auditError', args: [] }),
    auditSigned: (...args) => port.postMessage({ kind: 'metric', name: 'auditSigned', args }),
    auditWitness: (...args) => port.postMessage({ kind: 'metric', name: 'auditWitness', args }),
    admitNames: (...args) => port.postMessage({ kind: 'metric', name: 'admitNames', args }),
    auditAges: (reading) => void (read = reading),
    tell() {
      tellWrites()
      if (read !== undefined) port.postMessage({ kind: 'ages', ages: read() })
    },
  }
}

/** Makes the calls that the writer tells of. */
export function performer(
  log: LedgerLog,
  metrics: Pick<Metrics, keyof LedgerMetrics>,
  clock: Pick<Clock, 'monotonicMs'>,
): (notice: LedgerNotice) => void {
  let known: { readonly ages: AuditAges; readonly atMs: number } | undefined
  return (notice) => {
    if (notice.kind === 'log') log[notice.name](notice.args[0], notice.args[1])
    else if (notice.kind === 'metric') call(metrics, notice)
    else if (notice.kind === 'writes') {
      for (const args of notice.writes) metrics.auditWrite(...args)
      for (const [type, count] of notice.types) metrics.auditRecords(type, count)
    } else {
      if (known === undefined) metrics.auditAges(() => grown(known, clock.monotonicMs()))
      known = { ages: notice.ages, atMs: clock.monotonicMs() }
    }
  }
}

function call(metrics: LedgerMetrics, notice: Extract<LedgerNotice, { kind: 'metric' }>): void {
  switch (notice.name) {
    case 'auditError':
      metrics.auditError()
      return
    case 'auditSigned':
      metrics.auditSigned(...notice.args)
      return
    case 'auditWitness':
      metrics.auditWitness(...notice.args)
      return
    case 'admitNames':
      metrics.admitNames(...notice.args)
  }
}

/** Ages go on growing when nobody tells of them any more. Zero means that there is nothing to age. */
function grown(
  known: { readonly ages: AuditAges; readonly atMs: number } | undefined,
  nowMs: number,
): AuditAges {
  if (known === undefined) return { checkpointMs: 0, witnessedMs: 0 }
  const since = nowMs - known.atMs
  const { checkpointMs, witnessedMs } = known.ages
  return {
    checkpointMs: checkpointMs === 0 ? 0 : checkpointMs + since,
    witnessedMs: witnessedMs === 0 ? 0 : witnessedMs + since,
  }
}
