import type { Rule } from './rule.ts'

/** Columns at which the cells of a rule start, counting from 1; needed only while a file is checked. */
export interface RulePlaces {
  readonly subject: number
  readonly resource: number
  readonly when: number
}

/** Where the cells of each rule are written. */
export type PlacesOf = ReadonlyMap<Rule, RulePlaces>
