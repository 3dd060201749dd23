/** What `approvals.yaml` says of people and conditions, checked against what else is known of them. */
import type { ApprovalRules, WrittenText } from '../access/approvals/rule.ts'
import { closest, type Diagnostic } from '../domain/diagnostics.ts'
import type { CompiledPolicy } from '../pdp/compiled-policy.ts'
import { namesIn, parseExpression } from '../pdp/policy/expression.ts'
import type { KnownNames } from '../pdp/policy/warnings-of-names.ts'
import { rolesIn, unknownIn } from './grant-names.ts'

/**
 * Errors for expressions that are none and for conditions that nobody wrote: a filter that is not
 * known to hold would let nobody approve. Warnings for roles and issuers that are not known, and for
 * issuers that do not say who is the same human as somebody of another issuer.
 */
export function approvalProblems(
  { holders, expressions }: Pick<ApprovalRules, 'holders' | 'expressions'>,
  { policy, known }: { readonly policy: CompiledPolicy; readonly known: KnownNames | undefined },
): Diagnostic[] {
  const names = new Set(['always', ...policy.conditions.names])
  const wrong = expressions.flatMap((one) => expressionProblems(one, names))
  if (known === undefined || holders.length === 0) return wrong
  const roles = rolesIn(policy, known)
  const unknown = holders.flatMap(({ text, position }): Diagnostic[] => {
    const finding = unknownIn(text, roles, known)
    return finding === undefined ? [] : [{ ...position, severity: 'warning', ...finding }]
  })
  return [...wrong, ...unknown, ...unlinked(holders, known)]
}

/** Where several issuers are accepted, one human may have an account at each (threats §2.H 266). */
function unlinked(
  [first]: ApprovalRules['holders'],
  { issuerNames, issuersWithoutPerson = new Set() }: KnownNames,
): readonly Diagnostic[] {
  if (first === undefined || issuerNames.size < 2 || issuersWithoutPerson.size === 0) return []
  const names = [...issuersWithoutPerson].join(', ')
  return [
    {
      ...first.position,
      severity: 'warning',
      code: 'no-person-claim',
      message: `two accounts of one human cannot be told from two humans: ${names} has no person_claim`,
      remedy: 'Set issuers[].person_claim to a claim that is the same in all accounts of a human.',
    },
  ]
}

function expressionProblems(
  { text, position }: WrittenText,
  names: ReadonlySet<string>,
): readonly Diagnostic[] {
  const parsed = parseExpression(text)
  if (!parsed.ok) {
    const { message, remedy } = parsed.problem
    return [{ ...position, severity: 'error', code: 'bad-expression', message, remedy }]
  }
  return namesIn(parsed.value).flatMap(({ name }): Diagnostic[] => {
    if (names.has(name)) return []
    const near = closest(name, names)
    return [
      {
        ...position,
        severity: 'error',
        code: 'unknown-condition',
        message: `no condition of conditions.yaml is named ${name}`,
        remedy: near === undefined ? 'Define it there.' : `Did you mean \`${near}\`?`,
      },
    ]
  })
}
