/** The engines of the bench behind one face: load a rule set, then decide. */
import {
  preparsePolicySet,
  statefulIsAuthorized,
  type EntityJson,
  type TypeAndId,
} from '@cedar-policy/cedar-wasm/nodejs'
import type { AccessRequest } from '../../../gateway/domain/access.ts'
import { createDecisionPoint } from '../../../gateway/pdp/decision/decision-point.ts'
import { loadPolicy } from '../../../gateway/pdp/load-policy.ts'
import { MODEL_TEXT } from '../../../gateway/pdp/policy/model-conf.ts'
import { cedarPolicies, CONDITIONS_YAML, policyCsv, type BenchRule } from './rule-set.ts'

export const ENGINES = ['compiled', 'casbin', 'cedar'] as const

/** One of {@link ENGINES}. */
export type EngineName = (typeof ENGINES)[number]

/** Says whether a request is permitted. */
export type Decide<Q> = (question: Q) => boolean

/** A loaded rule set. `ask` puts a request into the form `decide` takes, before time is measured. */
export interface LoadedEngine<Q = unknown> {
  readonly ask: (request: AccessRequest) => Q
  readonly decide: Decide<Q>
  /** The effect in words, where the engine has more than two. */
  readonly effect: (question: Q) => string
}

/** Prepares the text of the rules; the function it returns is what loading them is. */
export function prepare(
  name: EngineName,
  rules: readonly BenchRule[],
): () => Promise<LoadedEngine> {
  return name === 'cedar' ? prepareCedar(rules) : prepareOurs(name, rules)
}

function prepareOurs(engine: 'compiled' | 'casbin', rules: readonly BenchRule[]) {
  const text = policyCsv(rules)
  return async (): Promise<LoadedEngine> => {
    const loaded = await loadPolicy({
      files: {
        model: { file: 'model.conf', text: MODEL_TEXT },
        policy: { file: 'policy.csv', text },
        conditions: { file: 'conditions.yaml', text: CONDITIONS_YAML },
      },
      engine,
      revision: 'sha256:bench',
    })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics.slice(0, 3)))
    const point = createDecisionPoint(loaded.value)
    const effect = (question: unknown) => point.decide(question as AccessRequest).effect
    return {
      ask: (request) => request,
      decide: (question) => effect(question) === 'permit',
      effect,
    }
  }
}

const POLICY_SET = 'bench'

function prepareCedar(rules: readonly BenchRule[]) {
  const staticPolicies = cedarPolicies(rules)
  return (): Promise<LoadedEngine> => {
    const parsed = preparsePolicySet(POLICY_SET, { staticPolicies })
    if (parsed.type === 'failure') throw new Error(JSON.stringify(parsed.errors.slice(0, 3)))
    const decide = (question: unknown): boolean => {
      const answer = statefulIsAuthorized(question as ReturnType<typeof cedarCall>)
      if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors))
      return answer.response.decision === 'allow'
    }
    return Promise.resolve({
      ask: cedarCall,
      decide,
      effect: (question) => (decide(question) ? 'permit' : 'deny'),
    })
  }
}

/** Parents are given whole, as a gateway that knows its roles would. */
function cedarCall({ subject, action, resource, environment }: AccessRequest) {
  const principal: TypeAndId = { type: 'User', id: subject.id }
  const target: TypeAndId = { type: 'Model', id: resource.name }
  const parents = subject.groups.map((group) => ({ type: 'Role', id: `r${group.slice(7)}` }))
  const attributes = {
    name: resource.name,
    ...(resource.version !== undefined && { version: resource.version }),
  }
  const entities: EntityJson[] = [
    { uid: principal, attrs: {}, parents },
    { uid: target, attrs: attributes, parents: [] },
  ]
  return {
    principal,
    action: { type: 'Action', id: action },
    resource: target,
    context: {
      ip: { __extn: { fn: 'ip', arg: environment.client.ip } },
      managed: environment.device?.managed === true,
    },
    preparsedPolicySetId: POLICY_SET,
    entities,
  }
}
