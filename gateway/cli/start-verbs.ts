import type { VerbEntry } from './verb.ts'

/**
 * For the first hours with a gateway:
 * routes that are missing, a demonstration, configuration, tokens.
 */
export const START_VERBS: readonly VerbEntry[] = [
  {
    name: 'coverage',
    summary: 'list the routes of a running server that its route pack does not know',
    load: async () => (await import('./coverage.ts')).coverage,
  },
  {
    name: 'demo',
    summary: 'start a model server with the gateway before it, and walk through what it refuses',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'config',
    summary: 'print the configuration, or the JSON Schemas of the files',
    load: async () => (await import('./config.ts')).config,
  },
  {
    name: 'token',
    summary: 'mint development tokens, and run the local issuer that vouches for them',
    load: async () => (await import('./token.ts')).token,
  },
]
