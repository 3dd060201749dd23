/** Outlets over a function that answers for what it is given: standard output, a Redis stream. */
import { unlessAborted } from './aborts.ts'
import type { Outlet } from './sink-port.ts'

/** Writes whole lines, each with its newline; `done` is called once, when they are written or lost. */
export type WriteLines = (text: string, done: (error?: Error) => void) => void

/** One entry of a stream. */
export interface StreamEntry {
  readonly seq: number
  readonly type: string
  /** Leaf hash of the line in the ledger, base64. */
  readonly leaf: string
  readonly line: string
}

/** Appends entries in order, all or none. @throws ERR_STORE_UNAVAILABLE */
export type AppendEntries = (entries: readonly StreamEntry[]) => Promise<void>

const LINES_MAX = 100
const ENTRIES_MAX = 100

/** One line for each record, as the ledger has it. */
export function createLinesOutlet(write: WriteLines): Outlet {
  return {
    recordsMax: LINES_MAX,
    settleMs: 0,
    deliver: (batch, signal) => {
      const text = batch.map(({ line }) => `${line}\n`).join('')
      const written = new Promise<void>((resolve, reject) => {
        write(text, (error) => {
          if (error === undefined) resolve()
          else reject(error)
        })
      })
      return unlessAborted(written, signal)
    },
    close: () => Promise.resolve(true),
  }
}

/** One entry for each record, with the fields `seq`, `type`, `leaf`, `record`. */
export function createStreamOutlet(append: AppendEntries): Outlet {
  return {
    recordsMax: ENTRIES_MAX,
    settleMs: 0,
    deliver: (batch, signal) => {
      const entries = batch.map(({ seq, type, hash, line }) => ({ seq, type, leaf: hash, line }))
      return unlessAborted(append(entries), signal)
    },
    close: () => Promise.resolve(true),
  }
}
