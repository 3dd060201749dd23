import { join } from 'node:path'
import { beforeAll, expect, it } from '@jest/globals'
import { runKills } from '../kills/kills.ts'
import { ensureBuilt } from '../support/build.ts'

let dist = ''
beforeAll(async () => {
  dist = join(await ensureBuilt(), '../..')
}, 240_000)

// A few; `npm run test:kills` makes five hundred.
it('a ledger that is killed under load loses nothing it has promised', async () => {
  const report = await runKills({ kills: 12, dist, seed: 20_261_122 })
  expect(report).toMatchObject({ kills: 12, lost: [], unsigned: [], faults: [] })
  expect(report.promised.disk).toBeGreaterThan(0)
  expect(report.promised.kernel).toBeGreaterThan(0)
}, 120_000)
