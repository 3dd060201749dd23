import { describe, expect, it } from '@jest/globals'
import { diagnosticText } from '../../../gateway/domain/diagnostics.ts'
import { createFindings } from '../../../gateway/pdp/policy/finding.ts'
import {
  checkRoleLinks,
  ROLE_CLOSURE_MAX,
  ROLE_TO_ROLE_MAX,
} from '../../../gateway/pdp/policy/role-links.ts'

function findingsOf(pairs: readonly (readonly [string, string])[]) {
  const findings = createFindings('policy.csv')
  const links = pairs.map(([member, role], i) => ({ line: i + 1, column: 4, member, role }))
  checkRoleLinks(links, findings)
  return findings.errors
}

const codesOf = (pairs: readonly (readonly [string, string])[]) =>
  findingsOf(pairs).map(({ line, code }) => `${line} ${code}`)

const role = (i: number) => `role:x${i}`

/** Members of each layer lead to all of the next. */
function layers(count: number, width: number): [string, string][] {
  const pairs: [string, string][] = []
  for (let layer = 0; layer + 1 < count; layer++) {
    for (let a = 0; a < width; a++) {
      for (let b = 0; b < width; b++) {
        pairs.push([role(layer * width + a), role((layer + 1) * width + b)])
      }
    }
  }
  return pairs
}

describe('circles of roles', () => {
  it('are shown whole, at the first of their rows', () => {
    const pairs = [
      ['group:a', 'role:x'],
      ['role:y', 'role:z'],
      ['role:z', 'role:w'],
      ['role:x', 'role:y'],
      ['role:w', 'role:y'],
    ] as const
    expect(findingsOf(pairs).map(diagnosticText)).toEqual([
      'policy.csv:2:4: error: roles go round in a circle: ' +
        'role:y → role:z → role:w → role:y [role-cycle]\n' +
        '    Remove one of these rows, for example `g, role:y, role:z`.',
    ])
  })

  it('are each reported once, and by their shortest way round', () => {
    const knot = [
      ['role:a', 'role:b'],
      ['role:b', 'role:c'],
      ['role:c', 'role:a'],
      ['role:b', 'role:a'],
      ['role:d', 'role:e'],
      ['role:e', 'role:d'],
      ['role:e', 'role:a'],
    ] as const
    expect(findingsOf(knot).map(({ message }) => message.split(': ')[1])).toEqual([
      'role:a → role:b → role:a',
      'role:d → role:e → role:d',
    ])
  })

  it('of any length are found without a deep stack, and shown shortened', () => {
    const count = 4000
    const ring = Array.from({ length: count }, (_, i) => [role(i), role((i + 1) % count)] as const)
    const [finding] = findingsOf(ring)
    expect(finding?.code).toBe('role-cycle')
    expect(finding?.message).toContain(`… (${count + 1} names)`)
    expect(finding?.message.length).toBeLessThan(1000)
  })
})

describe('the bounds of the role graph', () => {
  it('show the chain that is too deep', () => {
    const chain = Array.from({ length: 9 }, (_, i) => [role(i), role(i + 1)] as const)
    expect(findingsOf(chain)[0]?.message).toBe(
      'the roles of role:x0 form a chain deeper than 8: ' +
        Array.from({ length: 10 }, (_, i) => role(i)).join(' → '),
    )
    expect(codesOf(chain.slice(1))).toEqual([])
  })

  it('count links from role to role, and not those of groups and users', () => {
    const pairs = Array.from(
      { length: ROLE_TO_ROLE_MAX + 1 },
      (_, i) => [role(i % 2 === 0 ? i : i - 1), `role:y${i % 50}`] as const,
    )
    expect(codesOf(pairs)).toEqual([`${ROLE_TO_ROLE_MAX + 1} role-links`])
    expect(codesOf(pairs.map(([member, to]) => [`group:${member}`, to]))).toEqual([])
  })

  it('count all that a member comes to hold', () => {
    const wide = (count: number) =>
      Array.from({ length: count }, (_, i) => [
        ...(i % 60 === 0 ? [['user:kc/a', `role:hub${i / 60}`] as const] : []),
        [`role:hub${Math.floor(i / 60)}`, role(i)] as const,
      ]).flat()
    expect(codesOf(wide(ROLE_CLOSURE_MAX - 9))).toEqual([])
    expect(codesOf(wide(ROLE_CLOSURE_MAX))).toEqual(['1 role-closure'])
  })

  it('count a role that is reached in many ways once', () => {
    expect(codesOf([...layers(8, 20), ['user:kc/a', role(0)]])).toEqual([])
  })
})

describe('dense graphs', () => {
  it.each([
    [
      'all linked with all',
      layers(2, 60).map(
        ([a, b]) => [a, b.replace(/\d+/, (n) => String(Number(n) - 60))] as [string, string],
      ),
    ],
    ['nine full layers', layers(9, 22)],
    ['ten full layers', layers(10, 20)],
  ])('with %s take as many steps as they have rows', (_name, pairs) => {
    const looked = { count: 0 }
    const counted = pairs.map(([member, to], i) => ({
      line: i + 1,
      column: 4,
      get member() {
        looked.count++
        return member
      },
      role: to,
    }))
    checkRoleLinks(counted, createFindings('policy.csv'))
    expect(looked.count).toBeLessThan(20 * pairs.length)
  })

  it('are walked a number of times that does not grow with the number of ways', () => {
    // 20^8 ways lead from the first layer to the last; following each would never end.
    expect(codesOf(layers(9, 20))).toEqual([])
    expect(codesOf(layers(10, 20))[0]).toBe('1 role-depth')
  })
})
