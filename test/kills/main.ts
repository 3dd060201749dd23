/**
 * `npm run test:kills -- [--gateway] [N] [SEED]`: N random kills (500), of programs that only write a
 * ledger, or of whole gateways; then what came of them. A loss is a failure.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureBuilt } from '../support/build.ts'
import { runGatewayKills } from './gateway-kills.ts'
import { runKills } from './kills.ts'

const USAGE = 'npm run test:kills -- [--gateway] [KILLS] [SEED]\n'
/** Processes at a time. */
const LANES = { writer: 3, gateway: 2 }

const { values, positionals } = parseArgs({
  options: { gateway: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const kind = values.gateway ? 'gateway' : 'writer'
const [wanted = '500', from = String(Date.now() % 1_000_000)] = positionals
const [kills, seed] = [Number(wanted), Number(from)]
if (!Number.isInteger(kills) || kills < LANES[kind] || kills > 100_000 || !Number.isInteger(seed)) {
  process.stdout.write(USAGE)
  process.exit(64)
}

const dist = join(await ensureBuilt(), '../..')
const started = performance.now()
const { bad, rows } = await (kind === 'gateway' ? gateways() : writers())
const seconds = Math.round((performance.now() - started) / 1000)
const all: Outcome['rows'] = [['seed', seed], ['seconds', seconds], ...rows]
for (const [what, count] of all)
  process.stdout.write(`${what.padEnd(50)} ${count}
`)
for (const one of bad.slice(0, 20)) process.stdout.write(`${one}\n`)
process.exitCode = bad.length === 0 ? 0 : 1

interface Outcome {
  readonly bad: readonly string[]
  readonly rows: readonly (readonly [string, string | number])[]
}

async function writers(): Promise<Outcome> {
  const lanes = await inLanes((plan) => runKills({ ...plan, dist }))
  const sum = summing(lanes)
  const bad = lanes.flatMap(({ lost, unsigned, faults }) => [
    ...lost.map((id) => `lost: ${id}`),
    ...unsigned.map((id) => `not signed: ${id}`),
    ...faults,
  ])
  return {
    bad,
    rows: [
      ['kills', sum((lane) => lane.kills)],
      ['  while the log was being opened', sum((lane) => lane.whileOpening)],
      ['  that left half a line', sum((lane) => lane.tornKills)],
      ['records promised to be on disk', sum((lane) => lane.promised.disk)],
      ['records handed to the kernel', sum((lane) => lane.promised.kernel)],
      ['promised and lost, or not signed', sum((lane) => lane.lost.length + lane.unsigned.length)],
      ['other faults', sum((lane) => lane.faults.length)],
    ],
  }
}

async function gateways(): Promise<Outcome> {
  const lanes = await inLanes(runGatewayKills)
  const sum = summing(lanes)
  const bad = lanes.flatMap(({ missing, unsigned, faults }) => [
    ...missing.map((request) => `no record: ${request}`),
    ...unsigned.map((request) => `not signed: ${request}`),
    ...faults,
  ])
  const startsMs = lanes.flatMap((lane) => lane.startsMs).sort((a, b) => a - b)
  const startMs = (share: number): number =>
    Math.round(startsMs[Math.floor((startsMs.length - 1) * share)] ?? 0)
  return {
    bad,
    rows: [
      ['gateways killed', sum((lane) => lane.kills)],
      ['  while they started', sum((lane) => lane.killedWhile.starting)],
      ['  at a random instant under load', sum((lane) => lane.killedWhile.busy)],
      ['  as a privileged request reached the upstream', sum((l) => l.killedWhile.privileged)],
      ['predictions that reached the upstream', sum((lane) => lane.reached.infer)],
      ['privileged requests that reached the upstream', sum((lane) => lane.reached.privileged)],
      ['  of all these, without a record', sum((lane) => lane.missing.length)],
      ['  privileged, with a record that is not signed', sum((lane) => lane.unsigned.length)],
      ['half lines left by kills', sum((lane) => lane.torn.byKills)],
      ['half lines put there between a kill and a start', sum((lane) => lane.torn.byHand)],
      ['half lines that a start has moved and recorded', sum((lane) => lane.torn.recovered)],
      ['half lines moved by a start that was killed then', sum((lane) => lane.torn.untold)],
      ['starts, middle and longest in milliseconds', `${startMs(0.5)} ${startMs(1)}`],
      ['logs closed and verified, by exit code', counts(lanes.map((lane) => lane.verified))],
      ['answers by status', counts(lanes.map((lane) => lane.statuses))],
      ['other faults', sum((lane) => lane.faults.length)],
    ],
  }
}

/** Runs a share of the kills in each lane. */
async function inLanes<Report>(
  run: (plan: { kills: number; seed: number; onKill: () => void }) => Promise<Report>,
): Promise<Report[]> {
  let done = 0
  const onKill = (): void => {
    if (++done % 50 === 0) process.stderr.write(`${done} of ${kills} kills\n`)
  }
  const lanes = LANES[kind]
  return Promise.all(
    Array.from({ length: lanes }, (_, lane) => {
      const share = Math.floor(kills / lanes) + (lane < kills % lanes ? 1 : 0)
      return run({ kills: share, seed: seed + lane, onKill })
    }),
  )
}

function summing<Report>(lanes: readonly Report[]) {
  return (of: (lane: Report) => number): number => lanes.reduce((all, lane) => all + of(lane), 0)
}

function counts(all: readonly Readonly<Record<string, number>>[]): string {
  const total = new Map<string, number>()
  for (const [key, count] of all.flatMap((one) => Object.entries(one))) {
    total.set(key, (total.get(key) ?? 0) + count)
  }
  return [...total].map(([key, count]) => `${key}: ${count}`).join(', ')
}
