/** One record as a message of RFC 5424, framed by octet counting (RFC 6587 §3.4.1, RFC 5425 §4.3). */
import { textIn } from '../formats/fields.ts'
import type { Outgoing } from './sink-port.ts'

/** Who speaks. */
export interface SyslogSender {
  /** RFC 5424 §6.2.1. */
  readonly facility: number
  /** Name of the machine. */
  readonly host: string
}

const BOM = '\ufeff'

/**
 * `<length> <PRI>1 TIMESTAMP HOSTNAME modelgate PROCID MSGID - MSG`: PROCID is the id of the run,
 * MSGID the type of the record, MSG the line, after a BOM when it is not ASCII (§6.4).
 */
export function syslogFrame(record: Outgoing, { facility, host }: SyslogSender): string {
  const { ts, boot, type, line } = record
  const priority = facility * 8 + severityOf(record)
  const head = `<${priority}>1 ${ts} ${hostName(host)} modelgate ${boot} ${type.slice(0, 32)} -`
  const bytes = Buffer.byteLength(line)
  const message = `${head} ${bytes === line.length ? '' : BOM}${line}`
  return `${Buffer.byteLength(message)} ${message}`
}

const SEVERITIES = { critical: 2, error: 3, warning: 4, notice: 5, informational: 6 } as const

const OF_TYPES: Readonly<Record<string, number | undefined>> = {
  incident: SEVERITIES.critical,
  'log.degraded': SEVERITIES.error,
  'log.gap.accepted': SEVERITIES.error,
  'sink.dropped': SEVERITIES.error,
  'log.recovered': SEVERITIES.warning,
  'clock.step': SEVERITIES.warning,
  'protocol.rejected': SEVERITIES.warning,
}

function severityOf({ type, record }: Outgoing): number {
  const known = Object.hasOwn(OF_TYPES, type) ? OF_TYPES[type] : undefined
  if (known !== undefined) return known
  const isDenied = type.startsWith('decision') && textIn(record, 'effect') === 'deny'
  return isDenied ? SEVERITIES.notice : SEVERITIES.informational
}

/** PRINTUSASCII, 1 to 255 (§6.2.4). */
function hostName(host: string): string {
  const plain = host.replace(/[^\x21-\x7e]/g, '?').slice(0, 255)
  return plain === '' ? '-' : plain
}
