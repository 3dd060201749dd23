import { describe, expect, it } from '@jest/globals'
import { createDecisionPoint } from '../../../gateway/pdp/decision/decision-point.ts'
import { errorsOf, load, policyOf, requestOf, warningsOf } from '../../support/policy.ts'

const ALLOW = 'p, role:anyone, read, model:*, always, allow\n'

describe('shadow rows', () => {
  it('are kept apart from the rules in force, whole and in order', async () => {
    const text = `p, role:anyone, read, model:a, always, deny , shadow\n${ALLOW}`
    const { table, shadow } = await policyOf(text)
    expect(table.rules.map(({ reference }) => reference.line)).toEqual([2])
    expect(table.shadowed.map(({ reference }) => reference.text)).toEqual([
      'p, role:anyone, read, model:a, always, deny, shadow',
      'p, role:anyone, read, model:*, always, allow',
    ])
    expect(shadow?.table.rules).toEqual(table.shadowed)
  })

  it('decide nothing in force, and are decided in the shadow', async () => {
    const text = `${ALLOW}p, role:anyone, read, model:a, always, deny, shadow\n`
    const point = createDecisionPoint(await policyOf(text))
    expect(point.decide(requestOf('read model:a')).effect).toBe('permit')
    expect(point.decideShadow?.(requestOf('read model:a')).effect).toBe('deny')
  })

  it('are one list with the rules where there is none', async () => {
    const { table, shadow } = await policyOf(ALLOW)
    expect(table.shadowed).toBe(table.rules)
    expect(shadow).toBeUndefined()
  })

  it.each([
    ['shadow alone', 'p, role:a, read, *, always, allow, shadow\n', '1:1 empty-policy'],
    ['a comment before it', '# x\np, role:a, read, *, always, allow, shadow\n', '2:1 empty-policy'],
    ['a capital', `${ALLOW}p, role:a, read, *, always, deny, Shadow\n`, '2:35 shadow-column'],
    ['another word', `${ALLOW}p, role:a, read, *, always, deny, enforce\n`, '2:35 shadow-column'],
    ['nothing', `${ALLOW}p, role:a, read, *, always, deny,\n`, '2:34 empty-field'],
    ['an eighth cell', `${ALLOW}p, role:a, read, *, always, deny, shadow, x\n`, '2:1 column-count'],
    ['a shadow membership', `${ALLOW}g, group:a, role:b, shadow\n`, '2:1 column-count'],
    [
      'an effect that is none',
      `${ALLOW}p, role:a, read, *, always, Deny, shadow\n`,
      '2:29 unknown-effect',
    ],
    [
      'a condition that is none',
      `${ALLOW}p, role:a, read, *, nope, deny, shadow\n`,
      '2:21 unknown-condition',
    ],
  ])('refuse the file for %s', async (_name, text, expected) => {
    expect(await errorsOf(text)).toEqual([expected])
  })

  it('say what to write instead', async () => {
    const loaded = await load(`${ALLOW}p, role:a, read, *, always, deny, trial\n`)
    expect(loaded.ok ? '' : loaded.diagnostics[0]?.remedy).toBe(
      'Write `shadow` to try the rule only, or remove the column to have it in force.',
    )
  })

  it('use conditions and roles like any other', async () => {
    const conditions = 'conditions:\n  mfa: { kind: mfa, required: true }\n'
    const text = `${ALLOW}p, role:a, export, *, mfa, deny, shadow\ng, group:x, role:a\n`
    const loaded = await load(text, conditions)
    expect(loaded.ok ? loaded.warnings : undefined).toEqual([])
  })

  it('may contradict a rule in force, and are superfluous where it says the same', async () => {
    const shadow = (rest: string) => `p, role:anyone, read, ${rest}, shadow\n`
    expect(await warningsOf(ALLOW + shadow('model:*, always, deny'))).toEqual([])
    expect(await warningsOf(ALLOW + shadow('model:*, always, allow'))).toEqual([
      '2:1 duplicate-row',
    ])
    expect(await warningsOf(shadow('model:a, mfa, allow') + ALLOW)).toEqual(['1:1 covered-rule'])
    expect(await warningsOf(shadow('*, always, allow') + ALLOW)).toEqual([])
    const deny = 'p, role:anyone, *, model:*, always, deny\n'
    expect(await warningsOf(deny + shadow('model:a, mfa, allow'))).toContain('2:1 unreachable-rule')
  })
})
