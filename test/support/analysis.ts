/** Rule sets for tests of analyses, and the real decision point under assumed truths of conditions. */
import type { Truth } from '../../gateway/domain/access.ts'
import type { Resource, Action } from '../../gateway/domain/vocabulary.ts'
import { analysedRules, type AnalysedRules } from '../../gateway/pdp/analysis/analysed-rules.ts'
import type { CompiledPolicy } from '../../gateway/pdp/compiled-policy.ts'
import { createDecisionPoint } from '../../gateway/pdp/decision/decision-point.ts'
import { loadPolicy } from '../../gateway/pdp/load-policy.ts'
import { MODEL_TEXT } from '../../gateway/pdp/policy/model-conf.ts'
import { loadResources } from '../../gateway/pip/resources.ts'
import { requestOf, subjectOf } from './policy.ts'

export interface RuleTexts {
  readonly policy: string
  readonly conditions: string
  readonly resources?: string
  readonly limits?: string
}

export async function analysed(texts: RuleTexts): Promise<AnalysedRules> {
  const files = {
    model: { file: 'model.conf', text: MODEL_TEXT },
    policy: { file: 'policy.csv', text: texts.policy },
    conditions: { file: 'conditions.yaml', text: texts.conditions },
    resources: { file: 'resources.yaml', text: texts.resources ?? '{}' },
    ...(texts.limits !== undefined && { limits: { file: 'limits.yaml', text: texts.limits } }),
  }
  const loaded = await loadPolicy({ files, revision: 'sha256:test' })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics))
  const resources = loadResources(files.resources)
  if (!resources.ok) throw new Error(JSON.stringify(resources.diagnostics))
  return analysedRules({ policy: loaded.value, resources: resources.value, files })
}

/** `model:fraud@3` as a resource. */
export function resourceOf(text: string): Resource {
  const [, kind = '', name = '', version] = /^([^:]*):([^@]*)(?:@(.*))?$/.exec(text) ?? []
  return { kind, name, ...(version !== undefined && { version }) } as Resource
}

/** Conditions by name; the others are unknown, and those about resources are judged as ever. */
export type Truths = Readonly<Record<string, Truth>>

/** One question. */
export interface Asked {
  /** Principals of the token. */
  readonly caller: readonly string[]
  readonly action: Action
  readonly resource: string
}

/** Whether the decision point permits, as if conditions had these truths. */
export function decider(rules: AnalysedRules, truths: Truths): (asked: Asked) => boolean {
  const point = createDecisionPoint(assuming(rules, truths))
  return ({ caller, action, resource: text }) => {
    const resource = resourceOf(text)
    const decision = point.decide(
      requestOf('read model:x', {
        action,
        resource,
        resourceAttributes: rules.resources.attributesOf(resource),
        subject: subjectOf({
          id: caller.find((name) => name.startsWith('user:')) ?? 'user:nobody/else',
          groups: caller.filter((name) => name.startsWith('group:')),
          roles: caller.filter((name) => name.startsWith('role:')),
        }),
      }),
    )
    if (decision.effect === 'indeterminate') throw new Error(decision.explanation)
    return decision.effect === 'permit'
  }
}

function assuming({ policy }: AnalysedRules, truths: Truths): CompiledPolicy {
  const get: CompiledPolicy['conditions']['get'] = (name) => {
    const condition = policy.conditions.get(name)
    if (condition.kind === 'always' || condition.kind === 'resource') return condition
    const truth = truths[name] ?? 'unknown'
    return { ...condition, test: () => ({ truth, detail: 'assumed' }) }
  }
  return { ...policy, conditions: { ...policy.conditions, get } }
}
