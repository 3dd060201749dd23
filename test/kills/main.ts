/** `npm run test:kills [N] [SEED]`: N random kills (500), then what came of them; a loss is a failure. */
import { join } from 'node:path'
import { ensureBuilt } from '../support/build.ts'
import { runKills } from './kills.ts'

const LANES = 3
const [wanted = '500', from = String(Date.now() % 1_000_000)] = process.argv.slice(2)
const [kills, seed] = [Number(wanted), Number(from)]
if (!Number.isInteger(kills) || kills < LANES || kills > 100_000 || !Number.isInteger(seed)) {
  process.stdout.write('npm run test:kills -- [KILLS] [SEED]\n')
  process.exit(64)
}

const dist = join(await ensureBuilt(), '../..')
const started = performance.now()
let done = 0
const onKill = (): void => {
  if (++done % 50 === 0) process.stderr.write(`${done} of ${kills} kills\n`)
}
const lanes = await Promise.all(
  Array.from({ length: LANES }, (_, lane) => {
    const share = Math.floor(kills / LANES) + (lane < kills % LANES ? 1 : 0)
    return runKills({ kills: share, dist, seed: seed + lane, onKill })
  }),
)
const sum = (of: (lane: (typeof lanes)[number]) => number): number =>
  lanes.reduce((all, lane) => all + of(lane), 0)
const bad = lanes.flatMap(({ lost, unsigned, faults }) => [
  ...lost.map((id) => `lost: ${id}`),
  ...unsigned.map((id) => `not signed: ${id}`),
  ...faults,
])
process.stdout.write(`seed ${seed}, ${((performance.now() - started) / 1000).toFixed(0)} s
kills                              ${sum((lane) => lane.kills)}
  while the log was being opened   ${sum((lane) => lane.whileOpening)}
  that left half a line            ${sum((lane) => lane.tornKills)}
records promised to be on disk     ${sum((lane) => lane.promised.disk)}
records handed to the kernel       ${sum((lane) => lane.promised.kernel)}
promised and lost, or not signed   ${sum((lane) => lane.lost.length + lane.unsigned.length)}
other faults                       ${sum((lane) => lane.faults.length)}
`)
for (const one of bad.slice(0, 20)) process.stdout.write(`${one}\n`)
process.exitCode = bad.length === 0 ? 0 : 1
