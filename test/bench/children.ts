/**
 * The processes of one run: started pinned to a core, known by pid, ended by pid and by nobody
 * else's.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** A process to start. */
export interface ChildOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  /** The core it and all its threads stay on; any when absent. */
  readonly core?: number | undefined
  /** Finds the port in what it prints; the child counts as ready once this gives one. */
  readonly readyPort?: (output: string) => number | undefined
}

/** A process that has said that it is ready. */
export interface Child {
  readonly name: string
  readonly pid: number
  readonly port: number
  /** Nanoseconds of CPU used by it and its own children so far; `undefined` where unknowable. */
  cpuNs(): number | undefined
  /** Ends it. Resolves when it is gone. */
  stop(): Promise<void>
}

const READY_MS = 60_000
const STOP_MS = 5_000
const OUTPUT_CHARS_MAX = 1024 * 1024

/** Starts processes and ends what it started. */
export interface Children {
  /** @throws Error with what it printed when it does not become ready. */
  start(options: ChildOptions): Promise<Child>
  /** Runs a process to its end. Resolves to its standard output. @throws Error when it fails. */
  run(options: ChildOptions): Promise<string>
  stopAll(): Promise<void>
}

/** @param taskset the program that pins, when there is one */
export function createChildren(taskset: string | undefined): Children {
  const running = new Set<Child>()
  const launch = (options: ChildOptions): ChildProcess => {
    const { command, args, core } = options
    const pinned = taskset !== undefined && core !== undefined
    const line = pinned ? [taskset, '-c', String(core), command, ...args] : [command, ...args]
    return spawn(line[0] ?? '', line.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
  }
  return {
    async start(options) {
      const started = launch(options)
      const port = await whenReady(started, options)
      const child = wrap(started, options.name, port, () => running.delete(child))
      running.add(child)
      return child
    },
    run: (options) => finished(launch(options), options.name),
    async stopAll() {
      await Promise.all([...running].map((child) => child.stop()))
    },
  }
}

function wrap(started: ChildProcess, name: string, port: number, onGone: () => void): Child {
  const pid = started.pid ?? 0
  const gone = new Promise<void>((resolve) => started.once('exit', () => resolve()))
  void gone.then(onGone)
  return {
    name,
    pid,
    port,
    cpuNs: () => cpuOf(pid),
    async stop() {
      if (started.exitCode !== null || started.signalCode !== null) return
      started.kill('SIGTERM')
      const timer = setTimeout(() => started.kill('SIGKILL'), STOP_MS)
      await gone
      clearTimeout(timer)
    },
  }
}

function whenReady(started: ChildProcess, options: ChildOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = ''
    const settle = (end: () => void): void => {
      clearTimeout(timer)
      started.off('exit', onExit)
      end()
    }
    const fail = (why: string): void =>
      settle(() => {
        // Not SIGKILL: what it has started itself would live on.
        started.kill('SIGTERM')
        reject(new Error(`${options.name} ${why}\n${output.slice(-2000)}`))
      })
    const onExit = (code: number | null): void => fail(`ended with ${code ?? 'a signal'}`)
    const timer = setTimeout(() => fail('was not ready in time'), READY_MS)
    const look = (): void => {
      const port = options.readyPort?.(output)
      if (port !== undefined) settle(() => resolve(port))
    }
    const onOutput = (chunk: Buffer): void => {
      // Read on after that, or a full pipe would stop the child.
      if (output.length > OUTPUT_CHARS_MAX) return
      output += chunk.toString()
      look()
    }
    // Some print nothing and have a port that was given to them.
    started.once('spawn', look)
    started.stdout?.on('data', onOutput)
    started.stderr?.on('data', onOutput)
    started.once('error', (error) => fail(error.message))
    started.once('exit', onExit)
  })
}

function finished(started: ChildProcess, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = ''
    let err = ''
    started.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()))
    started.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()))
    started.once('error', reject)
    started.once('close', (code) => {
      if (code === 0) resolve(out)
      else reject(new Error(`${name} ended with ${code ?? 'a signal'}\n${err.slice(-2000)}`))
    })
  })
}

/** The scheduler's own account, in nanoseconds, over all threads and child processes (Linux). */
function cpuOf(pid: number): number | undefined {
  try {
    let total = 0
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const task = `/proc/${pid}/task/${thread}`
      total += Number(readFileSync(`${task}/schedstat`, 'utf8').split(' ')[0])
      const children = readFileSync(`${task}/children`, 'utf8').trim()
      for (const child of children.split(' ')) {
        if (child !== '') total += cpuOf(Number(child)) ?? 0
      }
    }
    return total
  } catch {
    return undefined
  }
}
