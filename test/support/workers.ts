/** Processes of their own that work on a store, and say line by line what they were answered. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** One process. */
export interface Worker {
  /** Lets it begin. */
  begin(): void
  /** What it said between `ready` and `done`, whole lines alone, once it has ended. */
  readonly said: Promise<readonly string[]>
  /** Resolves when it has said at least so many lines, or has ended. */
  saidSome(count: number): Promise<void>
  kill(): void
}

/** Past the limit a write fails, as on a full disk; without somebody who listens it ends the process. */
const FAIL_PAST_LIMIT = 'data:text/javascript,process.on("SIGXFSZ", () => {})'

/**
 * Starts `program` of this folder, and waits until its store is open.
 * @param kibibytesMax how long a file may become that it writes; as long as there is room when absent
 */
export async function startWorker(
  program: string,
  args: readonly string[],
  kibibytesMax?: number,
): Promise<Worker> {
  const path = fileURLToPath(new URL(`./${program}`, import.meta.url))
  const line = ['--import', 'tsx', path, ...args]
  const [command, ...rest] =
    kibibytesMax === undefined ? [process.execPath, ...line] : limited(line, kibibytesMax)
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  const watchers = new Set<() => void>()
  child.stdout.on('data', (chunk) => {
    text += String(chunk)
    for (const watch of watchers) watch()
  })
  // One that was killed reads no more.
  child.stdin.on('error', () => undefined)
  const until = (test: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const watch = (): void => {
        if (!test() && !hasEnded(child)) return
        watchers.delete(watch)
        resolve()
      }
      watchers.add(watch)
      child.once('close', watch)
      watch()
    })
  const ended = once(child, 'close')
  await until(() => text.startsWith('ready\n'))
  const lines = (): string[] => text.split('\n').slice(1, -1)
  return {
    begin: () => void child.stdin.write('go\n'),
    said: ended.then(() => lines().filter((line) => line !== 'done')),
    saidSome: (count) => until(() => lines().length >= count),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** A block of `ulimit` is 512 bytes (POSIX). */
function limited(line: readonly string[], kibibytesMax: number): [string, ...string[]] {
  const script = `ulimit -f ${kibibytesMax * 2} && exec "$@"`
  return ['sh', '-c', script, 'sh', process.execPath, '--import', FAIL_PAST_LIMIT, ...line]
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
