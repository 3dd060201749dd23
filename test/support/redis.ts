/** Private Redis servers on free ports of 127.0.0.1, for tests of the store. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

/** A server of a test. */
export interface TestRedis {
  readonly port: number
  readonly url: string
  /** Sends the process a signal. */
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void
  /** Ends it and starts it again on the same port, with nothing in it. */
  restart(): Promise<void>
  /** Runs one command on a connection of its own. */
  command(...parts: readonly string[]): Promise<unknown>
  close(): Promise<void>
}

const START_MS = 8_000

/**
 * Starts a server without persistence; `args` are appended to its command line. With a
 * configuration file of a sentinel it is one.
 */
export async function startRedis(
  args: readonly string[] = [],
  sentinelFile?: string,
): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-redis-'))
  const port = await freePort()
  const launched = (): ChildProcess => launch(dir, port, args, sentinelFile)
  let child = launched()
  const password = args[args.indexOf('--requirepass') + 1]
  const login = args.includes('--requirepass') && password !== undefined ? { password } : {}
  const command = async (...[name = 'ping', ...rest]: readonly string[]): Promise<unknown> => {
    const client = new Redis({ host: '127.0.0.1', port, ...login, retryStrategy: () => 30 })
    client.on('error', () => undefined)
    try {
      return await client.call(name, ...rest)
    } finally {
      client.disconnect()
    }
  }
  const answers = async (): Promise<void> => {
    const deadline = performance.now() + START_MS
    for (;;) {
      const isUp = await isListening(port, child)
      if (isUp) return
      if (performance.now() > deadline) throw new Error('redis-server did not start')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await answers()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    signal: (name) => void child.kill(name),
    async restart() {
      await ended(child)
      child = launched()
      await answers()
    },
    command,
    async close() {
      await ended(child)
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

function launch(
  dir: string,
  port: number,
  args: readonly string[],
  sentinelFile: string | undefined,
): ChildProcess {
  const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir]
  const quiet = ['--save', '', '--appendonly', 'no', '--daemonize', 'no']
  const all =
    sentinelFile === undefined
      ? [...fixed, ...quiet, ...args]
      : [sentinelFile, ...fixed, '--sentinel', ...args]
  const child = spawn('redis-server', all, { stdio: 'ignore' })
  // What is not installed shows as a server that does not start; `npm test` installs it.
  child.on('error', () => undefined)
  return child
}

/** SIGKILL also ends a process that is stopped. */
function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      resolve()
      return
    }
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}

async function isListening(port: number, child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`)
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    const end = (isUp: boolean): void => {
      socket.destroy()
      resolve(isUp)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

/**
 * Sends one command on a connection of its own, without asking first whether Redis is ready: one
 * that runs a script that does not end answers little else. Resolves to the first line of the
 * answer, or to nothing when the connection ends before.
 */
export function rawCommand(port: number, line: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    let text = ''
    socket.on('data', (bytes) => {
      text += String(bytes)
      if (text.includes('\r\n')) socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(text.split('\r\n')[0] ?? ''))
    socket.write(`${line}\r\n`)
  })
}
