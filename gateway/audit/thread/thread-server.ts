/**
 * The ledger as the thread of the writer serves it: takes batches in the order they come, and answers
 * once for everything that was settled in one turn.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { PreparedRecord } from '../line/prepared.ts'
import type { SegmentLedger } from '../writer/ledger-options.ts'
import { failureOf } from './failure.ts'
import { WAITS, type Answer, type Failure, type FromWriter, type Port } from './messages.ts'

/** See the head of this file. */
export interface ThreadServer {
  /** Appends the records of one message. Never throws. */
  append(batch: number, records: readonly (string | number)[]): void
  /** Tells how the ledger is, when that has changed since the last answer. */
  tell(): void
  /** Closes the ledger and says how that went. Never rejects. */
  close(): Promise<void>
}

type Collected = {
  -readonly [K in 'written' | 'failed' | 'settled']: Answer[K][number][]
}

/** Serves `ledger` to the other end of `port`. */
export function createThreadServer(
  ledger: Pick<SegmentLedger, 'append' | 'appendNow' | 'head' | 'healthy' | 'close'>,
  port: Port<FromWriter>,
): ThreadServer {
  let waitingForDisk = 0
  let collected: Collected | undefined
  let told = { seq: Number.NaN, healthy: true }

  const answer = (): void => {
    const { written, failed, settled } = collected ?? NOTHING
    collected = undefined
    const { healthy } = ledger
    const head = ledger.head()
    told = { seq: head.seq, healthy }
    port.postMessage({ kind: 'answer', written, failed, settled, head, healthy })
  }
  /** What is settled in one turn is told at its end: a message costs more than what is in it. */
  const collect = (): Collected => {
    if (collected !== undefined) return collected
    queueMicrotask(() => queueMicrotask(answer))
    return (collected = { written: [], failed: [], settled: [] })
  }
  const appendToDisk = (record: PreparedRecord): void => {
    const number = waitingForDisk++
    ledger.append(record, 'disk').then(
      () => collect().settled.push([number, undefined]),
      (error: unknown) => collect().settled.push([number, failureOf(error)]),
    )
  }
  return {
    append(batch, records) {
      const waits = new Map<Promise<void>, number[]>()
      for (let at = 0; at < records.length; at += 3) {
        const record = new PreparedRecord(String(records[at]), String(records[at + 1]))
        const wait = records[at + 2]
        if (wait === WAITS.disk) appendToDisk(record)
        else if (wait === WAITS.kernel) noted(waits, ledger.append(record, 'kernel'), at / 3)
        else ledger.appendNow(record)
      }
      // A record that fails alone, such as one of a person whose key cannot be read, fails no other.
      const settled = [...waits].map(([wait, places]) =>
        wait.catch((error: unknown) => {
          const why = failureOf(error)
          for (const place of places) collect().failed.push([batch, place, why])
        }),
      )
      void Promise.all(settled).then(() => collect().written.push(batch))
    },
    tell() {
      if (told.seq !== ledger.head().seq || told.healthy !== ledger.healthy) collect()
    },
    async close() {
      let why: Failure | undefined
      try {
        await ledger.close()
      } catch (error) {
        why = failureOf(error)
      }
      // What was settled by the end is told of before it: nobody is refused what is on disk.
      await nextTurn()
      port.postMessage({ kind: 'closed', head: ledger.head(), why })
    },
  }
}

/** Records that went in together share a promise. */
function noted(waits: Map<Promise<void>, number[]>, wait: Promise<void>, place: number): void {
  const places = waits.get(wait)
  if (places === undefined) waits.set(wait, [place])
  else places.push(place)
}

const NOTHING: Collected = { written: [], failed: [], settled: [] }
