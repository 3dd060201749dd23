import type { LedgerEvent } from '../audit/ledger.ts'
import type { AuthnEvent } from '../authn/events.ts'
import type { Clock } from '../domain/clock.ts'
import type { LedgerRecord } from '../domain/ports.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'

/** Tells log and metrics what happened to the files of the ledger. */
export function ledgerEvents(
  log: Pick<Logger, 'info' | 'warn' | 'error'>,
  metrics: Pick<Metrics, 'auditError'>,
): (event: LedgerEvent) => void {
  return (event) => {
    switch (event.type) {
      case 'failed':
        metrics.auditError()
        log.error(
          { file: event.file, operation: event.operation, err: event.error },
          'the ledger cannot be written',
        )
        return
      case 'reopened':
        log.warn({ file: event.file, refused: event.refused }, 'the ledger can be written again')
        return
      case 'torn':
        log.warn({ file: event.file, bytes: event.bytes }, 'a half-written record was moved aside')
        return
      case 'rotated':
        log.info({ file: event.file }, 'a ledger segment was closed')
        return
      case 'unsigned':
        metrics.auditError()
        log.error(
          { operation: event.operation, err: event.error },
          'the checkpoints or the upkeep of the ledger fail',
        )
        return
      case 'no-reserve':
        log.error({ err: event.error }, 'there is no room for the reserve of the ledger')
        return
      case 'tiles-mended':
        log.warn({ tiles: event.tiles }, 'tiles that did not fit the signed records were replaced')
        return
      case 'pruned': {
        const { first, last, bytes } = event
        log.info({ first, last, bytes }, 'records older than audit.retention were removed')
        return
      }
      case 'lock-taken-over':
        log.warn(
          { pid: event.pid, host: event.host },
          'the ledger lock of a process that is gone was taken over',
        )
    }
  }
}

/** Tells log, metrics and ledger what happened to the keys of issuers. */
export function authnEvents(deps: {
  readonly log: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  append(record: LedgerRecord): void
}): (event: AuthnEvent) => void {
  const { log, metrics, clock } = deps
  return (event) => {
    switch (event.type) {
      case 'keys_fetched':
        metrics.jwksFetch(event.issuer, { result: 'success', keys: event.keys, at: clock.now() })
        log.debug({ ...event }, 'keys fetched')
        return
      case 'keys_failed':
        metrics.jwksFetch(event.issuer, { result: 'failure' })
        log.warn({ ...event }, 'keys could not be fetched; the last good ones stay')
        return
      case 'keys_changed': {
        const { issuer, generation, added, removed } = event
        log.info({ ...event }, 'the keys of an issuer changed')
        deps.append({ type: 'jwks.changed', fields: { issuer, generation, added, removed } })
        return
      }
      case 'keys_stale':
        log.error({ ...event }, 'keys are too old to be used; tokens of this issuer are refused')
        return
      case 'names_dropped':
        log.warn({ ...event }, 'group or role names that rules cannot name were left out')
        return
      case 'header_refused':
        log.warn({ ...event }, 'a token tried to bring its own key or semantics')
    }
  }
}
