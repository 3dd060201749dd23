import type { VerbEntry } from './verb.ts'

/** Serving, and what the rules say: from `serve` to what was exported. */
export const POLICY_VERBS: readonly VerbEntry[] = [
  {
    name: 'serve',
    summary: 'run the gateway',
    load: async () => (await import('./serve.ts')).serve,
  },
  {
    name: 'check',
    summary: 'check configuration, rules and routes without serving',
    load: async () => (await import('./check.ts')).check,
  },
  {
    name: 'test',
    summary: 'run the tests beside the rules, and say what they leave unproven',
    load: async () => (await import('./test.ts')).test,
  },
  {
    name: 'explain',
    summary: 'show how the rules decide one request, rule by rule',
    load: async () => (await import('./explain.ts')).explain,
  },
  {
    name: 'diff',
    summary: 'list exactly who gains and who loses what between two revisions of the rules',
    load: async () => (await import('./diff.ts')).diff,
  },
  {
    name: 'who-can',
    summary: 'list everybody who may do one thing to one resource, and when',
    load: async () => (await import('./who-can.ts')).whoCan,
  },
  {
    name: 'what-can',
    summary: 'list everything one caller may do, and when',
    load: async () => (await import('./what-can.ts')).whatCan,
  },
  {
    name: 'docs',
    summary: 'write the permission matrix in plain words',
    load: async () => (await import('./docs.ts')).docs,
  },
  {
    name: 'replay',
    summary: 'judge recorded decisions again under other rules, and list what would change',
    load: async () => (await import('./replay.ts')).replay,
  },
  {
    name: 'shadow',
    summary: 'report what shadow rules would have changed',
    load: async () => (await import('./shadow.ts')).shadow,
  },
  {
    name: 'exports',
    summary: 'list what was exported, to whom and on whose word, from the ledger',
    load: async () => (await import('./exports.ts')).exports,
  },
]
