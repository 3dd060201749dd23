/**
 * Questions with known answers, put to every new revision before it may replace the old one: a
 * broken engine must be noticed by us, not by whoever it lets in.
 */
import type { AccessRequest, Truth } from '../../domain/access.ts'
import type { Action } from '../../domain/vocabulary.ts'
import type { Subject } from '../../domain/subject.ts'
import type { CompiledPolicy } from '../compiled-policy.ts'
import { createDecisionPoint, evaluationOf } from '../decision/decision-point.ts'
import { matchByDefinition } from './evaluation.ts'
import { ANYONE, type Rule } from '../policy/rule.ts'

/** Rules looked at in total, so that a large matrix does not delay a reload. */
const COMPARISONS_MAX = 100_000
const VECTORS_MAX = 64
const TRUTHS: readonly Truth[] = ['true', 'false', 'unknown']

/** What went wrong, or `undefined` when every answer was right. */
export function selfTest(policy: CompiledPolicy): string | undefined {
  return testMalformed(policy) ?? testWitnesses(policy)
}

/** Requests that no matrix can permit. */
function testMalformed(policy: CompiledPolicy): string | undefined {
  const good = witness('user:self-test', 'read', { kind: 'model', name: 'x' })
  const point = createDecisionPoint(policy)
  const malformed: [string, AccessRequest][] = [
    ['an empty subject', { ...good, subject: subjectHolding('') }],
    ['a subject without a prefix', { ...good, subject: subjectHolding('admin') }],
    ['an unknown action', { ...good, action: '' as Action }],
    ['a wildcard action', { ...good, action: '*' as Action }],
    ['an empty resource', { ...good, resource: { kind: 'model', name: '' } }],
  ]
  const permitted = malformed.find(([, request]) => point.decide(request).effect === 'permit')
  return permitted === undefined ? undefined : `${permitted[0]} was permitted`
}

/** For each rule a request made for it; what the engine finds must be what the definition says. */
function testWitnesses(policy: CompiledPolicy): string | undefined {
  const { rules } = policy.table
  const budget = Math.floor(COMPARISONS_MAX / (rules.length * TRUTHS.length))
  for (const rule of spread(rules, Math.min(VECTORS_MAX, Math.max(1, budget)))) {
    for (const truth of TRUTHS) {
      const evaluation = evaluationOf(policy, witnessOf(rule), (condition) =>
        condition.kind === 'always' ? undefined : truth,
      )
      const found = policy.matcher.match(evaluation)
      if (found !== matchByDefinition(rules, evaluation)) {
        return `the engine misjudged a request made for ${rule.reference.file}:${rule.reference.line}`
      }
      if (rule.effect === 'deny' && rule.whenText === 'always' && found?.effect !== 'deny') {
        return `the deny at ${rule.reference.file}:${rule.reference.line} did not deny`
      }
    }
  }
  return undefined
}

/** Denies first, then rules at even distances. */
function spread(rules: readonly Rule[], count: number): Rule[] {
  const denies = rules.filter((rule) => rule.effect === 'deny').slice(0, Math.ceil(count / 2))
  const step = Math.max(1, Math.floor(rules.length / count))
  const others = rules.filter((_, i) => i % step === 0)
  return [...new Set([...denies, ...others])].slice(0, count)
}

function witnessOf(rule: Rule): AccessRequest {
  const { kind, name, version } = rule.resource
  const filled = (glob: string) => glob.replaceAll('*', 'x')
  return witness(rule.subject, rule.action === '*' ? 'infer' : rule.action, {
    kind: kind === '*' ? 'model' : kind,
    name: filled(name),
    ...(version !== undefined && { version: filled(version) }),
  })
}

function witness(
  holder: string,
  action: Action,
  resource: AccessRequest['resource'],
): AccessRequest {
  const environment = { now: 0, client: { ip: '192.0.2.1', source: 'peer' } } as const
  return { subject: subjectHolding(holder), action, resource, environment }
}

/** A subject that holds `name` and what comes with it, nothing else. */
function subjectHolding(name: string): Subject {
  const isUser = !name.startsWith('group:') && !name.startsWith('role:')
  return {
    id: isUser ? name : 'user:self-test',
    issuer: 'https://self-test.invalid',
    issuerName: 'self-test',
    groups: name.startsWith('group:') ? [name] : [],
    roles: name.startsWith('role:') && name !== ANYONE ? [name] : [],
    issuedAt: 0,
    expiresAt: 0,
    authentication: {},
    claims: new Map(),
  }
}
