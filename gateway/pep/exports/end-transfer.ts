/** What becomes of a transfer when its exchange is over: its grant, and the ledger of exports. */
import type { Exported } from '../../egress/exports/export-meter.ts'
import type { ExportResult } from '../../metrics/labels.ts'
import type { Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'
import { exportRecord } from './export-record.ts'
import type { Ended, Ending } from './in-progress.ts'
import { isResumable } from './transfer.ts'

/**
 * Tells the store that the transfer is over, and writes the record of an export, on disk. Resolves
 * when both are done; never rejects. `undefined` where there was no transfer.
 */
export function endTransfer(
  exchange: Exchange,
  services: Services,
  ending: Ending,
): Promise<void> | undefined {
  exchange.grantWatch?.stop()
  const { transfer } = exchange
  if (transfer === undefined) return undefined
  const exported = transfer.meter?.exported()
  const isWhole = isDelivered(exchange, exported)
  const ended = { ...ending, transfer, exported, isWhole }
  const released = release(exchange, services, ended)
  if (!transfer.isExport || !isBegun(exchange, exported)) return released
  services.metrics.exported(resultOf(ended))
  const written = services.ledger.append(exportRecord(exchange, ended), 'disk')
  const told = written.catch((error: unknown) => {
    services.metrics.auditError()
    services.log.error({ decisionId: exchange.id, err: error }, 'an export was not recorded')
  })
  return Promise.all([released, told]).then(() => undefined)
}

function isDelivered(exchange: Exchange, exported: Exported | undefined): boolean {
  const { outcome } = exchange
  if (outcome === undefined || outcome.reason !== undefined) return false
  if (exported === undefined) return isBegun(exchange, exported)
  return exported.isBegun && exported.isEnded
}

/** An error is no export; neither is what was never asked for, nor a look at the head alone. */
function isBegun({ outcome }: Exchange, exported: Exported | undefined): boolean {
  return exported === undefined ? outcome?.status === 101 : exported.isBegun
}

/** Whether it is the end of the file as well, so that there is nothing to resume. */
function reachesEnd({ isWhole, exported }: Ended): boolean {
  const part = exported?.part
  return isWhole && (part === undefined || (part.of !== undefined && part.to === part.of - 1))
}

/**
 * Whether the transfer had twice what the file is long: who never takes the last bytes could have
 * the others again and again until the grant ends.
 */
function hadTwice({ transfer, exported }: Ended): boolean {
  const { bytes = 0, length = 0 } = exported ?? {}
  return length > 0 && (transfer.claim?.bytesBefore ?? 0) + bytes >= 2 * length
}

async function release(exchange: Exchange, services: Services, ended: Ended): Promise<void> {
  const { claim } = ended.transfer
  if (claim === undefined) return
  const isOver = isResumable(exchange)
    ? reachesEnd(ended) || hadTwice(ended)
    : isDone(exchange, ended)
  try {
    await claim.release(isOver)
  } catch (error) {
    services.log.warn(
      { decisionId: exchange.id, grant: exchange.grant?.id, err: error },
      'the end of a transfer was not told; it can be resumed later',
    )
  }
}

/**
 * Whether what is no download was done, or may have been: then its use is used up, although no byte
 * left. It was not when the upstream was not asked, could not be reached, or said no.
 */
function isDone({ upstreamHead, overheadMs }: Exchange, { refusal }: Ended): boolean {
  if (upstreamHead !== undefined) return upstreamHead.status < 400 || upstreamHead.status > 499
  if (overheadMs === undefined) return false
  return refusal?.reason !== 'upstream_connect' && refusal?.reason !== 'upstream_busy'
}

function resultOf({ isWhole, exported }: Ended): ExportResult {
  if (exported?.matched === false) return 'mismatch'
  if (!isWhole) return 'broken'
  return exported?.part === undefined ? 'whole' : 'part'
}
