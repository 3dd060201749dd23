/** Processes that claim grants against each other. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('./store-claimer.ts', import.meta.url))

/** One process. */
export interface Claimer {
  /** Lets it begin. */
  begin(): void
  /** Numbers of the grants it was given, once it has ended. */
  readonly given: Promise<number[]>
  /** Resolves when it was given at least so many. */
  gave(count: number): Promise<void>
  kill(): void
}

/** Starts a process and waits until its store is open; `count` 0 goes on until it is killed. */
export async function startClaimer(store: string, name: string, count: number): Promise<Claimer> {
  const args = ['--import', 'tsx', PROGRAM, store, name, String(count)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  let text = ''
  const watchers = new Set<() => void>()
  child.stdout.on('data', (chunk) => {
    text += String(chunk)
    for (const watch of watchers) watch()
  })
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
  const lines = (): number[] => (text.match(/^\d+(?=\n)/gm) ?? []).map(Number)
  return {
    begin: () => void child.stdin.write('go\n'),
    given: ended.then(lines),
    gave: (many) => until(() => lines().length >= many),
    kill: () => void child.kill('SIGKILL'),
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
