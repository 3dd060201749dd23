import { describe, expect, it } from '@jest/globals'
import { diagnosticText } from '../../../gateway/domain/diagnostics.ts'
import { parsePolicy } from '../../../gateway/pdp/policy/policy-csv.ts'
import type { KnownNames } from '../../../gateway/pdp/policy/warnings-of-names.ts'
import { placeAndCode } from '../../support/policy.ts'

const KNOWN: KnownNames = {
  issuerNames: new Set(['corp', 'ci']),
  issuerRoles: new Set(['role:admin']),
  upstreams: new Set(['llm-1', 'registry']),
}

function warningsOf(rows: readonly string[], known?: KnownNames) {
  const text = `${rows.join('\n')}\n`
  const parsed = parsePolicy({ file: 'policy.csv', text }, new Set(), { known })
  if (!parsed.ok) throw new Error(parsed.diagnostics.map(diagnosticText).join('\n'))
  return parsed.warnings
}

const codesOf = (rows: readonly string[], known?: KnownNames) =>
  warningsOf(rows, known).map(placeAndCode)

const rule = (subject: string, resource = 'model:*') =>
  `p, ${subject}, read, ${resource}, always, allow`

describe('roles that nobody has', () => {
  it('are reported when the configuration is known and no issuer asserts them', () => {
    const rows = [rule('role:admin'), rule('role:reader'), rule('role:anyone', 'dataset:*')]
    expect(warningsOf(rows, KNOWN).map(diagnosticText)).toEqual([
      'policy.csv:2:4: warning: nobody has role:reader [unheld-role]\n' +
        '    Give it with a `g` row: `g, group:<name>, role:reader`.',
    ])
  })

  it('are, without the configuration, reported only if the file gives roles at all', () => {
    expect(codesOf([rule('role:reader')])).toEqual([])
    const rows = [rule('role:reader'), rule('role:redaer', 'dataset:*'), 'g, group:a, role:reader']
    expect(warningsOf(rows).map(diagnosticText)).toEqual([
      'policy.csv:2:4: warning: nobody has role:redaer, unless an issuer asserts it ' +
        '[unheld-role]\n    Did you mean role:reader?',
    ])
  })

  it('include those that only such roles are given', () => {
    const rows = [rule('role:b'), 'g, role:a, role:b']
    expect(codesOf(rows)).toEqual(['2:4 unheld-role'])
    expect(codesOf(rows, KNOWN)).toEqual(['1:4 unheld-role', '2:4 unheld-role'])
    expect(codesOf([...rows, 'g, group:x, role:a'], KNOWN)).toEqual([])
    expect(codesOf([rule('role:b'), 'g, role:admin, role:b'], KNOWN)).toEqual([])
    expect(codesOf([rule('role:b'), 'g, role:anyone, role:b'], KNOWN)).toEqual([])
  })

  it('are not those that no rule names: these are idle', () => {
    expect(codesOf([rule('group:a'), 'g, group:b, role:c'], KNOWN)).toEqual(['2:4 idle-role'])
  })
})

describe('names that the configuration does not have', () => {
  it('are issuers of users, in rules and memberships', () => {
    const rows = [
      rule('user:corpp/alice'),
      rule('user:ci/bot'),
      rule('role:a', 'dataset:*'),
      'g, user:x9/bob, role:a',
    ]
    expect(warningsOf(rows, KNOWN).map(diagnosticText)).toEqual([
      'policy.csv:1:9: warning: no issuer is named `corpp` in the configuration; ' +
        'user:corpp/alice is nobody [unknown-issuer]\n    Did you mean `corp`?',
      'policy.csv:4:9: warning: no issuer is named `x9` in the configuration; ' +
        'user:x9/bob is nobody [unknown-issuer]\n    Write the name of an issuer: corp, ci.',
    ])
    expect(codesOf(rows)).toEqual([])
  })

  it('are upstreams of server rules', () => {
    const rows = ['llm-1', 'llm-*', '*', 'llm-2', 'x-*'].map((name, i) =>
      rule(`group:${i}`, `server:${name}`),
    )
    expect(codesOf(rows, KNOWN)).toEqual(['4:26 unknown-upstream', '5:26 unknown-upstream'])
    expect(warningsOf(rows, KNOWN)[0]?.remedy).toBe('Did you mean `llm-1`?')
    expect(codesOf(rows)).toEqual([])
  })
})

describe('patterns that nothing can be called', () => {
  it.each([
    ['model:/crown/*', '1:29'],
    ['model:../x', '1:29'],
    ['model:a..b', '1:29'],
    ['dataset:a//b', '1:31'],
    ['model:crown/', '1:29'],
    ['model:a@01', '1:31'],
    ['model:a@v:1', '1:31'],
    ['model:a@-1', '1:31'],
  ])('%s', (pattern, place) => {
    expect(codesOf([rule('role:anyone', pattern)])).toEqual([`${place} unreachable-pattern`])
  })

  it.each(['model:a.b/c:d-e_f@0', 'model:*/x', 'model:a@*', 'model:a@10', 'server:_x', '*'])(
    'and %s is not one of them',
    (pattern) => {
      expect(codesOf([rule('role:anyone', pattern)])).toEqual([])
    },
  )
})
