/** The shared state of one process, for tests, the demo and what has no replicas; nothing is kept. */
import type { Clock } from '../domain/clock.ts'
import type { SharedStore } from '../domain/shared-state.ts'
import type { KeyValues, Transaction } from './key-values.ts'
import type { StoreContents } from './contents.ts'
import { createLocalContents } from './journal/local-contents.ts'
import { createLocalStore } from './local-store.ts'

/** Entries looked at for being over, for each one written. */
const SWEPT_AT_ONCE = 4

interface Entry {
  readonly value: unknown
  readonly expiresAt: number
}

/** A store in memory. */
export interface MemoryStore extends SharedStore {
  readonly contents: StoreContents
}

/** A store in the memory of this process. Never fails; after `close` it is empty. */
export function createMemoryStore({ clock }: { readonly clock: Clock }): MemoryStore {
  const entries = new Map<string, Entry>()
  const now = (): number => clock.now()
  const transaction = transactionOn(entries, now)
  const values: KeyValues = {
    // One turn of the event loop is a transaction: nothing can come between.
    transact: async (_durable, work) => Promise.resolve(work(transaction)),
    read: async (work) => Promise.resolve(work(transaction)),
  }
  return {
    ...createLocalStore(values, now),
    contents: createLocalContents(values),
    kind: 'memory',
    healthy: true,
    close() {
      entries.clear()
      return Promise.resolve()
    },
  }
}

function transactionOn(entries: Map<string, Entry>, now: () => number): Transaction {
  let sweep = entries.entries()
  const sweepSome = (): void => {
    for (let i = 0; i < SWEPT_AT_ONCE; i++) {
      const next = sweep.next()
      if (next.done === true) {
        sweep = entries.entries()
        return
      }
      const [key, { expiresAt }] = next.value
      if (expiresAt <= now()) entries.delete(key)
    }
  }
  return {
    get(key) {
      const entry = entries.get(key)
      return entry !== undefined && entry.expiresAt > now() ? entry.value : undefined
    },
    put(key, value, expiresAt) {
      entries.set(key, { value, expiresAt })
      sweepSome()
    },
    remove: (key) => void entries.delete(key),
    *entries(prefix) {
      for (const [key, { value, expiresAt }] of entries) {
        if (key.startsWith(prefix) && expiresAt > now()) yield [key, value]
      }
    },
  }
}
