/** Runs test/cases/policy/*.yaml: rule sets with requests and the decisions they must get. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import type { ClaimValue, DevicePosture } from '../../../gateway/domain/subject.ts'
import type { AuthenticationContext } from '../../../gateway/domain/subject.ts'
import type { ResourceAttributes } from '../../../gateway/domain/access.ts'
import { createDecisionPoint } from '../../../gateway/pdp/decision/decision-point.ts'
import { policyOf, requestOf, subjectOf } from '../../support/policy.ts'

interface Case {
  readonly name: string
  readonly do: string
  readonly as?: string
  readonly groups?: string[]
  readonly roles?: string[]
  readonly claims?: Record<string, ClaimValue>
  readonly authentication?: AuthenticationContext
  readonly device?: Omit<DevicePosture, 'source'>
  readonly attributes?: ResourceAttributes
  readonly now?: string
  readonly ip?: string
  /** `permit`, or a reason. */
  readonly expect: string
  /** The line of the deciding rule. */
  readonly line?: number
  readonly failed?: string[]
}

interface CaseFile {
  /** Text of the matrix, or the path of a shipped one. */
  readonly policy?: string
  readonly policy_file?: string
  readonly conditions?: string
  readonly conditions_file?: string
  readonly cases: readonly Case[]
}

const FOLDER = 'test/cases/policy'

function requestFrom(c: Case) {
  const subject = subjectOf({
    id: c.as ?? 'user:kc/alice',
    groups: c.groups ?? [],
    roles: c.roles ?? [],
    claims: new Map(Object.entries(c.claims ?? {})),
    authentication: c.authentication ?? {},
  })
  return requestOf(c.do, {
    subject,
    ...(c.attributes && { resourceAttributes: c.attributes }),
    environment: {
      now: Date.parse(c.now ?? '2026-11-04T10:00:00Z'),
      client: { ip: c.ip ?? '203.0.113.7', source: 'peer' },
      ...(c.device && { device: { ...c.device, source: 'token' as const } }),
    },
  })
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'))) {
  const set = parse(readFileSync(`${FOLDER}/${file}`, 'utf8')) as CaseFile
  const textOf = (path: string | undefined) => path && readFileSync(path, 'utf8')
  describe(file, () => {
    it.each(set.cases.map((c) => [c.name, c] as const))('%s', async (_name, c) => {
      const policy = await policyOf(
        set.policy ?? textOf(set.policy_file) ?? '',
        set.conditions ?? textOf(set.conditions_file),
      )
      const decision = createDecisionPoint(policy).decide(requestFrom(c))
      expect(decision.reason ?? decision.effect).toBe(c.expect)
      if (c.line !== undefined) expect(decision.rule?.line).toBe(c.line)
      if (c.failed !== undefined) {
        expect(decision.failedConditions.map(({ name }) => name)).toEqual(c.failed)
      }
    })
  })
}
