import { createMemoryStore } from '../../../gateway/store/memory-store.ts'
import { journalContract } from '../../support/journal-contract.ts'
import { storeContract } from '../../support/store-contract.ts'

storeContract(
  'memory',
  (now) => {
    const store = createMemoryStore({ clock: { now, monotonicMs: now } })
    return Promise.resolve({ one: store, other: store, close: () => store.close() })
  },
  200,
)

journalContract('memory', (now) => {
  const store = createMemoryStore({ clock: { now, monotonicMs: now } })
  return Promise.resolve({ one: store, other: store, close: () => store.close() })
})
