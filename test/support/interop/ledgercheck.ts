/** `test/interop/go`: software we did not write, over the files of a log. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Where the program is; `undefined` where there is no Go to build it with. */
export const LEDGERCHECK = process.env['INTEROP_LEDGERCHECK']

/** What it found. */
export interface Checked {
  readonly code: number | null
  /** Of a log that is as it should be. */
  readonly report: Readonly<Record<string, unknown>> | undefined
  readonly stderr: string
}

/** Runs it to its end. */
export async function ledgercheck(...args: readonly string[]): Promise<Checked> {
  const child = spawn(LEDGERCHECK ?? '', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  const report = code === 0 ? (JSON.parse(stdout) as Checked['report']) : undefined
  return { code, report, stderr }
}
