/** `npm run bench -- reload-storm`: a minute of rule changes under load, per way of changing files. */
import { runStorm, type StormVariant } from '../support/reload-storm.ts'

const VARIANTS: readonly StormVariant[] = ['symlink', 'rename', 'in-place']

/** The shortest time that files written in place must have rested to be read. */
const QUIET_MS = 250

/** Runs the storms one after another and prints what came of each; a wrong decision is a failure. */
export async function reloadStorm(args: readonly string[]): Promise<void> {
  const seconds = Number(args[0] ?? '60')
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 3_600) {
    process.stdout.write(
      'npm run bench -- reload-storm [SECONDS]   per way of changing files (60)\n',
    )
    process.exitCode = 2
    return
  }
  for (const variant of VARIANTS) {
    const load = { changesPerSecond: 20, requestsPerSecond: 300 }
    const report = await runStorm({ variant, seconds, ...load })
    process.stdout.write(`${JSON.stringify(report)}\n`)
    // A writer held up half-way for longer than files must rest leaves something else to be read.
    const isHeldUp = variant === 'in-place' && report.longestWriteMs >= QUIET_MS
    if (report.wrong > 0 && !isHeldUp) process.exitCode = 1
  }
}
