/** Tests of rules, ready to run: every reference resolved, every case of every matrix spelt out. */
import type { Environment, ResourceAttributes } from '../../domain/access.ts'
import type { Position } from '../../domain/diagnostics.ts'
import type { Reason } from '../../domain/reasons.ts'
import type { Subject } from '../../domain/subject.ts'
import type { Action, Resource } from '../../domain/vocabulary.ts'

/** One file of tests. */
export interface PolicySuite {
  readonly file: string
  readonly name: string
  readonly tests: readonly PolicyTest[]
}

/** One test: a matrix and what it must come to. */
export interface PolicyTest {
  readonly name: string
  readonly position: Position
  /** Why it is not run. */
  readonly skipped?: string
  readonly cases: readonly PolicyCase[]
}

/** One cell of a matrix. */
export interface PolicyCase {
  /** Names of the fixtures. */
  readonly principal: string
  readonly resourceName: string
  readonly environmentName?: string
  readonly subject: Subject
  readonly action: Action
  readonly resource: Resource
  /** Laid over what the catalog says, field by field. */
  readonly attributes: Partial<ResourceAttributes>
  readonly environment: Environment
  readonly expected: ExpectedOutcome
  /** Where the expectation is written; of a case that is not listed, where the test is. */
  readonly position: Position
}

/** What one case must come to. */
export interface ExpectedOutcome {
  /**
   * `deny`: refused, and stronger authentication would not help. `refused`: not listed, so that it
   * must be refused, in whatever way.
   */
  readonly effect: 'permit' | 'deny' | 'step-up' | 'refused'
  readonly reason?: Reason
  /** `policy.csv:<line>`, or the row as written. */
  readonly rule?: string
  /** Exactly these, in any order; parameters that are left out may be anything. */
  readonly obligations?: readonly ExpectedObligation[]
}

/** An obligation, its parameters beside its type. */
export type ExpectedObligation = Readonly<Record<string, unknown>> & { readonly type: string }
