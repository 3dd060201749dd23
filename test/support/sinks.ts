/** A ledger that is only files, an outlet that fails on demand, and a sink between them. */
import { mkdirSync, readFileSync, writeFileSync, appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { leafHash, serializeRecord, GENESIS_HASH } from '../../gateway/audit/line/record.ts'
import type { LogPosition } from '../../gateway/audit/line/chain.ts'
import type { Outgoing, Outlet, SinkEvent } from '../../gateway/audit/sinks/sink-port.ts'
import { startSinks, type SinkOptions, type Sinks } from '../../gateway/audit/sinks/sinks.ts'
import type { LedgerRecord } from '../../gateway/domain/ports.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { newDirectory } from './audit-harness.ts'

/** Time to drain in, of which a sink here takes a hundredth for real. */
export const PLENTY_MS = 400_000

/** A log whose segments are written here, with a new one every `perSegment` records. */
export function fileLog(perSegment = 1_000) {
  const dir = newDirectory()
  const seg = join(dir, 'seg')
  mkdirSync(seg, { recursive: true, mode: 0o700 })
  let last: LogPosition = { seq: -1, hash: GENESIS_HASH }
  let path = ''
  const add = (record: LedgerRecord): void => {
    const seq = last.seq + 1
    if (seq % perSegment === 0) path = join(seg, `${String(seq).padStart(16, '0')}.jsonl`)
    const at = { log: 'test/audit/n1', ts: '2026-11-21T12:00:00.000Z', monotonicMs: 1, boot: 'b1' }
    const line = serializeRecord({ ...at, seq, prev: last.hash }, record)
    appendFileSync(path, `${line}\n`)
    last = { seq, hash: leafHash(Buffer.from(line)) }
  }
  add({ type: 'log.opened', fields: { previous: null } })
  return {
    dir,
    add,
    addMany: (count: number, fields: LedgerRecord['fields'] = {}) => {
      for (let i = 0; i < count; i++) add({ type: 'decision', fields: { id: `r${i}`, ...fields } })
    },
    head: () => last,
    append: (record: LedgerRecord) => {
      add(record)
      return Promise.resolve()
    },
  }
}

export type FileLog = ReturnType<typeof fileLog>

const noFault: (batch: readonly Outgoing[]) => Error | undefined = () => undefined

/** Takes records, or throws what `fault` gives. */
export function memoryOutlet(more: Partial<Outlet> = {}) {
  const got: Outgoing[] = []
  const state = {
    got,
    batches: [] as number[],
    fault: noFault,
    /** The numbers of what came, in order. */
    seqs: () => got.map(({ seq }) => seq),
  }
  const outlet: Outlet = {
    recordsMax: 10,
    settleMs: 0,
    deliver: (batch) => {
      const fault = state.fault(batch)
      if (fault !== undefined) return Promise.reject(fault)
      state.batches.push(batch.length)
      got.push(...batch)
      return Promise.resolve()
    },
    close: () => Promise.resolve(true),
    ...more,
  }
  return { ...state, state, outlet }
}

/** A sink over a log, with everything it tells. */
export function startSink(log: FileLog, outlet: Outlet, more: Partial<SinkOptions> = {}) {
  const events: SinkEvent[] = []
  const waiting = new Set<() => void>()
  const sink = { name: 'siem', whenFull: 'drop', lagMax: 1_000, filter: {}, mask: [] } as const
  const sinks = startSinks({
    dir: log.dir,
    ledger: log,
    clock: systemClock,
    sinks: [{ ...sink, outlet, ...more }],
    // Back-off and polling at a hundredth of their length.
    schedule: (ms, run) => {
      const timer = setTimeout(run, ms / 100)
      return () => clearTimeout(timer)
    },
    random: () => 0.5,
    onEvent: (event) => {
      events.push(event)
      for (const look of waiting) look()
    },
  })
  running.push(sinks)
  /** Resolves once an event is such. */
  const until = (isSo: (event: SinkEvent) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (events.some(isSo)) resolve()
      }
      waiting.add(look)
      look()
    })
  return { sinks, events, until, lag: () => sinks.lags().get('siem') }
}

const running: Sinks[] = []

/** Ends what {@link startSink} started. */
export async function stopSinks(): Promise<void> {
  await Promise.all(running.splice(0).map((sinks) => sinks.stop(0)))
}

export function cursorOf(dir: string, name = 'siem'): unknown {
  return JSON.parse(readFileSync(join(dir, 'cursors', `${name}.json`), 'utf8'))
}

export function writeCursor(dir: string, position: unknown, name = 'siem'): void {
  mkdirSync(join(dir, 'cursors'), { recursive: true })
  writeFileSync(join(dir, 'cursors', `${name}.json`), JSON.stringify(position))
}

/** 0, 1, 2, … */
export function upTo(end: number, from = 0): number[] {
  return Array.from({ length: end - from + 1 }, (_, i) => from + i)
}
