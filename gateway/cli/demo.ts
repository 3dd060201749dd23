import { createLeaving, type Leaving } from './demo/leaving.ts'
import { createPaint, type Paint } from './output/paint.ts'
import { stepText, summaryText } from './demo/print.ts'
import { reportJson } from './demo/report-json.ts'
import { STEPS } from './demo/steps.ts'
import { introductionText, partingText, visitText } from './demo/visit.ts'
import { walk, type StepResult } from './demo/walk.ts'
import { startWorld, type World } from './demo/world.ts'
import { EXIT, type CliIo } from './io.ts'
import { noteUnused, wantsJson } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** Every step of the table, and the last look at ledger and metrics. */
const STEP_COUNT = STEPS.length + 1

/** `modelgate demo`: a model server, the gateway before it, and everything it refuses. */
export const demo: Verb = {
  options: {
    once: { type: 'boolean', help: 'end after the walk, in a terminal too' },
    keep: { type: 'boolean', help: 'leave the folder of the demo (rules, ledger, log) behind' },
  },
  examples: ['modelgate demo', 'modelgate demo --once --keep', 'modelgate demo --format json'],
  run,
}

async function run(
  options: OptionValues,
  _positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  noteUnused(options, io, 'the demo brings its own configuration and rules; edit those it prints')
  const leaving = createLeaving(io)
  const paint = createPaint(io.colour)
  const keep = options['keep'] === true
  const world = await startWorld(io.process)
  let code: number = EXIT.failed
  try {
    const stay = io.interactive && options['once'] !== true
    code = wantsJson(options)
      ? await report(world, leaving, io)
      : await show({ world, leaving, io, paint, stay })
  } finally {
    // Whoever asks again does not want to wait for exchanges in flight.
    void leaving.again.then(() => world.cut())
    await world.close({ keep })
    if (!wantsJson(options)) io.out(partingText(world, { keep, ok: code === EXIT.ok }))
  }
  return code
}

/** What {@link show} works with. */
interface Showing {
  readonly world: World
  readonly leaving: Leaving
  readonly io: CliIo
  readonly paint: Paint
  readonly stay: boolean
}

/** Prints each step as it is made; then, when all went well, waits for the visitor to leave. */
async function show({ world, leaving, io, paint, stay }: Showing): Promise<number> {
  io.out(introductionText(world, paint, stay))
  const results: StepResult[] = []
  for await (const result of walk(world, leaving.signal)) {
    results.push(result)
    io.out(stepText(result, STEP_COUNT, paint))
  }
  io.out(summaryText(results, STEP_COUNT, paint))
  if (!allGood(results)) return EXIT.failed
  if (stay) {
    io.out(visitText(world, paint))
    await leaving.asked
  }
  return EXIT.ok
}

/** Makes every step, then prints one document. */
async function report(world: World, leaving: Leaving, io: CliIo): Promise<number> {
  const results: StepResult[] = []
  for await (const result of walk(world, leaving.signal)) results.push(result)
  const ok = allGood(results)
  io.out(`${JSON.stringify(reportJson(world, results, ok), null, 2)}\n`)
  return ok ? EXIT.ok : EXIT.failed
}

/** Whether every step was made, and answered as expected. */
function allGood(results: readonly StepResult[]): boolean {
  return results.length === STEP_COUNT && results.every((r) => r.differences.length === 0)
}
