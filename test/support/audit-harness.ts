/** A log in a directory of its own, with pinned time and a file system that fails on demand. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemFiles, type FilePort } from '../../gateway/audit/files/file-port.ts'
import { openLedger } from '../../gateway/audit/ledger.ts'
import type { LedgerEvent, LedgerOptions, SegmentLedger } from '../../gateway/audit/ledger.ts'
import type { LedgerRecord } from '../../gateway/domain/ports.ts'

export const NOON = Date.parse('2026-11-21T12:00:00.000Z')

/** A directory removed by {@link removeDirectories}. */
export function newDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'modelgate-audit-'))
  directories.push(dir)
  return join(dir, 'audit')
}

const directories: string[] = []

export function removeDirectories(): void {
  for (const dir of directories.splice(0)) rmSync(dir, { recursive: true, force: true })
}

/** A clock that stands still until it is moved. */
export function fakeClock() {
  const clock = {
    wall: NOON,
    mono: 5_000,
    now: () => clock.wall,
    monotonicMs: () => clock.mono,
    advance: (ms: number) => {
      clock.wall += ms
      clock.mono += ms
    },
  }
  return clock
}

/** Timers that run when told to. */
export function fakeSchedule() {
  const due: { at: number; run: () => void }[] = []
  return {
    due,
    schedule: (delayMs: number, run: () => void) => {
      const entry = { at: delayMs, run }
      due.push(entry)
      return () => {
        const index = due.indexOf(entry)
        if (index !== -1) due.splice(index, 1)
      }
    },
    /** Runs what is due now, and not what that schedules. */
    fire: () => {
      for (const { run } of due.splice(0)) run()
    },
  }
}

export interface Harness {
  readonly dir: string
  readonly clock: ReturnType<typeof fakeClock>
  readonly timers: ReturnType<typeof fakeSchedule>
  readonly events: LedgerEvent[]
  readonly open: (more?: Partial<LedgerOptions>) => Promise<SegmentLedger>
}

export function harness(dir = newDirectory()): Harness {
  const clock = fakeClock()
  const timers = fakeSchedule()
  const events: LedgerEvent[] = []
  let boots = 0
  const open = (more: Partial<LedgerOptions> = {}) =>
    openLedger({
      dir,
      log: 'test/audit/n1',
      bootId: `boot-${++boots}`,
      owner: { pid: 1000 + boots, host: 'here', isAlive: () => false },
      clock,
      segmentBytesMax: 1024 * 1024,
      versions: { node: 'v20.19.0' },
      outwaitMs: 0,
      schedule: timers.schedule,
      onEvent: (event) => events.push(event),
      ...more,
    })
  return { dir, clock, timers, events, open }
}

export function note(id: string): LedgerRecord {
  return { type: 'decision', fields: { id, effect: 'permit' } }
}

/** Names of the files of the log, sorted. */
export function segmentNames(dir: string): string[] {
  return readdirSync(join(dir, 'seg')).sort()
}

/** Every line of every segment, parsed. */
export function storedRecords(dir: string): Record<string, unknown>[] {
  return segmentNames(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) =>
      readFileSync(join(dir, 'seg', name), 'utf8')
        .split('\n')
        .slice(0, -1),
    )
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** Rewrites the bytes of a segment, the last one by default. */
export function tamper(dir: string, change: (bytes: Buffer) => Uint8Array, index = -1): string {
  const names = segmentNames(dir).filter((name) => name.endsWith('.jsonl'))
  const path = join(dir, 'seg', names.at(index) ?? '')
  writeFileSync(path, change(readFileSync(path)))
  return path
}

export function errno(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code })
}

/** The real file system, with calls replaced while `faults` names them. */
export function faultyFiles() {
  const faults: Partial<FilePort> = {}
  const calls: string[] = []
  const files = new Proxy(systemFiles, {
    get: (target, name: keyof FilePort, receiver): unknown => {
      calls.push(name)
      return Reflect.get(name in faults ? faults : target, name, receiver)
    },
  })
  return { files, faults, calls }
}
