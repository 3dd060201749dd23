/** Runs a Python program of these tests to its end. */
import { join } from 'node:path'
import { PROJECT } from '../build.ts'
import { until } from '../world-files.ts'
import { installed, start } from './processes.ts'

const RUN_MS = 60_000

/** Runs test/interop/python/<name>.py in a folder. @throws Error with what it printed */
export async function runModule(environment: string, name: string, cwd: string): Promise<void> {
  const running = start({
    program: installed(`${environment}/bin/python`),
    args: [join(PROJECT, 'test/interop/python', `${name}.py`)],
    cwd,
  })
  try {
    await until(`${name}.py`, () => running.hasEnded(), RUN_MS)
    if (running.child.exitCode !== 0) throw new Error(`${name}.py failed\n${running.output()}`)
  } finally {
    await running.end()
  }
}
