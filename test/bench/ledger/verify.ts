/** The shipped verifier over a log, in a process of its own. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSkey } from '../../../gateway/audit/tree/note.ts'
import type { Children } from '../children.ts'
import type { VerifyRun } from './report.ts'

const MAIN = join(import.meta.dirname, '../../../gateway/main.js')
/** Prints the most memory the process ever had when it ends, where the system tells. */
const WATCH = `
import { readFileSync } from 'node:fs'
process.on('exit', () => {
  try {
    const peak = /^VmHWM:\\s+(\\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))
    process.stdout.write('\\npeak ' + (peak?.[1] ?? 'NaN') + '\\n')
  } catch {}
})
`

/** Verifies once. @throws Error when the log is not intact */
export async function verifyOnce(at: {
  readonly children: Children
  readonly core: number
  readonly dir: string
  /** Private key of the log. */
  readonly key: string
  readonly folder: string
}): Promise<VerifyRun> {
  const signer = parseSkey(readFileSync(at.key, 'utf8'))
  if (typeof signer === 'string') throw new Error(signer)
  const vkey = join(at.folder, 'vkey')
  writeFileSync(vkey, `${signer.verifier.vkey}\n`)
  const watch = join(at.folder, 'watch.mjs')
  writeFileSync(watch, WATCH)
  const started = performance.now()
  const output = await at.children.run({
    name: 'verify',
    command: process.execPath,
    args: ['--import', watch, MAIN, 'audit', 'verify', '--dir', at.dir, '--vkey', vkey],
    core: at.core,
  })
  const seconds = (performance.now() - started) / 1000
  const megabytes = bytesOf(join(at.dir, 'seg')) / 1e6
  return {
    records: Number(/([\d,]+) records/.exec(output)?.[1]?.replaceAll(',', '') ?? Number.NaN),
    megabytes,
    seconds,
    megabytesPerMinute: (megabytes / seconds) * 60,
    peakMiB: Number(/^peak (\d+)/m.exec(output)?.[1] ?? Number.NaN) / 1024,
  }
}

function bytesOf(dir: string): number {
  return readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0)
}
