/** The connections of one store: for asks in general, for what must last, for what is large. */
import { unavailable } from '../unavailable.ts'
import { createAsker, type Asker, type AskerOptions } from './asker.ts'
import type { ReplicaWait } from './client.ts'

/** Longest wait for an answer that is large; milliseconds. */
const BULK_MS = 10_000

/** All askers of a store. */
export interface Askers {
  readonly asker: Asker
  /** The same as `asker` where no replica is waited for: WAIT holds up what comes behind it. */
  readonly lasting: Asker
  /** Resolves when it is connected. @throws ERR_STORE_UNAVAILABLE */
  readonly bulk: () => Promise<Asker>
  readonly isUp: boolean
  whenUp(): Promise<void>
  connect(target: Pick<AskerOptions, 'target' | 'ca'>): void
  close(): void
}

/** What {@link createAskers} needs; `wait` is for what must last alone. */
export type AskersOptions = Omit<AskerOptions, 'wait'> & { readonly wait?: ReplicaWait }

/** Connects; the connection for what is large is made when it is first asked for. */
export function createAskers({ wait, onEvent, ...silent }: AskersOptions): Askers {
  const asker = createAsker({ ...silent, ...(onEvent === undefined ? {} : { onEvent }) })
  const lasting =
    wait === undefined
      ? asker
      : createAsker({ ...silent, wait, commandTimeoutMs: silent.commandTimeoutMs + wait.timeoutMs })
  let there: Pick<AskerOptions, 'target' | 'ca'> = silent
  let large: Asker | undefined
  let isClosed = false
  const each = (work: (one: Asker) => void): void => {
    for (const one of new Set([asker, lasting, ...(large === undefined ? [] : [large])])) work(one)
  }
  return {
    asker,
    lasting,
    async bulk() {
      if (isClosed) throw unavailable('it is closed')
      large ??= createAsker({ ...silent, ...there, commandTimeoutMs: BULK_MS })
      await reached(large, silent.connectTimeoutMs)
      return large
    },
    get isUp() {
      return asker.isUp && lasting.isUp
    },
    async whenUp() {
      await Promise.all([asker.whenUp(), lasting.whenUp()])
    },
    connect(target) {
      there = target
      each((one) => one.connect(target))
    },
    close() {
      isClosed = true
      each((one) => one.close())
    },
  }
}

/** Resolves when `asker` was reached, or when the time is over: then what it is asked fails. */
async function reached(asker: Asker, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs)
  })
  await Promise.race([asker.whenUp(), over])
  clearTimeout(timer)
}
