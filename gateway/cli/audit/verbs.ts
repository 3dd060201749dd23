import type { VerbEntry } from '../verb.ts'

/** Verbs that read, prove and mend the ledger. */
export const AUDIT_VERBS: readonly VerbEntry[] = [
  {
    name: 'audit query',
    summary: 'find records of the ledger: what one person did, what a lock stopped, one request',
    load: async () => (await import('./query.ts')).auditQuery,
  },
  {
    name: 'audit tail',
    summary: 'show the newest records of the ledger, and with -f those that come',
    load: async () => (await import('./tail.ts')).auditTail,
  },
  {
    name: 'audit stats',
    summary: 'count what the ledger holds: decisions, reasons, callers, models, bytes',
    load: async () => (await import('./stats.ts')).auditStats,
  },
  {
    name: 'audit index',
    summary: 'make or check the index by which records are found fast',
    load: async () => (await import('./index.ts')).auditIndex,
  },
  {
    name: 'audit export',
    summary: 'write the ledger as OCSF, CloudEvents, ECS or CSV',
    load: async () => (await import('./export.ts')).auditExport,
  },
  {
    name: 'audit erase',
    summary: 'destroy the key of a person: the ledger verifies, and nobody can read who it was',
    load: async () => (await import('./erase.ts')).auditErase,
  },
  {
    name: 'audit verify',
    summary: 'prove that a ledger is whole and as it was signed, or say where it is not',
    load: async () => (await import('./verify.ts')).auditVerify,
  },
  {
    name: 'audit prove',
    summary: 'write a proof that one record is in the ledger, to hand to somebody else',
    load: async () => (await import('./prove.ts')).auditProve,
  },
  {
    name: 'audit verify-proof',
    summary: 'check such a proof with nothing but a key',
    load: async () => (await import('./verify-proof.ts')).auditVerifyProof,
  },
  {
    name: 'audit accept-gap',
    summary: 'go on with a damaged ledger, on the record: who accepted what is lost, and why',
    load: async () => (await import('./accept-gap.ts')).auditAcceptGap,
  },
]
