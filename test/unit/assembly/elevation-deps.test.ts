import { describe, expect, it } from '@jest/globals'
import { NO_APPROVAL_RULES } from '../../../gateway/access/approvals/rule.ts'
import {
  elevationDepsOf,
  elevationFor,
  type ElevationRules,
} from '../../../gateway/assembly/elevation-deps.ts'
import { createHoldings } from '../../../gateway/pdp/policy/role-links.ts'
import { person } from '../../support/elevation.ts'

const link = { member: 'group:stewards', role: 'role:approver' }
const holdingsOf = createHoldings([{ ...link, line: 1, column: 1 }])

function rules(): ElevationRules {
  return {
    approvals: NO_APPROVAL_RULES,
    policy: { holdingsOf },
    resources: {
      attributesOf: ({ name, version }) =>
        name === 'fraud' ? { tags: [version ?? 'none'] } : undefined,
    },
  }
}

describe('elevationDepsOf', () => {
  it('gives one object for each rule set', () => {
    const [one, other] = [rules(), rules()]
    expect(elevationDepsOf(one)).toBe(elevationDepsOf(one))
    expect(elevationDepsOf(other)).not.toBe(elevationDepsOf(one))
  })

  it('knows what somebody holds by way of groups and roles', () => {
    const dave = person('dave', ['group:stewards', 'role:reader'])
    const held = elevationDepsOf(rules()).holdingsOf(dave)
    const names = ['group:stewards', 'role:anyone', 'role:approver', 'role:reader', dave.id]
    expect([...held].sort()).toEqual(names)
  })

  it('works that out once for a person', () => {
    const deps = elevationDepsOf(rules())
    const dave = person('dave', ['group:stewards'])
    expect(deps.holdingsOf(dave)).toBe(deps.holdingsOf(dave))
  })

  it('finds the attributes of a resource by its text', () => {
    const deps = elevationDepsOf(rules())
    expect(deps.attributesOf('model:fraud@3')).toMatchObject({ tags: ['3'] })
    expect(deps.attributesOf('model:other')).toBeUndefined()
  })

  it('holds no filter where nobody calls', () => {
    expect(elevationDepsOf(rules()).filterHolds('always')).toBe(false)
  })
})

describe('elevationFor', () => {
  it('judges filters by the call, and all else by the rules', () => {
    const given = rules()
    const deps = elevationFor(given, (expression) => expression === 'mfa')
    expect([deps.filterHolds('mfa'), deps.filterHolds('managed')]).toEqual([true, false])
    expect(deps.rules).toBe(elevationDepsOf(given).rules)
    const dave = person('dave')
    expect(deps.holdingsOf(dave)).toBe(elevationDepsOf(given).holdingsOf(dave))
  })
})
