/**
 * `npm run bench -- locks`: from the call that sets a lock to the last byte of an open stream and to the
 * first refusal, on every one of several gateways over one Redis, under load.
 */
import { runLockTrials, startLockWorld, type LockTrial } from '../../support/lock-trials.ts'
import { describeMachine } from '../machine.ts'

const USAGE =
  'npm run bench -- locks [TRIALS] [GATEWAYS] [RATE]   200 trials, 4 gateways, 100 requests/s each\n'

/** Runs the trials and prints their percentiles; past a second at the 99th it fails. */
export async function locksBench(args: readonly string[]): Promise<void> {
  const [trials = 200, gateways = 4, rate = 100] = args.map(Number)
  const isUsable = [trials, gateways, rate].every((n) => Number.isInteger(n) && n >= 1)
  if (!isUsable || trials > 10_000 || gateways > 16 || rate > 2_000) {
    process.stdout.write(USAGE)
    process.exitCode = 2
    return
  }
  const world = await startLockWorld(gateways)
  try {
    const { trials: done, load } = await runLockTrials(world, {
      trials,
      rate,
      onTrial: (count) => process.stderr.write(`\r${count}/${trials} `),
    })
    process.stderr.write('\n')
    const { cpu, cores, node } = describeMachine()
    process.stdout.write(
      `${cpu}, ${cores} cores, node ${node}; ${gateways} gateways, ${load} requests beside\n`,
    )
    report(
      'last byte of an open stream, each',
      done.flatMap((one) => one.lastByteMs),
    )
    report(
      'last byte of an open stream, last of all',
      done.map(({ lastByteMs }) => Math.max(...lastByteMs)),
    )
    report(
      'first refusal, each',
      done.flatMap((one) => one.refusalMs),
    )
    report(
      'first refusal, last of all',
      done.map(({ refusalMs }) => Math.max(...refusalMs)),
    )
    report(
      'answer to the call',
      done.map(({ answeredMs }) => answeredMs),
    )
    if (worst(done) > 1_000) process.exitCode = 1
  } finally {
    await world.close()
  }
}

function worst(trials: readonly LockTrial[]): number {
  return percentile(
    trials.map(({ lastByteMs, refusalMs }) => Math.max(...lastByteMs, ...refusalMs)),
    0.99,
  )
}

function report(what: string, values: readonly number[]): void {
  const [p50, p99, most] = [0.5, 0.99, 1].map((part) => percentile(values, part).toFixed(1))
  process.stdout.write(`${what.padEnd(44)} p50 ${p50} ms, p99 ${p99} ms, most ${most} ms\n`)
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
}
