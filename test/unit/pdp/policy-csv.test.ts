import { describe, expect, it } from '@jest/globals'
import { diagnosticText } from '../../../gateway/domain/diagnostics.ts'
import { parsePolicy } from '../../../gateway/pdp/policy/policy-csv.ts'
import { errorsOf, load, placeAndCode, warningsOf } from '../../support/policy.ts'

const OK = 'p, role:reader, read, model:*, always, allow\n'

describe('rows that Casbin would skip, misread or accept', () => {
  it.each([
    ['an empty file', '', '1:1 empty-policy'],
    ['comments only', '# nothing\n\n', '1:1 empty-policy'],
    ['memberships only', 'g, group:a, role:b\n', '1:1 empty-policy'],
    ['a capital row type', `${OK}P, role:a, read, *, always, deny\n`, '2:1 unknown-row-type'],
    ['a second policy type', `${OK}p2, role:a, read, *, always, deny\n`, '2:1 unknown-row-type'],
    ['a bare word', `${OK}deny\n`, '2:1 unknown-row-type'],
    ['a missing effect', 'p, role:a, read, *, always\n', '1:1 column-count'],
    ['an extra column', 'p, role:a, read, *, always, allow, x\n', '1:36 shadow-column'],
    ['two extra columns', 'p, role:a, read, *, always, allow, shadow, x\n', '1:1 column-count'],
    ['a trailing comma', 'p, role:a, read, *, always, allow,\n', '1:35 empty-field'],
    ['a capital deny', 'p, role:a, read, *, always, Deny\n', '1:29 unknown-effect'],
    ['an unknown effect', 'p, role:a, read, *, always, permit\n', '1:29 unknown-effect'],
    ['a comment after deny', 'p, role:a, read, *, always, deny # x\n', '1:34 trailing-comment'],
    ['a glued comment', 'p, role:a, read, *, always, deny#x\n', '1:33 trailing-comment'],
    ['an empty subject', 'p, , read, *, always, allow\n', '1:3 empty-field'],
    ['an empty effect', 'p, role:a, read, *, always, \n', '1:28 empty-field'],
    ['quotes', 'p, "role:a", read, *, always, allow\n', '1:4 quote'],
    ['a tab', 'p,\trole:a, read, *, always, allow\n', '1:3 control-character'],
    ['a NUL', 'p, role:a\0, read, *, always, allow\n', '1:10 control-character'],
    ['a line separator', `p, role:a\u2028, read, *, always, allow\n`, '1:10 control-character'],
    ['a zero-width space', `p, role:a\u200b, read, *, always, allow\n`, '1:10 control-character'],
    ['a no-break space', `p, role:a\u00a0b, read, *, always, allow\n`, '1:10 control-character'],
    ['a byte order mark', `\ufeff${OK}`, '1:1 byte-order-mark'],
    ['CR-only lines', 'p, role:a, read, *, always, allow\rx\n', '1:34 carriage-return'],
    ['a long line', `#${'x'.repeat(2048)}\n${OK}`, '1:2049 line-too-long'],
    ['no prefix', 'p, admin, read, *, always, allow\n', '1:4 subject-prefix'],
    ['a capital prefix', 'p, Role:a, read, *, always, allow\n', '1:4 subject-prefix'],
    ['an empty name', 'p, role:, read, *, always, allow\n', '1:4 subject-name'],
    ['a subject wildcard', 'p, user:*, read, *, always, allow\n', '1:4 subject-wildcard'],
    ['an unknown action', 'p, role:a, exprot, *, always, allow\n', '1:12 unknown-action'],
    ['a capital action', 'p, role:a, Read, *, always, allow\n', '1:12 unknown-action'],
    ['two actions', 'p, role:a, read|infer, *, always, allow\n', '1:12 unknown-action'],
    ['an unknown condition', 'p, role:a, read, *, mfa & mfaa, allow\n', '1:27 unknown-condition'],
    ['a doubled and', 'p, role:a, read, *, mfa && mfa, allow\n', '1:26 when-syntax'],
  ])('refuses %s', async (_name, text, expected) => {
    expect(await errorsOf(text)).toEqual([expected])
  })

  it.each([
    ['model', 17],
    ['modle:x', 17],
    ['model:', 23],
    ['model:/x/{', 26],
    ['model:(a+)+', 23],
    ['model:.*', 23],
    ['model:a**', 24],
    ['model:café', 26],
    ['model:a?b', 24],
    ['model:x@', 25],
    ['model:x@1@2', 26],
    ['dataset:x@1', 26],
    [`model:${'x'.repeat(257)}`, 23],
    ['model:a*b*c*d*e*f*g*h*i*j', 23],
    ['/**', 17],
  ])('refuses the pattern %s', async (pattern, column) => {
    const row = `p, role:a, read,${pattern}, always, deny\n`
    expect(await errorsOf(row)).toEqual([`1:${column} resource-pattern`])
  })

  it('names every error of a file, not just the first', async () => {
    const text = 'p, a, read, *, always, allow\nq\np, role:a, rd, x, nope, Deny\n'
    expect(await errorsOf(text)).toEqual([
      '1:4 subject-prefix',
      '2:1 unknown-row-type',
      '3:12 unknown-action',
      '3:16 resource-pattern',
      '3:19 unknown-condition',
      '3:25 unknown-effect',
    ])
  })

  it('lists a bounded number of them', async () => {
    expect(await errorsOf('x\n'.repeat(5000))).toHaveLength(201)
  })

  it('refuses more than 100,000 rows', () => {
    const text = OK.repeat(100_001)
    const parsed = parsePolicy({ file: 'policy.csv', text }, new Set())
    expect(parsed.ok).toBe(false)
    expect(parsed.ok ? [] : parsed.diagnostics[0]?.code).toBe('too-many-rows')
  })
})

describe('what a message says', () => {
  it('gives file, line, column, what and what to write instead', async () => {
    const loaded = await load('p, role:a, exprot, *, always, allow\n')
    expect(loaded.ok ? [] : loaded.diagnostics.map(diagnosticText)).toEqual([
      'policy.csv:1:12: error: `exprot` is not an action [unknown-action]\n' +
        '    Did you mean `export`?',
    ])
  })

  it.each([
    ['p, role:a, read, *, always, Deny\n', 'Write `deny`.'],
    ['p, role:a, read, modl:x, always, deny\n', 'Did you mean `model:`?'],
    ['p, role:a, read, *, office-hour, deny\n', 'Did you mean `office-hours`?'],
    ['p, admin, read, *, always, deny\n', 'Write one of: user:admin, group:admin, role:admin.'],
  ])('suggests what was meant in %j', async (text, remedy) => {
    const loaded = await load(text)
    expect(loaded.ok ? '' : loaded.diagnostics[0]?.remedy).toBe(remedy)
  })
})

describe('what is accepted', () => {
  it('takes CR LF, padding, blank lines and comments on their own lines', async () => {
    const text = `# a comment\r\n\r\n  p ,role:reader,  read,model:*,always,allow  \r\n`
    expect(await warningsOf(text)).toEqual([])
  })

  it('warns of repetitions, contradictions and open doors', async () => {
    const text = [
      'p, role:a, read, *, mfa & office-hours, allow',
      'p, role:a, read, *, mfa&office-hours,   allow',
      'p, role:a, read, *, mfa & office-hours, deny',
      'p, role:anyone, export, *, always, allow',
    ].join('\n')
    expect(await warningsOf(text)).toEqual([
      '2:1 duplicate-row',
      '3:1 contradiction',
      '4:1 wide-open',
    ])
  })

  it('warns of a file that may have been cut off inside its last row', async () => {
    const codesOf = async (text: string) => {
      const loaded = await load(text, 'conditions: {}\n')
      return loaded.ok ? loaded.warnings.map(placeAndCode) : []
    }
    expect(await codesOf(OK)).toEqual([])
    expect(await codesOf(OK.trim())).toEqual(['1:45 no-final-newline'])
    expect(await codesOf(`${OK}# the end`)).toEqual([])
  })

  it('warns of a condition that no rule uses, where it is written', async () => {
    const loaded = await load(OK, 'conditions:\n  night:\n    { kind: mfa, required: true }\n')
    expect(loaded.ok ? loaded.warnings : []).toMatchObject([
      { file: 'conditions.yaml', line: 3, code: 'unused-condition', severity: 'warning' },
    ])
  })
})
