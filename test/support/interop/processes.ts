/**
 * Servers and clients in processes of their own: started in a process group, waited for with a
 * bound, ended by id. What they print is kept for the message of a failure.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PROJECT } from '../build.ts'
import { until } from '../world-files.ts'

const CACHE = join(PROJECT, '.cache/interop')
const START_MS = 120_000
const END_MS = 10_000
const KEPT = 20_000

/** What `npm run test:interop` installed. @throws Error when it has not run yet */
export function installed(path: string): string {
  const file = join(CACHE, path)
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run test:interop`)
  return file
}

/** Where results are written. */
export const RESULTS_FILE = join(CACHE, 'results.jsonl')

/** A port of 127.0.0.1 that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** How a process is started. */
export interface ProcessOptions {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** A running process. */
export interface Running {
  readonly child: ChildProcess
  /** The last of what it printed. */
  output(): string
  hasEnded(): boolean
  /** Ends it and what it started. */
  end(): Promise<void>
}

/** The environment of every process: nothing of the machine, nothing that phones home. */
function environment(extra: Readonly<Record<string, string>>, home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: home,
    LANG: 'C.UTF-8',
    NO_PROXY: '127.0.0.1,localhost',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
    OMP_NUM_THREADS: '1',
    MLFLOW_DISABLE_TELEMETRY: 'true',
    BENTOML_DO_NOT_TRACK: 'True',
    HF_HUB_DISABLE_TELEMETRY: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...extra,
  }
}

/** Starts a process; `stdout` is left to the caller when it is read as a protocol. */
export function start(options: ProcessOptions, readsOutput = false): Running {
  const child = spawn(options.program, options.args, {
    cwd: options.cwd,
    env: environment(options.env ?? {}, options.cwd),
    stdio: [readsOutput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    // A group of its own, because servers start workers.
    detached: true,
  })
  let text = ''
  let ended = false
  const keep = (chunk: Buffer) => (text = (text + chunk.toString()).slice(-KEPT))
  child.stderr?.on('data', keep)
  if (!readsOutput) child.stdout?.on('data', keep)
  const over = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      ended = true
      text += error.message
      resolve()
    })
    child.once('exit', () => {
      ended = true
      process.off('exit', kill)
      resolve()
    })
  })
  const signal = (name: NodeJS.Signals) => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, name)
    } catch {
      // The group is gone already.
    }
  }
  const kill = () => signal('SIGKILL')
  process.once('exit', kill)
  return {
    child,
    output: () => text,
    hasEnded: () => ended,
    end: async () => {
      signal('SIGTERM')
      const late = setTimeout(kill, END_MS)
      await over
      clearTimeout(late)
      // Workers that did not hear of it.
      kill()
    },
  }
}

/** Starts a server and waits until `url` answers below 500. @throws Error with what it printed */
export async function startServer(options: ProcessOptions & { readonly url: string }) {
  const running = start(options)
  const answers = async () => {
    if (running.hasEnded()) return true
    return fetch(options.url).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status < 500
      },
      () => false,
    )
  }
  try {
    await until(`${options.args.join(' ')} at ${options.url}`, answers, START_MS)
    if (running.hasEnded()) throw new Error('the server ended by itself')
    return running
  } catch (error) {
    await running.end()
    throw new Error(`${String(error)}\n${running.output()}`, { cause: error })
  }
}
