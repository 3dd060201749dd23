import type { Verb } from './verb.ts'
export const demo: Verb = {
  name: 'demo',
  summary: '',
  options: {},
  examples: [],
  run: () => Promise.resolve(1),
}
