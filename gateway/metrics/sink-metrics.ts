/** What is counted of the sinks of the ledger; `sink`: its name in the config. */
import type { Families } from './families.ts'

/** Methods about sinks. */
export interface SinkMetrics {
  /** Records of the ledger that a sink has not sent, and whether permits are refused for it. */
  auditSinkLag(sink: string, records: number, isBlocking: boolean): void
  auditSinkSent(sink: string, records: number): void
  /** An attempt of a sink failed. */
  auditSinkError(sink: string): void
  auditSinkDropped(sink: string, records: number): void
}

/** Counts in `families`. */
export function sinkMethods(families: Families): SinkMetrics {
  return {
    auditSinkLag(sink, records, isBlocking) {
      families.auditSinkLag.at(sink).value = records
      families.auditSinkBlocking.at(sink).value = isBlocking ? 1 : 0
    },
    auditSinkSent: (sink, records) => void (families.auditSinkSent.at(sink).value += records),
    auditSinkError: (sink) => void (families.auditSinkErrors.at(sink).value += 1),
    auditSinkDropped: (sink, records) => void (families.auditSinkDropped.at(sink).value += records),
  }
}
