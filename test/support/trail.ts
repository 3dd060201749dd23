/** Logs with many records, written as the gateway writes them but without its clock and its disk syncs. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { segmentDirectory, segmentPath } from '../../gateway/audit/files/segments.ts'
import { GENESIS_HASH, leafHash, serializeRecord } from '../../gateway/audit/line/record.ts'
import type { LedgerRecord } from '../../gateway/domain/ports.ts'

/** A record and when it was made, milliseconds since the epoch. */
export interface TimedRecord extends LedgerRecord {
  readonly at: number
}

/** How a log is cut into segments. */
export interface TrailOptions {
  readonly dir: string
  /** A new segment is begun past so many records. */
  readonly segmentRecords: number
}

const FLUSH_CHARS = 4 * 1024 * 1024

/** Writes the records as one log, each linked to the one before. @returns bytes written */
export function writeTrail(
  records: Iterable<TimedRecord>,
  { dir, segmentRecords }: TrailOptions,
): number {
  mkdirSync(segmentDirectory(dir), { recursive: true, mode: 0o700 })
  let [fd, seq, bytes] = [-1, 0, 0]
  let prev = GENESIS_HASH
  let waiting = ''
  const flush = () => {
    if (waiting !== '') bytes += writeSync(fd, waiting)
    waiting = ''
  }
  for (const { at, ...record } of records) {
    if (seq % segmentRecords === 0) {
      flush()
      if (fd !== -1) closeSync(fd)
      fd = openSync(segmentPath(dir, seq), 'ax', 0o600)
    }
    const ts = new Date(at).toISOString()
    const stamp = { log: 'test/audit/n1', seq, ts, monotonicMs: seq, boot: 'boot-1', prev }
    const line = serializeRecord(stamp, record)
    prev = leafHash(line)
    waiting += `${line}\n`
    if (waiting.length > FLUSH_CHARS) flush()
    seq += 1
  }
  flush()
  if (fd !== -1) closeSync(fd)
  return bytes
}

/** The folder of indexes of the log in `dir`. */
export function indexFolder(dir: string): string {
  return join(dir, 'index')
}

export const TRAIL_START = Date.parse('2026-07-01T00:00:00.000Z')

/** Who asks, of so many. */
export const caller = (at: number): string => `user:corp/person-${at}`

const DAY_MS = 86_400_000

/**
 * So many requests over `days` days: a decision and, when it was permitted, its outcome; now and then
 * an export, a refusal, a request for two models. The same number gives the same records.
 */
export function* madeUpTrail(
  requests: number,
  { callers = 1000, days = 90 }: { readonly callers?: number; readonly days?: number } = {},
): Generator<TimedRecord, void> {
  const stepMs = (days * DAY_MS) / requests
  for (let n = 0; n < requests; n++) {
    const at = Math.floor(TRAIL_START + n * stepMs)
    const id = idOf(n)
    yield { at, ...decision(n, callers, at) }
    if (n % 20 === 7) continue
    yield {
      at,
      type: 'outcome',
      fields: {
        id,
        status: 200,
        ended_by: 'upstream',
        bytes_in: 310,
        bytes_out: 180 + (n % 977),
        ms: 12.5,
      },
    }
    if (n % 1000 === 3) yield { at, ...exported(n, callers) }
  }
}

/** The id of request `n`, as unlike its neighbours as a random one. */
export function idOf(n: number): string {
  const hex = (Math.imul(n + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')
  return `${hex}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
}

/** Who makes request `n`. */
export const callerOf = (n: number, callers: number): number => (n * 7919) % callers

function decision(n: number, callers: number, at: number): LedgerRecord {
  const isDenied = n % 20 === 7
  const isExport = n % 1000 === 3
  const who = callerOf(n, callers)
  const act = isExport ? 'export' : n % 10 === 0 ? 'read' : 'infer'
  const models = n % 100 === 50 ? [n % 37, (n + 1) % 37] : [n % 37]
  const reason = isDenied ? (n % 40 === 7 ? 'no_permission' : 'locked_out') : undefined
  const effect = isDenied ? 'deny' : 'permit'
  return {
    type: 'decision',
    fields: {
      id: idOf(n),
      effect,
      reason,
      stage: isDenied ? 'decide' : undefined,
      sub: caller(who),
      iss: 'https://login.example.com/corp',
      jti: `t-${who}-${n % 16}`,
      client: 'notebook',
      groups: ['group:corp/data-science', `group:corp/team-${who % 12}`],
      roles: ['role:scientist'],
      iat: 1_782_864_000,
      exp: 1_782_867_600,
      upstream: 'kserve',
      pack: 'kserve',
      route: 'POST /v2/models/{model}/infer',
      ops: models.map((model) => ({
        act,
        res: `model:m-${model}@${n % 3}`,
        effect,
        reason,
        rule: 'policy.csv:12',
      })),
      rule: 'policy.csv:12',
      pol: 'sha256:4f0c1b0b9f5a3f7c6d1e2a8b90c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9',
      cfg: 'sha256:0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9',
      lock: reason === 'locked_out' ? idOf(n - (n % 4000)) : undefined,
      meth: 'POST',
      path: `/v2/models/m-${n % 37}/infer`,
      ip: `10.${who % 4}.${(who >> 2) % 256}.${who % 251}`,
      ipsrc: 'peer',
      env: {
        now: new Date(at).toISOString(),
        mfa: true,
        grant: isExport ? { id: `grant-${who % 50}`, exp: at + DAY_MS } : undefined,
      },
    },
  }
}

function exported(n: number, callers: number): LedgerRecord {
  const who = callerOf(n, callers)
  return {
    type: 'export',
    fields: {
      id: idOf(n),
      sub: caller(who),
      res: `model:m-${n % 37}@${n % 3}`,
      ver: String(n % 3),
      ip: '10.0.0.1',
      status: 200,
      bytes: 1_000_000 + n,
      sha256: 'ab'.repeat(32),
      grant: `grant-${who % 50}`,
      by: ['user:corp/approver-1', 'user:corp/approver-2'],
      complete: true,
      ended_by: 'upstream',
      ms: 900,
    },
  }
}
