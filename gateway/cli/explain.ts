import type { Verb } from './verb.ts'
export const explain: Verb = {
  name: 'explain',
  summary: '',
  options: {},
  examples: [],
  run: () => Promise.resolve(1),
}
