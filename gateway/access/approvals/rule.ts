/** Rules of approval, as `rules/approvals.yaml` has them. */
import type { Position } from '../../domain/diagnostics.ts'
import type { Action } from '../../domain/vocabulary.ts'
import type { Requirement } from '../elevation.ts'

/** What a rule demands to be said. */
export interface Demands {
  /** Characters. */
  readonly justificationMin: number
  /** Glob that a ticket must match; none is needed when absent. */
  readonly ticket?: string
  readonly riskAssessment: boolean
  readonly criteria: readonly string[]
  readonly device: boolean
  readonly network: boolean
}

/** Approval without people. */
export interface AutoApproval {
  /** Expression over conditions that must hold for the call that asks. */
  readonly when: string
  readonly rate: { readonly count: number; readonly perMs: number }
  readonly grantTtlMaxMs?: number
}

/** Privilege that is sealed beforehand and opened in an emergency. */
export interface BreakGlass {
  readonly seal: readonly Requirement[]
  readonly validForMs: number
  readonly openForMaxMs: number
  readonly reviewWithinMs: number
  /** `group:…`, `role:…` or `user:…`: any of them reviews. */
  readonly reviewers: readonly string[]
}

/** One rule. Lists that are absent do not restrict it. */
export interface ApprovalRule {
  readonly name: string
  readonly actions: ReadonlySet<Action>
  /** Globs over `kind:name[@version]`, or `*`. */
  readonly resources: readonly string[]
  readonly classification?: readonly string[]
  readonly environment?: readonly string[]
  /** One of these. */
  readonly tags?: readonly string[]
  readonly whoMayAsk?: readonly string[]
  readonly require: readonly Requirement[]
  readonly denyBy: 'any-eligible' | 'nobody'
  readonly requestTtlMs: number
  readonly grantTtlMaxMs: number
  readonly usesMax?: number
  readonly bytesMax?: number
  readonly demands: Demands
  readonly auto?: AutoApproval
  readonly breakGlass?: BreakGlass
}

/** Something that is written in the file and has to be known elsewhere. */
export interface WrittenText {
  readonly text: string
  readonly position: Position
}

/** The rules of one revision. */
export interface ApprovalRules {
  /** In the order in which they are written. */
  readonly rules: readonly ApprovalRule[]
  /** Requests that one person may make within 24 hours, over all accounts. */
  readonly requestsPerDay: number
  /** Who is named as an approver, a reviewer or somebody who may ask. */
  readonly holders: readonly WrittenText[]
  /** Every expression over conditions. */
  readonly expressions: readonly WrittenText[]
}

/** What a rule folder without `approvals.yaml` has: nobody can agree to anything. */
export const NO_APPROVAL_RULES: ApprovalRules = Object.freeze({
  rules: [],
  requestsPerDay: 200,
  holders: [],
  expressions: [],
})
