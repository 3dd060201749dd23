import type { VerbEntry } from './verb.ts'

/** Keys of the ledger, and processes that sign it. */
export const SIGNING_VERBS: readonly VerbEntry[] = [
  {
    name: 'audit keygen',
    summary: 'write a key that signs the ledger, or one for a witness',
    load: async () => (await import('./audit/keygen.ts')).auditKeygen,
  },
  {
    name: 'signer',
    summary: 'sign the checkpoints of a ledger in a process of its own, and only what appends',
    load: async () => (await import('./signer.ts')).signer,
  },
  {
    name: 'witness',
    summary: 'remember on another machine how far ledgers have come, and cosign only what appends',
    load: async () => (await import('./witness.ts')).witness,
  },
]
