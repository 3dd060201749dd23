import type { Verb } from './verb.ts'
export const token: Verb = {
  name: 'token',
  summary: '',
  options: {},
  examples: [],
  run: () => Promise.resolve(1),
}
