/** `npm run bench -- guard`: what the response guard costs as answers pass it. */
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { describeMachine } from '../machine.ts'
import { allTraffic, roundTripUs, smallAnswerUs, throughput } from './measure.ts'

export const GUARD_USAGE = `npm run bench -- guard [options]

  --quick           one short round
  --rounds N        interleaved rounds (default 5)
  --format json     the report as JSON instead of text
`

/** Wanted: GB a second on one core, and the share of a small answer that the guard may add. */
const WANTED_GBPS = 1
const WANTED_SHARE = 0.03
const ROUNDS_MAX = 50

/** Kinds that are looked into, not passed through: decoded as they pass. */
const NOT_PASS_THROUGH: ReadonlySet<string> = new Set(['events, one at a time', 'base64 in JSON'])

/** Measures and prints. @throws Error for an option that is not known or out of bounds */
export async function guardBench(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      format: { type: 'string', default: 'text' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(GUARD_USAGE)
    return
  }
  const rounds = Number(values.rounds ?? (values.quick ? '1' : '5'))
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
    throw new Error(`--rounds is a number from 1 to ${ROUNDS_MAX}`)
  }
  const report = await measure(rounds, values.quick ? 200 : 600)
  process.stdout.write(
    values.format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : text(report),
  )
}

type Report = Awaited<ReturnType<typeof measure>>

async function measure(rounds: number, measureMs: number) {
  const traffic = allTraffic()
  const speeds = traffic.map((): number[] => [])
  const [smalls, trips]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    for (const [i, one] of traffic.entries()) speeds[i]?.push(throughput(one, measureMs))
    smalls.push(smallAnswerUs(measureMs))
    trips.push(await roundTripUs(measureMs))
  }
  const [guardUs, tripUs] = [median(smalls), median(trips)]
  return {
    machine: describeMachine(),
    rounds,
    busy: loadavg()[0] ?? 0,
    throughput: traffic.map(({ kind }, i) => ({ kind, gbps: median(speeds[i] ?? []) })),
    small: { guardUs, tripUs, share: guardUs / tripUs },
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}

function text({ machine, rounds, busy, throughput: rows, small }: Report): string {
  const lines = rows.map(({ kind, gbps }) => {
    const wanted = NOT_PASS_THROUGH.has(kind) ? '-' : verdict(gbps >= WANTED_GBPS)
    return `  ${kind.padEnd(24)} ${gbps.toFixed(2).padStart(6)} GB/s   ${wanted}`
  })
  return `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.date}
Medians of ${rounds} interleaved rounds, by time of processor; load average ${busy.toFixed(1)}

Pass-through on one core, pieces of 64 KiB (wanted: ${WANTED_GBPS} GB/s)
${lines.join('\n')}

A JSON answer of 1 KiB (wanted: ${WANTED_SHARE * 100} % at most)
  guard ${small.guardUs.toFixed(2)} µs, round trip over loopback ${small.tripUs.toFixed(0)} µs: ${(small.share * 100).toFixed(2)} %   ${verdict(small.share <= WANTED_SHARE)}
`
}

function verdict(isAsWanted: boolean): string {
  return isAsWanted ? 'as wanted' : 'NOT AS WANTED'
}
