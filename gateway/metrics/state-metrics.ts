/** What is told of the state that replicas share: how old it is here, and what is wrong with it. */
import type { Families } from './families.ts'

/** Methods about the state. */
export interface StateMetrics {
  /** Called whenever metrics are exposed. */
  stateFacts(read: () => StateFacts): void
  /** Entries of the journal that are in force could not be recorded. */
  accessRecordError(): void
}

/** How the state is. */
export interface StateFacts {
  /** Milliseconds since it was known to be up to date; Infinity before the first time. */
  readonly stalenessMs: number
  readonly seq: number
  readonly replicas: number
  /** Characters of a snapshot of it. */
  readonly chars: number
  readonly isRegressed: boolean
  readonly isDamaged: boolean
}

/** Where nothing follows a journal. */
const NO_FACTS: StateFacts = {
  stalenessMs: 0,
  seq: 0,
  replicas: 0,
  chars: 0,
  isRegressed: false,
  isDamaged: false,
}

/** Counts in `families`; `sample` is called before they are exposed. */
export function stateMethods(families: Families): {
  readonly methods: StateMetrics
  readonly sample: () => void
} {
  let read = (): StateFacts => NO_FACTS
  const errors = families.accessRecordErrors.at()
  const staleness = families.stateStaleness.at()
  const seq = families.stateSeq.at()
  const replicas = families.stateReplicas.at()
  const chars = families.stateChars.at()
  const regressed = families.journalRegressed.at()
  const damaged = families.journalDamaged.at()
  return {
    methods: {
      stateFacts: (facts) => void (read = facts),
      accessRecordError: () => void (errors.value += 1),
    },
    sample() {
      const facts = read()
      staleness.value = facts.stalenessMs / 1000
      seq.value = facts.seq
      replicas.value = facts.replicas
      chars.value = facts.chars
      regressed.value = Number(facts.isRegressed)
      damaged.value = Number(facts.isDamaged)
    },
  }
}
