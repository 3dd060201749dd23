/**
 * The built gateway in a process of its own, as operators run it: `startBuiltGateway` for one whose
 * issuer and upstream the test brings, `startBuiltWorld` for one with a development issuer and an
 * upstream, `runModelgate` for one command line.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { JWTPayload } from 'jose'
import { createDevIssuer, type DevIssuer } from '../../gateway/authn/dev-issuer.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { ensureBuilt } from './build.ts'
import { startHttpUpstream, type HttpUpstream } from './http-upstream.ts'
import { expectKnownLedger } from './record-schema.ts'
import {
  configOf,
  parseLines,
  readTree,
  sumOf,
  until,
  writeRules,
  type WorldFiles,
  type WorldRecord,
} from './world-files.ts'

/** How long a process may take for anything, on a busy machine. */
const PROCESS_MS = 15_000

/** A gateway that has written nothing for so long has nothing left to write. */
const SETTLED_MS = 150

/** What a command line left. */
export interface CommandResult {
  /** `null` when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `modelgate ...args` to its end, which is a signal when it takes too long. The environment is only what is given, and PATH. */
export async function runModelgate(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<CommandResult> {
  const running = launch(await ensureBuilt(), args, options)
  const late = setTimeout(() => running.signal('SIGKILL'), PROCESS_MS)
  const code = await running.exited
  clearTimeout(late)
  return { code, stdout: running.stdout(), stderr: running.stderr() }
}

/** A gateway process that was started. */
export interface BuiltGateway {
  readonly pid: number
  readonly dataPort: number
  readonly controlPort: number
  /** `http://127.0.0.1:<port>` of the two listeners. */
  readonly url: string
  readonly controlUrl: string
  readonly dir: string
  readonly rulesDir: string
  readonly configFile: string
  /** The exit code; `null` when a signal ended it. */
  readonly exited: Promise<number | null>
  signal(name: NodeJS.Signals): void
  logText(): string
  stderr(): string
  /** Waits until the log holds `text`. */
  whenLogged(text: string): Promise<void>
  /** Waits until `/readyz` answers 200. */
  whenReady(): Promise<void>
  /** Every record, once nothing more is being written. */
  records(): Promise<WorldRecord[]>
  /** The first record for which `test` holds, waited for. */
  whenRecord(test: (record: WorldRecord) => boolean): Promise<WorldRecord>
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>
  /** Ends the process, if it still runs, and removes its files. @throws Error when it crashed */
  close(): Promise<void>
}

/** What a gateway is started with. */
export interface BuiltGatewayOptions extends WorldFiles {
  readonly issuerUrl: string
  readonly upstreamUrl: string
  /** Whether to wait until it is ready; true when absent. */
  readonly waitReady?: boolean
  /** Called when the files are written and nothing runs yet. */
  readonly prepare?: (files: GatewayFiles) => Promise<void>
  /** Size past which the process cannot write any file, in blocks of 512 bytes (`ulimit -f`). */
  readonly fileBlocksMax?: number
  /** Options of Node itself, which the threads of the gateway have as well. */
  readonly nodeArgs?: readonly string[]
}

/** Where the files of a gateway are. */
export interface GatewayFiles {
  readonly dir: string
  readonly rulesDir: string
  readonly configFile: string
}

/** Writes configuration and rules into a new folder; remove `dir` afterwards. */
export async function writeGatewayFiles(
  options: WorldFiles,
  urls = { issuer: 'http://127.0.0.1:1', upstream: 'http://127.0.0.1:1' },
): Promise<GatewayFiles> {
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-built-'))
  const rulesDir = join(dir, 'rules')
  const configFile = join(dir, 'gateway.yaml')
  await writeRules(rulesDir, options)
  await writeFile(configFile, JSON.stringify(configOf(options, urls), null, 2))
  return { dir, rulesDir, configFile }
}

/** Starts a gateway and waits for its listeners. @throws Error with its output when it ended. */
export async function startBuiltGateway(options: BuiltGatewayOptions): Promise<BuiltGateway> {
  const main = await ensureBuilt()
  const urls = { issuer: options.issuerUrl, upstream: options.upstreamUrl }
  const files = await writeGatewayFiles(options, urls)
  await options.prepare?.(files)
  const { fileBlocksMax, nodeArgs } = options
  const running = launch(main, ['serve', '--config', files.configFile], {
    cwd: files.dir,
    ...(fileBlocksMax === undefined ? {} : { fileBlocksMax }),
    ...(nodeArgs === undefined ? {} : { nodeArgs }),
  })
  const close = async () => {
    const crash = await running.end()
    const unknown = await expectKnownLedger(join(files.dir, 'audit')).then(
      () => undefined,
      (error: unknown) => error as Error,
    )
    await rm(files.dir, { recursive: true, force: true })
    const failure = crash ?? unknown
    if (failure !== undefined) throw failure
  }
  try {
    const ports = await listening(running)
    const gateway = { ...files, ...ports, ...views(running, files.dir, ports.controlUrl), close }
    if (options.waitReady !== false) await gateway.whenReady()
    return gateway
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
}

/** A built gateway with the issuer of its tokens and the upstream behind it. */
export interface BuiltWorld extends BuiltGateway {
  readonly issuer: DevIssuer
  readonly upstream: HttpUpstream
  /** A token of `user:dev/alice` with these roles, good for ten minutes; `claims` win. */
  token(roles: readonly string[], claims?: JWTPayload): Promise<string>
}

/** What a world is started with. */
export interface BuiltWorldOptions extends Omit<BuiltGatewayOptions, 'issuerUrl' | 'upstreamUrl'> {
  readonly handler?: RequestListener
}

/** Starts issuer, upstream and gateway. */
export async function startBuiltWorld(options: BuiltWorldOptions = {}): Promise<BuiltWorld> {
  const issuer = await createDevIssuer({ host: '127.0.0.1', port: 0, clock: systemClock })
  const upstream = await startHttpUpstream(options.handler)
  const closePeers = () => Promise.all([issuer.close(), upstream.close()])
  try {
    const urls = { issuerUrl: issuer.issuer, upstreamUrl: upstream.url }
    const gateway = await startBuiltGateway({ ...options, ...urls })
    return {
      ...gateway,
      issuer,
      upstream,
      token: (roles, claims = {}) =>
        issuer.mint(
          { sub: 'alice', aud: 'modelgate', client_id: 'cli', roles, ...claims },
          { lifetimeS: 600 },
        ),
      close: () => gateway.close().finally(closePeers),
    }
  } catch (error) {
    await closePeers()
    throw error
  }
}

/** A process of the built program. */
export interface RunningProcess {
  readonly pid: number
  readonly exited: Promise<number | null>
  readonly stdout: () => string
  readonly stderr: () => string
  readonly hasEnded: () => boolean
  readonly signal: (name: NodeJS.Signals) => void
  /** Resolves to what went wrong when nobody had asked it to end. */
  readonly end: () => Promise<Error | undefined>
}

interface LaunchOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Options of Node itself, which the threads of the program have as well. */
  readonly nodeArgs?: readonly string[]
  readonly fileBlocksMax?: number
}

/** Starts the program; it is killed with this process should nobody have ended it. */
export function launch(
  main: string,
  args: readonly string[],
  options: LaunchOptions,
): RunningProcess {
  const { fileBlocksMax } = options
  const command = [process.execPath, ...(options.nodeArgs ?? []), main, ...args]
  // The shell becomes the gateway, so that its pid is the one of the gateway.
  const limited = ['/bin/sh', '-c', `ulimit -f ${fileBlocksMax ?? 0}; exec "$0" "$@"`, ...command]
  const [program = '', ...rest] = fileBlocksMax === undefined ? command : limited
  const child: ChildProcess = spawn(program, rest, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { PATH: process.env['PATH'], ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()))
  let ended = false
  let asked = false
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      ended = true
      process.off('exit', kill)
      resolve(code)
    })
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  return {
    pid: child.pid ?? 0,
    exited,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    hasEnded: () => ended,
    signal: (name) => {
      asked = true
      child.kill(name)
    },
    end: async () => {
      // A gateway that crashed must not pass for one that was ended.
      const isCrash = ended && !asked
      if (!ended) child.kill('SIGTERM')
      const late = setTimeout(kill, PROCESS_MS)
      const code = await exited
      clearTimeout(late)
      if (!isCrash) return undefined
      const how = child.signalCode ?? String(code)
      return new Error(`the gateway ended by itself with ${how}\n${texts.stderr}`)
    },
  }
}

/** Where a gateway listens, once it does. @throws Error with its output when it ended instead */
export async function listening(running: RunningProcess, withinMs = PROCESS_MS) {
  const find = () =>
    /"data":"127\.0\.0\.1:(\d+)","control":"127\.0\.0\.1:(\d+)"/.exec(running.stdout())
  await until('the listeners', () => running.hasEnded() || find() !== null, withinMs).catch(
    () => undefined,
  )
  const [, data, control] = find() ?? []
  if (data === undefined || control === undefined) {
    const how = running.hasEnded()
      ? `ended with ${String(await running.exited)}`
      : 'does not listen'
    throw new Error(`the gateway ${how}\n${running.stdout()}${running.stderr()}`)
  }
  return {
    dataPort: Number(data),
    controlPort: Number(control),
    url: `http://127.0.0.1:${data}`,
    controlUrl: `http://127.0.0.1:${control}`,
  }
}

function views(running: RunningProcess, dir: string, controlUrl: string) {
  const logged = (text: string) => running.stdout().includes(text)
  const written = async () => parseLines(await readTree(join(dir, 'audit')))
  // A refusal or an outcome is answered while it is written down: what is there is all there is once
  // nothing more comes.
  const records = async () => {
    let found = await written()
    for (let before = -1; before < found.length; found = await written()) {
      before = found.length
      await wait(SETTLED_MS)
    }
    return found
  }
  return {
    pid: running.pid,
    exited: running.exited,
    signal: running.signal,
    logText: running.stdout,
    stderr: running.stderr,
    whenLogged: (text: string) => until(`the log line ${text}`, () => logged(text), PROCESS_MS),
    whenReady: () =>
      until('readiness', async () => (await fetch(`${controlUrl}/readyz`)).ok, PROCESS_MS),
    records,
    whenRecord: async (test: (record: WorldRecord) => boolean) => {
      let found: WorldRecord | undefined
      const look = async () => {
        found = (await written()).find(test)
        return found !== undefined
      }
      await until('a ledger record', look, PROCESS_MS)
      return found ?? { type: 'none' }
    },
    metric: async (name: string, labels: Readonly<Record<string, string>> = {}) => {
      const page = await (await fetch(`${controlUrl}/metrics`)).text()
      return sumOf(page, `modelgate_${name}`, labels)
    },
  }
}
