/** `explain`: every flag that says something of the caller or the circumstances can turn a decision. */
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { writeGatewayFiles, type GatewayFiles } from '../support/built-gateway.ts'
import { inProcess } from '../support/cli.ts'

const POLICY = `p, role:reader, deploy, model:*, approved, allow
p, role:reader, read, model:*, gold, allow
p, role:reader, export, model:*, elevated, allow
p, role:reader, infer, model:*, at-home, allow
p, role:reader, retrain, model:*, context, allow
`
const CONDITIONS = `conditions:
  approved: { kind: approval, count: 1, from: [group:owners] }
  gold: { kind: token, claims: { tier: gold } }
  elevated: { kind: grant }
  at-home: { kind: geo, countries: [DE] }
  context: { kind: mfa, acrs: [c1] }
`

let files: GatewayFiles
beforeAll(async () => {
  files = await writeGatewayFiles({ policy: POLICY, rules: { 'conditions.yaml': CONDITIONS } })
})
afterAll(() => rm(files.dir, { recursive: true, force: true }))

const asked = (action: string) => [
  ...['explain', '--rules', files.rulesDir, '--subject', 'user:dev/alice', '--role', 'reader'],
  ...['--action', action, '--resource', 'model:fraud', '--at', '2026-11-23T10:00:00Z'],
]
const explain = (action: string, ...flags: string[]) =>
  inProcess([...asked(action), ...flags], { cwd: files.dir })

describe('a flag of explain turns the decision', () => {
  it.each([
    ['deploy', '--approval', 'user:dev/bob=group:owners', 'user:dev/alice=group:owners'],
    ['deploy', '--approval', 'user:dev/bob=group:owners', 'user:dev/bob=group:others'],
    ['read', '--claim', 'tier=gold', 'tier=tin'],
    ['export', '--grant', 'g1', 'g1=2026-11-23T09:00:00Z'],
    ['infer', '--country', 'DE', 'FR'],
    ['retrain', '--acrs', 'c0,c1', 'c0'],
  ])('%s with %s %s, and not with %s', async (action, flag, good, bad) => {
    const permitted = await explain(action, flag, good)
    expect(permitted).toMatchObject({ code: 0, stderr: '' })
    expect(permitted.stdout).toMatch(/^PERMIT {2}user:dev\/alice /)
    for (const flags of [[], [flag, bad]]) {
      const refused = await explain(action, ...flags)
      expect(refused).toMatchObject({ code: 1, stderr: '' })
      expect(refused.stdout).toMatch(/^DENY {2}user:dev\/alice /)
    }
  })
})
