/** The report of `modelgate diff` about rules of approval. */
import { describe, expect, it } from '@jest/globals'
import { compareApprovals } from '../../../gateway/access/approvals/compare.ts'
import { diffText } from '../../../gateway/cli/matrix/diff-text.ts'
import { createPaint } from '../../../gateway/cli/output/paint.ts'
import { compareRules } from '../../../gateway/pdp/analysis/diff.ts'
import { analysed } from '../../support/analysis.ts'
import { rule, rulesOf } from '../../support/elevation.ts'

const TEXTS = {
  policy: 'p, role:a, read, model:*, always, allow\n',
  conditions: 'conditions: {}\n',
}

async function report(old: Record<string, unknown>, now: Record<string, unknown>) {
  const rules = await analysed(TEXTS)
  const approvals = compareApprovals(rulesOf(old), rulesOf(now))
  return diffText(
    { ...compareRules(rules, rules), approvals },
    { old: 'a', new: 'b' },
    createPaint(false),
  )
}

describe('the report', () => {
  it('marks what makes agreeing easier', async () => {
    const before = { r: rule({ grant_ttl_max: '2h', demands: { ticket: 'OPS-*' } }), gone: rule() }
    const after = { r: rule({ grant_ttl_max: '1h', require: [{ from: ['role:approver'] }] }) }
    const text = await report(before, after)
    expect(text).toContain(`Rules of approval:
  - gone
      LOOK: looser or stricter  rule: export, retrain on *: 2 of role:approver
  ~ r
      LOOSER  require: 2 of role:approver -> 1 of role:approver
      stricter  grant_ttl_max: 7200 s -> 3600 s
      LOOSER  demands.ticket: OPS-* -> nothing
`)
    expect(text).toContain('2 rules of approval changed (2 maybe looser)')
  })

  it('says nothing where nothing has changed', async () => {
    expect(await report({ r: rule() }, { r: rule() })).not.toContain('of approval')
  })
})
