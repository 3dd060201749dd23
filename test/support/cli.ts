/** Command lines run in the process of the test: what a verb prints, without the wait for a process. */
import { runCli } from '../../gateway/cli/run.ts'
import type { CommandResult } from './built-gateway.ts'

/** What `modelgate ...args` prints and ends with, without a terminal. */
export async function inProcess(
  args: readonly string[],
  options: {
    readonly cwd: string
    readonly env?: Readonly<Record<string, string>>
    readonly colour?: boolean
    readonly stdin?: AsyncIterable<Uint8Array>
  },
): Promise<CommandResult> {
  const texts = { stdout: '', stderr: '' }
  const code = await runCli(args, {
    out: (text) => void (texts.stdout += text),
    err: (text) => void (texts.stderr += text),
    env: options.env ?? {},
    cwd: options.cwd,
    interactive: false,
    colour: options.colour ?? false,
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    process: { pid: process.pid, host: 'test', nodeVersion: process.version, isAlive: () => true },
    onSignal: () => undefined,
  })
  return { code, ...texts }
}
