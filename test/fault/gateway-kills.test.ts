import { beforeAll, expect, it } from '@jest/globals'
import { runGatewayKills } from '../kills/gateway-kills.ts'
import { ensureBuilt } from '../support/build.ts'

beforeAll(async () => {
  await ensureBuilt()
}, 240_000)

// A few; `npm run test:kills -- --gateway` makes five hundred.
it('gateways that are killed under load have recorded whatever reached the upstream', async () => {
  const report = await runGatewayKills({ kills: 8, killsPerLog: 4, seed: 20_261_122 })
  expect(report).toMatchObject({ kills: 8, missing: [], unsigned: [], faults: [] })
  // The second log had half a line at its end once: that is recorded, and verifies as a gap.
  expect(report.verified).toEqual({ 0: 1, 4: 1 })
  expect(report.torn.recovered).toBeGreaterThan(0)
  expect(report.reached.infer).toBeGreaterThan(0)
  expect(report.reached.privileged).toBeGreaterThan(0)
}, 180_000)
