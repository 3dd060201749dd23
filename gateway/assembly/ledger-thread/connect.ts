/** Makes a ledger of the messages of the thread that writes it. */
import { errorOf } from '../../audit/thread/failure.ts'
import type { FromWriter, Port, ToWriter } from '../../audit/thread/messages.ts'
import { createThreadLedger, type ThreadLedger } from '../../audit/thread/thread-ledger.ts'
import type { Clock } from '../../domain/clock.ts'
import type { ErrorCode } from '../../domain/errors.ts'
import type { LedgerNotice } from './telemetry.ts'

/** The thread, as `node:worker_threads` has it. */
export interface WriterThread extends Port<ToWriter> {
  on(event: 'message', listener: (message: FromWriter | LedgerNotice) => void): unknown
  once(event: 'error', listener: (error: Error) => void): unknown
  once(event: 'exit', listener: (code: number) => void): unknown
  terminate(): Promise<unknown>
}

/** What else is done with what it says. */
export interface WriterEvents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  perform(notice: LedgerNotice): void
  /** It is gone, unasked, after the ledger was open; all who waited were told. */
  onLost(error: Error): void
}

/** Resolves when the thread has opened the ledger. Rejects with what kept it from it. */
export function connectWriter(thread: WriterThread, events: WriterEvents): Promise<ThreadLedger> {
  return new Promise((resolve, reject) => {
    let ledger: ThreadLedger | undefined
    let isOver = false
    const end = (): void => {
      isOver = true
      // Nothing it may still wait for is of use to anybody.
      void thread.terminate()
    }
    const gone = (error: Error): void => {
      if (isOver) return
      isOver = true
      reject(error)
      if (ledger === undefined) return
      ledger.lost(error)
      events.onLost(error)
    }
    thread.on('message', (message) => {
      if (message.kind === 'answer') ledger?.answered(message)
      else if (message.kind === 'opened') {
        resolve((ledger = createThreadLedger(message, thread, events.clock)))
      } else if (message.kind === 'refused') {
        end()
        reject(errorOf(message.why, message.code as ErrorCode))
      } else if (message.kind === 'closed') {
        end()
        ledger?.closed(message.head, message.why)
      } else events.perform(message)
    })
    thread.once('error', gone)
    thread.once('exit', (code) =>
      gone(new Error(`the thread that writes the ledger has ended (${code})`)),
    )
  })
}
