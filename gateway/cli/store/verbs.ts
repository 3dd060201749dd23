import type { VerbEntry } from '../verb.ts'

/** Going on with a journal that is damaged. */
export const STORE_REPAIR_VERBS: readonly VerbEntry[] = [
  {
    name: 'store accept-loss',
    summary: 'go on with a journal that has lost entries, on the record: who accepted it, and why',
    load: async () => (await import('./accept-loss.ts')).storeAcceptLoss,
  },
]

/** The store as a file. */
export const STORE_VERBS: readonly VerbEntry[] = [
  {
    name: 'store export',
    summary: 'write the journal and the uses of grants to a file, to keep or to move',
    load: async () => (await import('./export.ts')).storeExport,
  },
  {
    name: 'store import',
    summary: 'put such a file into the store, once all of it was checked',
    load: async () => (await import('./import.ts')).storeImport,
  },
]
