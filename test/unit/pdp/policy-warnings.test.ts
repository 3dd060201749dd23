import { describe, expect, it } from '@jest/globals'
import { diagnosticText } from '../../../gateway/domain/diagnostics.ts'
import { load, warningsOf } from '../../support/policy.ts'

const lines = (...rows: string[]) => rows.join('\n')

/** Texts of the warnings with that code. */
async function textsOf(code: string, policy: string) {
  const loaded = await load(policy)
  if (!loaded.ok) throw new Error(loaded.diagnostics.map(diagnosticText).join('\n'))
  return loaded.warnings.filter((w) => w.code === code).map(diagnosticText)
}

describe('a rule that another one covers', () => {
  it.each([
    ['a wider resource', 'read, model:*, mfa, allow', 'read, model:a-*, mfa, allow'],
    ['every version', 'read, model:a, mfa, allow', 'read, model:a@1, mfa, allow'],
    ['a wider version', 'read, model:a@1*, mfa, allow', 'read, model:a@1.2, mfa, allow'],
    ['everything', 'read, *, mfa, allow', 'read, server:x, mfa, allow'],
    ['the star action', '*, model:a, mfa, allow', 'infer, model:a, mfa, allow'],
    ['no condition', 'read, model:a, always, allow', 'read, model:a, mfa, allow'],
    ['fewer conditions', 'read, *, mfa, allow', 'read, *, office-hours & mfa, allow'],
    ['a wider deny', 'read, model:*, mfa, deny', 'read, model:a, mfa, deny'],
  ])('by %s is reported, wherever the other stands', async (_name, wide, narrow) => {
    const [a, b] = [`p, role:a, ${wide}`, `p, role:a, ${narrow}`]
    expect(await warningsOf(lines(a, b))).toEqual(['2:1 covered-rule'])
    expect(await warningsOf(lines(b, a))).toEqual(['1:1 covered-rule'])
  })

  it.each([
    ['another subject', 'p, role:b, read, model:*, mfa, allow'],
    ['another effect', 'p, role:a, read, model:b-*, mfa, deny'],
    ['another condition', 'p, role:a, read, model:*, office-hours, allow'],
    ['a stricter condition', 'p, role:a, read, model:*, mfa & office-hours, allow'],
    ['a part of the names', 'p, role:a, read, model:*-b, mfa, allow'],
    ['another kind', 'p, role:a, read, dataset:*, mfa, allow'],
    ['the star, which is not privileged', 'p, role:a, *, model:a-b, mfa, allow'],
  ])('is not reported for %s', async (name, other) => {
    const action = name.startsWith('the star') ? 'export' : 'read'
    expect(await warningsOf(lines(`p, role:a, ${action}, model:a-*, mfa, allow`, other))).toEqual(
      [],
    )
  })

  it('is, where both cover each other, the later one', async () => {
    const rows = (effect: string) =>
      ['model:a@*', 'model:a'].map((pattern) => `p, role:a, read, ${pattern}, mfa, ${effect}`)
    expect(await warningsOf(lines(...rows('deny')))).toEqual(['2:1 covered-rule'])
    expect(await warningsOf(lines(...rows('deny').reverse()))).toEqual(['2:1 covered-rule'])
    // An allow of any version does not reach a request that names none.
    expect(await warningsOf(lines(...rows('allow')))).toEqual(['1:1 covered-rule'])
  })

  it('is found through roles, and through everybody', async () => {
    const rules = [
      'p, role:a, read, model:x, mfa, allow',
      'p, role:b, read, model:*, mfa, allow',
      'p, group:g, infer, model:x, mfa, allow',
      'p, role:anyone, infer, model:*, mfa, allow',
    ]
    const links = ['g, group:g, role:a', 'g, role:a, role:c', 'g, role:c, role:b']
    expect(await textsOf('covered-rule', lines(...rules, ...links))).toEqual([
      'policy.csv:1:1: warning: line 2 already allows everything that this allows [covered-rule]\n' +
        '    Remove this row, or narrow line 2.',
      'policy.csv:3:1: warning: line 4 already allows everything that this allows [covered-rule]\n' +
        '    Remove this row, or narrow line 4.',
    ])
  })
})

describe('a rule that can never apply', () => {
  it('is an allow of which everything is denied', async () => {
    const rows = [
      'p, role:a, read, model:x, mfa, allow',
      'p, role:anyone, read, model:*, mfa, deny',
    ]
    expect(await textsOf('unreachable-rule', lines(...rows))).toEqual([
      'policy.csv:1:1: warning: line 2 denies everything that this would allow ' +
        '[unreachable-rule]\n    Remove this row, or narrow line 2.',
    ])
    const part = 'p, role:anyone, read, model:x, !office-hours, deny'
    expect(await textsOf('unreachable-rule', lines(rows[0] ?? '', part))).toEqual([])
  })

  it('is one whose when contradicts itself', async () => {
    expect(await textsOf('unreachable-rule', 'p, role:a, read, *, mfa & !mfa, allow')).toEqual([
      'policy.csv:1:21: warning: `mfa & !mfa` can never be true; this never applies ' +
        '[unreachable-rule]\n    Correct it, or remove the row.',
    ])
    const row = (when: string, effect: string) => `p, role:a, read, *, ${when}, ${effect}`
    for (const when of ['!always', 'office-hours & !(office-hours | mfa)', '!(mfa | !mfa)']) {
      expect(await warningsOf(row(when, 'allow'))).toContain('1:21 unreachable-rule')
    }
    // A deny applies unless it is known not to: where it is unknown, this one does.
    expect(await warningsOf(row('mfa & !mfa', 'deny'))).toEqual(['1:21 when-contradiction'])
    expect(await warningsOf(row('office-hours & !office-hours', 'deny'))).toEqual([
      '1:21 unreachable-rule',
    ])
  })
})

describe('conditions that say nothing', () => {
  it.each([
    ['mfa | !mfa', 'allow', ['1:21 when-tautology', '1:28 negated-optional']],
    ['mfa | always', 'allow', ['1:21 when-tautology']],
    ['office-hours | !office-hours', 'deny', ['1:21 when-tautology']],
    ['mfa & office-hours', 'allow', []],
    ['mfa & (mfa | office-hours)', 'allow', []],
  ])('as in `%s` of a rule that would %s', async (when, effect, expected) => {
    expect(await warningsOf(`p, role:a, read, *, ${when}, ${effect}`)).toEqual(expected)
  })

  it('are negated where they can be unknown, and only in an allow', async () => {
    const row = (when: string, effect = 'allow') => `p, role:a, read, *, ${when}, ${effect}`
    expect(await warningsOf(row('office-hours & !mfa'))).toEqual(['1:37 negated-optional'])
    expect(await warningsOf(row('!(office-hours & mfa)'))).toEqual(['1:38 negated-optional'])
    expect(await warningsOf(row('!office-hours & !corp-network'))).toEqual([])
    expect(await warningsOf(row('!(!mfa)'))).toEqual([])
    expect(await warningsOf(row('!mfa', 'deny'))).toEqual([])
  })
})

describe('doors that are open or shut for everybody', () => {
  it.each([
    ['*, *, always, deny', ['1:1 locks-everyone']],
    ['*, model:*, always, deny', ['1:1 locks-everyone']],
    ['*, model:x, always, deny', []],
    ['export, *, always, deny', []],
    ['*, *, !corp-network, deny', []],
    ['export, *, always, allow', ['1:1 wide-open']],
    ['infer, *, always, allow', []],
  ])('role:anyone, %s', async (rest, expected) => {
    expect(await warningsOf(`p, role:anyone, ${rest}`)).toEqual(expected)
  })
})

describe('the list of warnings', () => {
  it('is in the order of the file, and bounded for each code', async () => {
    const rows = Array.from({ length: 300 }, () => 'p, role:a, read, *, mfa, allow')
    const found = await warningsOf(lines(...rows, 'p, role:a, infer, *, !mfa, allow'))
    expect(found).toHaveLength(52)
    expect(found.slice(0, 2)).toEqual(['2:1 duplicate-row', '3:1 duplicate-row'])
    expect(found.slice(-2)).toEqual(['52:1 too-many-findings', '301:23 negated-optional'])
    expect(await textsOf('too-many-findings', lines(...rows))).toEqual([
      'policy.csv:52:1: warning: 249 more duplicate-row, the first of them here, are not listed ' +
        '[too-many-findings]\n    Correct the ones that are listed first.',
    ])
  })
})
