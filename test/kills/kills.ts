/**
 * Kills writers of one log at random instants, under load, and holds what each was promised before it
 * died against what is in the files afterwards, before anybody has mended anything.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSkey, parseSkey, type NoteVerifier } from '../../gateway/audit/tree/note.ts'
import { readLog } from './read-log.ts'

/** How many, and where the built code is. */
export interface KillPlan {
  readonly kills: number
  readonly dist: string
  readonly seed: number
  /** Called after every kill. */
  readonly onKill?: (done: number) => void
}

/** What came of it. Everything but `lost`, `unsigned` and `faults` is only told. */
export interface KillReport {
  readonly kills: number
  /** Kills before the log was open: recovery itself was cut off. */
  readonly whileOpening: number
  /** Kills that left half a line. */
  readonly tornKills: number
  readonly promised: { readonly disk: number; readonly kernel: number }
  /** Ids that were promised and are not in the log. */
  readonly lost: readonly string[]
  /** Ids that were promised to be on disk and that no signed checkpoint covers. */
  readonly unsigned: readonly string[]
  /** What else was wrong with the files. */
  readonly faults: readonly string[]
}

const WRITER = join(import.meta.dirname, 'writer.mjs')
/** A log is given up for a new one after so many kills, so that reading all of it stays cheap. */
const KILLS_PER_LOG = 20
const LOAD_MS = 150
const STARTING_MS = 250
/** One in so many is killed by the clock and not by how far it is. */
const BLIND_ONE_IN = 5
const OPEN_MS = 20_000

/** See the head of this file. Ends every process it starts. */
export async function runKills(plan: KillPlan): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-kills-'))
  const random = randomNumbers(plan.seed)
  const total = new Total()
  try {
    for (let done = 0; done < plan.kills; done += KILLS_PER_LOG) {
      const log = newLog(join(folder, `log-${done}`))
      const kills = Math.min(KILLS_PER_LOG, plan.kills - done)
      for (let i = 0; i < kills; i++) {
        const seed = Math.floor(random() * 1e9)
        const life = await liveAndDie({ ...log, dist: plan.dist, seed }, random)
        total.add(life, readLog(log.dir, log.verifier))
        plan.onKill?.(done + i + 1)
      }
      rmSync(log.folder, { recursive: true, force: true })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return total
}

/** A log of its own, and who signs it. */
export interface KilledLog {
  readonly folder: string
  readonly dir: string
  readonly key: string
  readonly verifier: NoteVerifier
}

/** Makes the folder and the key; the log itself is made by whoever writes first. */
export function newLog(folder: string): KilledLog {
  mkdirSync(folder)
  const key = join(folder, 'key')
  const skey = generateSkey('kills/audit/n1')
  writeFileSync(key, `${skey}\n`, { mode: 0o600 })
  const signer = parseSkey(skey)
  if (typeof signer === 'string') throw new Error(signer)
  return { folder, dir: join(folder, 'audit'), key, verifier: signer.verifier }
}

interface Life {
  readonly isOpen: boolean
  readonly disk: readonly string[]
  readonly kernel: readonly string[]
  readonly errors: string
}

/** One writer, killed some time after it began, or some time after it had opened the log. */
async function liveAndDie(
  log: KilledLog & { readonly dist: string; readonly seed: number },
  random: () => number,
): Promise<Life> {
  const args = [WRITER, log.dist, log.dir, log.key, String(log.seed)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const ended = Promise.all([once(child.stdout, 'end'), once(child.stderr, 'end')])
  let [output, errors] = ['', '']
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const opened = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.startsWith('open\n')) resolve()
    })
  })
  if (random() < 1 / BLIND_ONE_IN) await pause(random() * STARTING_MS)
  else {
    await Promise.race([opened, exited, pause(OPEN_MS)])
    await pause(random() * LOAD_MS)
  }
  kill(child)
  await Promise.all([exited, ended])
  return { ...promises(output), errors }
}

function kill(child: ChildProcess): void {
  // One that ended by itself is found by what it printed.
  child.kill('SIGKILL')
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}

/** What was printed whole: a line that the kill cut in two was promised to nobody. */
function promises(output: string): Omit<Life, 'errors'> {
  const lines = output.split('\n').slice(0, -1)
  const ids = (mark: string) =>
    lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length))
  return { isOpen: lines[0] === 'open', disk: ids('d '), kernel: ids('k ') }
}

class Total implements KillReport {
  kills = 0
  whileOpening = 0
  tornKills = 0
  readonly promised = { disk: 0, kernel: 0 }
  readonly lost: string[] = []
  readonly unsigned: string[] = []
  readonly faults: string[] = []

  add({ isOpen, disk, kernel, errors }: Life, log: ReturnType<typeof readLog>): void {
    this.kills += 1
    if (!isOpen) this.whileOpening += 1
    if (errors !== '') this.faults.push(errors)
    if (log.tornBytes > 0) this.tornKills += 1
    this.faults.push(...log.faults)
    this.promised.disk += disk.length
    this.promised.kernel += kernel.length
    for (const id of [...disk, ...kernel]) if (!log.seqOf.has(id)) this.lost.push(id)
    for (const id of disk) {
      if ((log.seqOf.get(id) ?? 0) >= log.signedSize) this.unsigned.push(id)
    }
  }
}

/** Mulberry32: the same numbers for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
