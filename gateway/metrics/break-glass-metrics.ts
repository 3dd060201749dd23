/** What is told of break-glass: how often it was opened, what is open, and what nobody looked at. */
import type { Families } from './families.ts'

/** Methods about break-glass. */
export interface BreakGlassMetrics {
  /** A seal was opened by way of this replica. */
  breakGlassOpened(): void
  /** Called whenever metrics are exposed. */
  breakGlassFacts(read: () => BreakGlassFacts): void
}

/** How many there are, as every replica knows it. */
export interface BreakGlassFacts {
  readonly open: number
  readonly unreviewed: number
  readonly overdue: number
}

/** Where nothing follows a journal. */
const NO_FACTS: BreakGlassFacts = { open: 0, unreviewed: 0, overdue: 0 }

/** Counts in `families`; `sample` is called before they are exposed. */
export function breakGlassMethods(families: Families): {
  readonly methods: BreakGlassMetrics
  readonly sample: () => void
} {
  let read = (): BreakGlassFacts => NO_FACTS
  const openings = families.breakGlassOpenings.at()
  const open = families.breakGlassOpen.at()
  const unreviewed = families.breakGlassUnreviewed.at()
  const overdue = families.breakGlassOverdue.at()
  return {
    methods: {
      breakGlassOpened: () => void (openings.value += 1),
      breakGlassFacts: (facts) => void (read = facts),
    },
    sample() {
      const facts = read()
      open.value = facts.open
      unreviewed.value = facts.unreviewed
      overdue.value = facts.overdue
    },
  }
}
