/**
 * The rules that one line must keep towards the line before it. Writer-independent: it looks at
 * bytes only, and both recovery at start and offline verification use it.
 */
import { isUtf8 } from 'node:buffer'
import { GENESIS_HASH, leafHash } from './record.ts'
import type { RawLine } from './lines.ts'

/** A position in the log: the record `seq` and its leaf hash, base64. */
export interface LogPosition {
  readonly seq: number
  readonly hash: string
}

/** A checked line, as the next one refers to it. */
export interface Link extends LogPosition {
  readonly log: string
  readonly boot: string
  readonly type: string
  /** `ts`, milliseconds since the epoch. */
  readonly at: number
}

/**
 * What is wrong with a log.
 * - `segment`: a file name does not fit what the file holds, or a file does not belong there
 * - `torn`: the very last line has no newline; the writer died or is writing now
 * - `grammar`: a line is not a record
 * - `sequence`: a number is missing, repeated or out of order
 * - `chain`: `prev` is not the hash of the line before: something was changed
 * - `boot`: a run of the process does not begin with `log.opened`, or misstates what it found
 * - `origin`: the line is of another log
 * - `anchor`: a position known from elsewhere holds another record
 * - `truncated`: the log ends before a position known from elsewhere
 */
export type ChainFaultClass =
  'segment' | 'torn' | 'grammar' | 'sequence' | 'chain' | 'boot' | 'origin' | 'anchor' | 'truncated'

/** The first thing wrong in a log. */
export interface ChainFault {
  readonly class: ChainFaultClass
  readonly file: string
  /** From 1; 0 when the fault is of the file as a whole. */
  readonly line: number
  /** The record that was expected there. */
  readonly seq: number
  readonly message: string
}

/** A fault of a line, before its place is known. */
export interface LineFault {
  readonly class: ChainFaultClass
  readonly message: string
}

// Every part has one way to match and a bound, so that no line can make it slow (I20).
const ENVELOPE = new RegExp(
  '^\\{"v":1,"log":"([A-Za-z0-9._:/-]{1,200})","seq":(\\d{1,16}),' +
    '"ts":"([\\d:.TZ+-]{24,27})","mono":"\\d{1,20}","boot":"([A-Za-z0-9-]{1,64})",' +
    '"prev":"([A-Za-z0-9+/]{43}=)","type":"([a-z][a-z0-9._-]{0,63})"[,}]',
)
/** The longest envelope: the sum of the bounds above. */
const ENVELOPE_BYTES_MAX = 600

/**
 * How closely a line is looked at. `link`: its envelope and its place in the chain. `record`: also
 * that all of it is valid JSON in UTF-8.
 */
export type Scrutiny = 'link' | 'record'

/**
 * Checks one complete line against the one before. `previous` is `undefined` for the first record
 * of a log, and `'unknown'` where reading starts in the middle: its number and `prev` are taken as
 * they are.
 */
export function checkLine(
  line: RawLine,
  previous: Link | 'unknown' | undefined,
  scrutiny: Scrutiny,
): Link | LineFault {
  const checked = check(line, previous, scrutiny)
  return 'link' in checked ? checked.link : checked
}

/** A record: how the next one refers to it, and what it says. */
export interface CheckedRecord {
  readonly link: Link
  readonly body: Readonly<Record<string, unknown>>
}

/** As {@link checkLine} does with all scrutiny; gives what was read for it, too. */
export function checkRecord(
  line: RawLine,
  previous: Link | 'unknown' | undefined,
): CheckedRecord | LineFault {
  return check(line, previous, 'record')
}

function check(
  line: RawLine,
  previous: Link | 'unknown' | undefined,
  scrutiny: Scrutiny,
): CheckedRecord | LineFault {
  if (line.overlong) return { class: 'grammar', message: 'the line is longer than a record' }
  const claims = parseClaims(line.bytes, scrutiny)
  if (claims === undefined) return { class: 'grammar', message: 'the line is not a record' }
  if (previous !== 'unknown') {
    const fault = checkSuccession(claims, previous)
    if (fault !== undefined) return fault
  }
  const { log, seq, boot, type, at, body } = claims
  return { link: { log, seq, boot, type, at, hash: leafHash(line.bytes) }, body }
}

/** Narrows the answer of {@link checkLine}. */
export function isFault(checked: Link | CheckedRecord | LineFault): checked is LineFault {
  return 'message' in checked
}

/** What a line says of itself. */
interface Claims extends Omit<Link, 'hash'> {
  readonly prev: string
  /** All of it, where that was read. */
  readonly body: Readonly<Record<string, unknown>>
}

function parseClaims(bytes: Buffer, scrutiny: Scrutiny): Claims | undefined {
  const envelope = ENVELOPE.exec(bytes.toString('latin1', 0, ENVELOPE_BYTES_MAX))
  if (envelope === null) return undefined
  const [, log = '', seq, ts = '', boot = '', prev = '', type = ''] = envelope
  const at = Date.parse(ts)
  if (Number.isNaN(at)) return undefined
  const claims = { log, seq: Number(seq), boot, type, at, prev }
  if (scrutiny === 'link' && type !== 'log.opened') return { ...claims, body: UNREAD }
  const body = parseObject(bytes)
  return body && { ...claims, body }
}

const UNREAD = {}

function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  if (!isUtf8(bytes)) return undefined
  try {
    return JSON.parse(bytes.toString('utf8')) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}

function checkSuccession(claims: Claims, previous: Link | undefined): LineFault | undefined {
  const expectedSeq = previous === undefined ? 0 : previous.seq + 1
  if (claims.seq !== expectedSeq) {
    return { class: 'sequence', message: `record ${claims.seq} where ${expectedSeq} belongs` }
  }
  if (claims.prev !== (previous?.hash ?? GENESIS_HASH)) {
    return { class: 'chain', message: 'prev is not the hash of the record before' }
  }
  if (previous !== undefined && claims.log !== previous.log) {
    return { class: 'origin', message: `the record is of log ${claims.log}, not ${previous.log}` }
  }
  return checkBoot(claims, previous)
}

function checkBoot(claims: Claims, previous: Link | undefined): LineFault | undefined {
  const opens = claims.type === 'log.opened'
  if (opens !== (claims.boot !== previous?.boot)) {
    return { class: 'boot', message: 'a run must begin with log.opened, once' }
  }
  if (opens && !statesPrevious(claims.body['previous'], previous)) {
    return { class: 'boot', message: 'log.opened misstates the record before it' }
  }
  return undefined
}

function statesPrevious(stated: unknown, previous: Link | undefined): boolean {
  if (previous === undefined || stated === null || typeof stated !== 'object') {
    return previous === undefined && stated === null
  }
  const { seq, hash } = stated as Readonly<Record<string, unknown>>
  return seq === previous.seq && hash === previous.hash
}
