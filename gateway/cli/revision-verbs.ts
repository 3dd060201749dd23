import type { VerbEntry } from './verb.ts'

/** Which rules were, are and stay in force. */
export const REVISION_VERBS: readonly VerbEntry[] = [
  {
    name: 'history',
    summary: 'list the rule sets that were in force, and show what was in one',
    load: async () => (await import('./history.ts')).history,
  },
  {
    name: 'rollback',
    summary: 'go back to a rule set that was in force before, and stay there',
    load: async () => (await import('./pin.ts')).rollback,
  },
  {
    name: 'pin',
    summary: 'hold the gateway at one rule set, whatever the rule folder says',
    load: async () => (await import('./pin.ts')).pin,
  },
  {
    name: 'unpin',
    summary: 'let the rule folder count again',
    load: async () => (await import('./pin.ts')).unpin,
  },
  {
    name: 'rules',
    summary: 'sign a rule folder, or verify its signature',
    load: async () => (await import('./rules.ts')).rules,
  },
]
