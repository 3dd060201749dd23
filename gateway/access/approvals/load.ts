/** Reads `rules/approvals.yaml`, or says exactly where and why not. */
import type { Loaded } from '../../domain/diagnostics.ts'
import { loadDocument, type DocumentPath, type LoadedDocument } from '../../settings/document.ts'
import { approvalsSchema, type ApprovalSpec } from '../../settings/schemas/approvals.ts'
import type { Requirement } from '../elevation.ts'
import type { ApprovalRule, ApprovalRules, BreakGlass, Demands, WrittenText } from './rule.ts'

type RequirementSpec = ApprovalSpec['require'][number]

/** Parses the text of `source.file`. All or nothing. */
export function loadApprovals(source: {
  readonly file: string
  readonly text: string
}): Loaded<ApprovalRules> {
  const loaded = loadDocument(source, approvalsSchema)
  if (!loaded.ok) return loaded
  const { approvals, requests_per_day: requestsPerDay } = loaded.value.value
  const specs = Object.entries(approvals)
  const rules: ApprovalRules = {
    rules: specs.map(([name, spec]) => Object.freeze(ruleFrom(name, spec))),
    requestsPerDay,
    holders: specs.flatMap(([name, spec]) => holdersIn(loaded.value, name, spec)),
    expressions: specs.flatMap(([name, spec]) => expressionsIn(loaded.value, name, spec)),
  }
  return { ok: true, value: rules, warnings: loaded.warnings }
}

function ruleFrom(name: string, spec: ApprovalSpec): ApprovalRule {
  const { classification, environment, tags } = spec.for
  return {
    name,
    actions: new Set(spec.for.actions),
    resources: spec.for.resources,
    ...present({ classification, environment, tags, whoMayAsk: spec.who_may_ask }),
    require: spec.require.map(requirementFrom),
    denyBy: spec.deny,
    requestTtlMs: spec.request_ttl,
    grantTtlMaxMs: spec.grant_ttl_max,
    ...present({ usesMax: spec.uses_max, bytesMax: spec.bytes_max }),
    demands: demandsFrom(spec.demands),
    ...present({ auto: autoFrom(spec.auto), breakGlass: breakGlassFrom(spec.break_glass) }),
  }
}

function requirementFrom({ count, from, filter }: RequirementSpec): Requirement {
  return { count, from: [...new Set(from)], ...present({ filter }) }
}

function demandsFrom(spec: ApprovalSpec['demands']): Demands {
  return {
    justificationMin: spec.justification_min ?? 1,
    ...present({ ticket: spec.ticket }),
    riskAssessment: spec.risk_assessment,
    criteria: spec.criteria,
    device: spec.device,
    network: spec.network,
  }
}

function autoFrom(spec: ApprovalSpec['auto']): ApprovalRule['auto'] {
  if (spec === undefined) return undefined
  const rate = { count: spec.rate.count, perMs: spec.rate.per }
  return { when: spec.when, rate, ...present({ grantTtlMaxMs: spec.grant_ttl_max }) }
}

function breakGlassFrom(spec: ApprovalSpec['break_glass']): BreakGlass | undefined {
  if (spec === undefined) return undefined
  return {
    seal: spec.seal.require.map(requirementFrom),
    validForMs: spec.valid_for,
    openForMaxMs: spec.open_for_max,
    reviewWithinMs: spec.review_within,
    reviewers: spec.reviewers,
  }
}

/** Without the members that are `undefined`. */
function present<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

type Document = LoadedDocument<unknown>

function holdersIn(document: Document, name: string, spec: ApprovalSpec): WrittenText[] {
  const path = ['approvals', name]
  const seal = spec.break_glass?.seal.require ?? []
  return [
    ...listed(document, [...path, 'who_may_ask'], spec.who_may_ask),
    ...spec.require.flatMap(({ from }, i) =>
      listed(document, [...path, 'require', i, 'from'], from),
    ),
    ...seal.flatMap(({ from }, i) =>
      listed(document, [...path, 'break_glass', 'seal', 'require', i, 'from'], from),
    ),
    ...listed(document, [...path, 'break_glass', 'reviewers'], spec.break_glass?.reviewers),
  ]
}

function listed(
  document: Document,
  path: DocumentPath,
  texts: readonly string[] | undefined,
): WrittenText[] {
  return (texts ?? []).map((text, i) => ({ text, position: document.positionOf([...path, i]) }))
}

function expressionsIn(document: Document, name: string, spec: ApprovalSpec): WrittenText[] {
  const at = (path: DocumentPath, text: string | undefined): WrittenText[] =>
    text === undefined
      ? []
      : [{ text, position: document.positionOf(['approvals', name, ...path]) }]
  const seal = spec.break_glass?.seal.require ?? []
  return [
    ...spec.require.flatMap(({ filter }, i) => at(['require', i, 'filter'], filter)),
    ...seal.flatMap(({ filter }, i) => at(['break_glass', 'seal', 'require', i, 'filter'], filter)),
    ...at(['auto', 'when'], spec.auto?.when),
  ]
}
