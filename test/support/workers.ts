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

/** Starts `program` of this folder, and waits until its store is open. */
export async function startWorker(program: string, args: readonly string[]): Promise<Worker> {
  const path = fileURLToPath(new URL(`./${program}`, import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', path, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
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

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
