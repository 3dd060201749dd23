import { describe, expect, it } from '@jest/globals'
import { matrixDocument } from '../../../../gateway/pdp/analysis/matrix-document.ts'
import { whatCan } from '../../../../gateway/pdp/analysis/what-can.ts'
import { whoCan } from '../../../../gateway/pdp/analysis/who-can.ts'
import { docsHtml } from '../../../../gateway/cli/matrix/docs-html.ts'
import { docsMarkdown } from '../../../../gateway/cli/matrix/docs-markdown.ts'
import { analysed, resourceOf } from '../../../support/analysis.ts'

const RULES = {
  policy: `
p, role:exporter, export, model:*, net & mfa, allow
p, role:blocked, export, model:crown, always, deny
p, role:anyone, export, model:crown, !net, deny
p, role:trainer, retrain, model:*, always, allow
g, group:ml, role:lead
g, role:lead, role:exporter
g, role:blocked, role:exporter
`,
  conditions: `
conditions:
  net: { kind: network, cidrs: [10.0.0.0/8], description: "<b>Offices</b> & 'VPN' | x" }
  mfa: { kind: mfa, required: true }
`,
  limits: `
limits:
  small: { for: [role:exporter], actions: [export], resources: ['model:crown'], response: { bytes: 1MiB } }
`,
}
const rules = await analysed(RULES)

describe('who-can', () => {
  const crown = whoCan(rules, { action: 'export', resource: resourceOf('model:crown') })

  it('names everybody, with the chain of roles, and when', () => {
    expect(
      crown.permitted.map(({ principal, when, rules: [first] }) => [
        principal,
        when.text,
        first?.through.join(' > '),
      ]),
    ).toEqual([
      ['group:ml', 'net & mfa', 'group:ml > role:lead > role:exporter'],
      ['role:exporter', 'net & mfa', 'role:exporter'],
      ['role:lead', 'net & mfa', 'role:lead > role:exporter'],
    ])
    expect(crown.privileged).toBe(true)
  })

  it('names who is kept out, and the denies that stand against it', () => {
    expect(crown.blocked).toEqual(['role:blocked'])
    expect(crown.denies.map(({ subject, when }) => [subject, when.text])).toEqual([
      ['role:blocked', 'always'],
      ['role:anyone', 'net not met'],
    ])
  })

  it('takes settled conditions as given', () => {
    const asked = { action: 'export' as const, resource: resourceOf('model:x') }
    const inside = whoCan(rules, asked, (_, name) => (name === 'net' ? 'true' : undefined))
    expect(inside.permitted.find(({ principal }) => principal === 'role:exporter')?.when.text).toBe(
      'mfa',
    )
    expect(
      whoCan(rules, asked, (_, name) => (name === 'net' ? 'false' : undefined)).permitted,
    ).toEqual([])
  })
})

describe('what-can', () => {
  it('lists what one caller may do, and the limits that come with it', () => {
    const { abilities, limits, holds } = whatCan(rules, ['user:kc/a', 'group:ml'])
    expect(holds).toContain('role:exporter')
    expect(
      abilities.map((a) => [a.action, a.resources.text, a.when.text, a.limits.join()]),
    ).toEqual([
      ['export', 'model:* except model:crown', 'net & mfa', ''],
      ['export', 'model:crown', 'net & mfa', 'small'],
    ])
    expect(limits.map(({ demands }) => demands)).toEqual([['answers of at most 1 MiB']])
  })

  it('takes a deny of one role from everything the caller has', () => {
    const { abilities } = whatCan(rules, ['role:exporter', 'role:blocked'])
    expect(abilities.map((a) => a.resources.text)).toEqual(['model:* except model:crown'])
  })
})

describe('docs', () => {
  const document = matrixDocument(rules)

  it('says who can do two privileged things', async () => {
    const note = (d: typeof document) =>
      d.separation.find(({ actions }) => actions.join() === 'export,retrain')?.both
    expect(note(document)).toEqual([])
    const policy = `${RULES.policy}g, group:ml, role:trainer\n`
    expect(note(matrixDocument(await analysed({ ...RULES, policy })))).toEqual(['group:ml'])
  })

  it('escapes what operators wrote, in both formats', () => {
    const html = docsHtml(document)
    expect(html).not.toContain('<b>')
    expect(html).toContain('&lt;b&gt;Offices&lt;/b&gt; &amp; &#39;VPN&#39; | x')
    expect(html).not.toMatch(/<script|src=|href=/)
    const markdown = docsMarkdown(document)
    expect(markdown).toContain("&lt;b>Offices&lt;/b> &amp; 'VPN' \\| x")
    expect(markdown).toContain(
      '- **Never** export on model:crown, when not from 10.0.0.0/8, or when',
    )
  })
})
