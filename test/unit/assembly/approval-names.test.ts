/** Names in approvals.yaml that nothing else knows. */
import { describe, expect, it } from '@jest/globals'
import { loadApprovals } from '../../../gateway/access/approvals/load.ts'
import { approvalProblems } from '../../../gateway/assembly/approval-names.ts'
import type { CompiledPolicy } from '../../../gateway/pdp/compiled-policy.ts'

const POLICY = {
  conditions: { names: new Set(['mfa']) },
  table: { links: [{ member: 'role:lead', role: 'role:approver' }], rules: [] },
} as unknown as CompiledPolicy

const KNOWN = {
  issuerNames: new Set(['corp']),
  issuerRoles: new Set<string>(),
  upstreams: new Set<string>(),
}

function problems(from: string, filter: string, known: typeof KNOWN | undefined = KNOWN) {
  const text = `approvals:\n  r:\n    for: { actions: [export] }\n    require: [{ from: ['${from}'], filter: '${filter}' }]\n`
  const loaded = loadApprovals({ file: 'approvals.yaml', text })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics))
  return approvalProblems(loaded.value, { policy: POLICY, known }).map(
    ({ severity, code, line, column }) => `${severity} ${code} ${line}:${column}`,
  )
}

describe('approvals.yaml names', () => {
  it.each([
    ['role:approver', 'mfa & always', []],
    ['group:any', '!mfa', []],
    ['role:aprover', 'mfa', ['warning unknown-role 4:24']],
    ['user:crop/bob', 'mfa', ['warning unknown-issuer 4:24']],
    ['role:approver', 'mfaa', ['error unknown-condition 4:51']],
    ['role:approver', 'mfa &', ['error bad-expression 4:51']],
  ])('%s with %s', (from, filter, expected) => {
    expect(problems(from, filter).map((one) => one.replace(/ 4:\d+/, ''))).toEqual(
      expected.map((one) => one.replace(/ 4:\d+/, '')),
    )
    expect(problems(from, filter).every((one) => / 4:\d+$/.test(one))).toBe(true)
  })

  // threats §2.H 266
  it('warn where several issuers are accepted and one does not say which human it is', () => {
    const two = { ...KNOWN, issuerNames: new Set(['corp', 'partner']) }
    const of = (...names: string[]) =>
      problems('role:approver', 'mfa', { ...two, issuersWithoutPerson: new Set(names) } as never)
    expect(of('partner')).toEqual(['warning no-person-claim 4:24'])
    expect(of()).toEqual([])
    const one = { ...KNOWN, issuersWithoutPerson: new Set(['corp']) }
    expect(problems('role:approver', 'mfa', one)).toEqual([])
  })
})
