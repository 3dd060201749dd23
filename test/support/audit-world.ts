/** A ledger that the built gateway has written and signed, and the built verbs that read it. */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt } from './build.ts'
import {
  runModelgate,
  startBuiltWorld,
  type BuiltWorld,
  type CommandResult,
} from './built-gateway.ts'
import { until } from './world-files.ts'

/** How long a process may take for anything, on a busy machine. */
const PROCESS_MS = 20_000

/** A verb that goes on until it is stopped. */
export interface RunningVerb {
  stdout(): string
  stderr(): string
  /** Waits until what it has printed, on either output, holds `text`. */
  whenSaid(text: string): Promise<void>
  /** Asks it to end, as an operator does. Resolves to its exit code. */
  stop(): Promise<number | null>
}

/** Starts `modelgate ...args` in a process of its own. */
export async function startVerb(args: readonly string[], cwd: string): Promise<RunningVerb> {
  const child = spawn(process.execPath, [await ensureBuilt(), ...args], {
    cwd,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()))
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  return {
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    whenSaid: (text) => {
      const isSaid = () => texts.stdout.includes(text) || texts.stderr.includes(text)
      return until(`${args.join(' ')} to say ${text}`, isSaid, PROCESS_MS)
    },
    async stop() {
      process.off('exit', kill)
      child.kill('SIGTERM')
      const late = setTimeout(kill, PROCESS_MS)
      const code = await exited
      clearTimeout(late)
      return code
    },
  }
}

/** A built gateway whose ledger is signed with `keys/ledger.key`. */
export interface AuditWorld {
  readonly world: BuiltWorld
  /** Where the files are: `audit`, `keys`, `gateway.yaml`. */
  readonly dir: string
  /** `modelgate audit ...args` there, to its end. */
  audit(...args: readonly string[]): Promise<CommandResult>
  /** A request for a prediction; the id of its decision. */
  infer(model: string, roles: readonly string[]): Promise<string>
  close(): Promise<void>
}

/** Starts it. */
export async function startAuditWorld(): Promise<AuditWorld> {
  const world = await startBuiltWorld({
    config: { audit: { dir: 'audit', node: 'n1', signing_key_file: 'keys/ledger.key' } },
    prepare: async ({ dir, configFile }) => {
      const made = await runModelgate(
        ['audit', 'keygen', '--config', configFile, '--out', 'keys/ledger.key'],
        { cwd: dir },
      )
      if (made.code !== 0) throw new Error(made.stderr)
    },
  })
  const { dir } = world
  return {
    world,
    dir,
    audit: (...args) => runModelgate(['audit', ...args], { cwd: dir, env: CONFIG }),
    async infer(model, roles) {
      const answer = await fetch(`${world.url}/v2/models/${model}/infer`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await world.token(roles)}`,
          'content-type': 'application/json',
        },
        body: '{"inputs":[]}',
      })
      await answer.arrayBuffer()
      const id = answer.headers.get('x-modelgate-decision-id')
      if (id === null) throw new Error(`${answer.status} without the id of a decision`)
      return id
    },
    close: () => world.close(),
  }
}

const CONFIG = { MODELGATE_CONFIG: 'gateway.yaml' }

/** Waits until the newest checkpoint of the ledger in `dir` speaks for at least `size` records. */
export async function whenSigned(dir: string, size: number): Promise<void> {
  const signed = async () => {
    const note = await readFile(join(dir, 'checkpoint'), 'utf8').catch(() => '')
    return Number(note.split('\n')[1] ?? 0) >= size
  }
  await until(`a checkpoint of ${size} records`, signed, PROCESS_MS)
}

const copies: string[] = []

/** A copy of a ledger, to do harm to. */
export async function copyOf(ledger: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-ledger-'))
  copies.push(dir)
  await cp(ledger, join(dir, 'audit'), { recursive: true })
  return join(dir, 'audit')
}

/** Removes what {@link copyOf} made. */
export async function removeCopies(): Promise<void> {
  for (const dir of copies.splice(0)) await rm(dir, { recursive: true, force: true })
}
