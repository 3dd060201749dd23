/**
 * Appends to one Redis stream, over a connection of its own: what goes wrong with it, or takes long,
 * is no matter of what replicas share.
 */
import { createAsker, type AskerOptions } from './redis/asker.ts'
import { wholeFrom } from './redis/replies.ts'
import { SCRIPTS } from './redis/scripts.ts'

/** Which stream, and where. */
export interface RedisStreamOptions extends AskerOptions {
  /** Put behind the prefix: `<prefix>:stream:<name>`. */
  readonly stream: string
  /** About so many entries are kept; Redis drops the oldest. */
  readonly entriesMax: number
}

/** An entry: its fields and their values. */
export type StreamFields = readonly (readonly [name: string, value: string])[]

/** A stream that is appended to. */
export interface RedisStream {
  /**
   * Appends entries in their order, nobody else's between them. After a failure it is not known
   * which of them are there.
   * @throws ERR_STORE_UNAVAILABLE
   */
  append(entries: readonly StreamFields[]): Promise<void>
  /** Goes on with another URL. */
  connect(target: Pick<AskerOptions, 'target' | 'ca'>): void
  close(): void
}

/** Connects in the background; appending fails until Redis was reached. */
export function createRedisStream(options: RedisStreamOptions): RedisStream {
  const asker = createAsker(options)
  let isClosed = false
  const key = `${options.prefix}:stream:${options.stream}`
  return {
    async append(entries) {
      if (entries.length === 0) return
      const args = entries.flatMap((fields) => [String(fields.length), ...fields.flat()])
      const most = String(options.entriesMax)
      const appended = await asker.ask(SCRIPTS.append, [key], [most, ...args], wholeFrom)
      if (appended !== entries.length) throw new Error('entries are missing')
    },
    connect: (target) => asker.connect(target),
    close() {
      // A second time would wait for the end of a connection that has ended.
      if (!isClosed) asker.close()
      isClosed = true
    },
  }
}
