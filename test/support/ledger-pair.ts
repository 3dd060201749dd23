/** Both ends of a ledger in a thread, in one thread: messages are copied, and come a turn later. */
import { connectWriter, type WriterThread } from '../../gateway/assembly/ledger-thread/connect.ts'
import type { LedgerNotice } from '../../gateway/assembly/ledger-thread/telemetry.ts'
import { failureOf } from '../../gateway/audit/thread/failure.ts'
import type { FromWriter, ToWriter } from '../../gateway/audit/thread/messages.ts'
import type { ThreadLedger } from '../../gateway/audit/thread/thread-ledger.ts'
import { createThreadServer, type ThreadServer } from '../../gateway/audit/thread/thread-server.ts'
import { systemClock, type Clock } from '../../gateway/domain/clock.ts'
import type { SegmentLedger } from '../../gateway/audit/ledger.ts'

type Said = FromWriter | LedgerNotice

/** A thread that is none. */
export interface FakeThread extends WriterThread {
  readonly asked: ToWriter[]
  readonly said: Said[]
  readonly isTerminated: boolean
  say(message: Said): void
  fail(error: Error): void
  exit(code: number): void
}

/** A thread that does with every message what `receive` does. */
export function fakeThread(receive: (message: ToWriter) => void = () => undefined): FakeThread {
  const listeners: { message?: (said: Said) => void } = {}
  const once: { error?: (error: Error) => void; exit?: (code: number) => void } = {}
  const [asked, said]: [ToWriter[], Said[]] = [[], []]
  let isTerminated = false
  return {
    asked,
    said,
    get isTerminated() {
      return isTerminated
    },
    postMessage(message) {
      const copy = structuredClone(message)
      asked.push(copy)
      setImmediate(() => receive(copy))
    },
    say(message) {
      const copy = structuredClone(message)
      said.push(copy)
      setImmediate(() => listeners.message?.(copy))
    },
    fail: (error) => once.error?.(error),
    exit: (code) => once.exit?.(code),
    on: (event, listener) => void (listeners[event] = listener),
    once: (event: 'error' | 'exit', listener: (what: never) => void) => {
      Object.assign(once, { [event]: listener })
    },
    terminate() {
      isTerminated = true
      return Promise.resolve()
    },
  }
}

/** `ledger` as the thread of the requests has it. */
export async function overThread(
  ledger: Promise<SegmentLedger>,
  lost: Error[] = [],
  clock: Pick<Clock, 'monotonicMs'> = systemClock,
): Promise<{
  readonly thread: FakeThread
  readonly server: ThreadServer
  readonly remote: ThreadLedger
}> {
  let server: ThreadServer | undefined
  const thread = fakeThread((message) => {
    if (message.kind === 'append') server?.append(message.batch, message.records)
    else if (message.kind === 'close') void server?.close()
  })
  const connected = connectWriter(thread, {
    clock,
    perform: () => undefined,
    onLost: (error) => void lost.push(error),
  })
  await ledger.then(
    (own) => {
      server = createThreadServer(own, { postMessage: (message) => thread.say(message) })
      thread.say({ kind: 'opened', head: own.head(), healthy: own.healthy })
    },
    (error: unknown) =>
      thread.say({ kind: 'refused', code: 'ERR_AUDIT_UNAVAILABLE', why: failureOf(error) }),
  )
  const remote = await connected
  if (server === undefined) throw new Error('a ledger that was opened is served')
  return { thread, server, remote }
}
