/**
 * Keys that begin with it never end by themselves: nobody has to look whether they are over, and what
 * is long may be under one.
 */
export const KEPT_PREFIX = 'j'

/** Reads what was there at one moment. */
export interface Reader {
  /** What was put under `key`, as it was; absent when nothing or when it is over. */
  get(key: string): unknown
}

/** One transaction: nobody else's reads or writes come between its own. */
export interface Transaction extends Reader {
  /**
   * `expiresAt`: milliseconds since the epoch after which the value may be dropped; under a key that
   * begins with {@link KEPT_PREFIX} it never is.
   */
  put(key: string, value: unknown, expiresAt: number): void
  remove(key: string): void
  /** Keys and values of all keys that begin with `prefix`. */
  entries(prefix: string): Iterable<readonly [string, unknown]>
}

/** Keys and values. */
export interface KeyValues {
  /**
   * Runs `work` once, alone. `durable`: resolves only when what it wrote survives a crash.
   * @throws ERR_STORE_UNAVAILABLE
   */
  transact<T>(durable: boolean, work: (transaction: Transaction) => T): Promise<T>
  /**
   * Runs `work` once, on what was written last when it began. Waits for no writer.
   * @throws ERR_STORE_UNAVAILABLE
   */
  read<T>(work: (reader: Reader) => T): Promise<T>
}
