/** The built gateway, `dist/gateway/main.js`, for tests that run it as operators do. */
import { spawn } from 'node:child_process'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './world-files.ts'

const IS_COMPILED = import.meta.url.includes('/dist/test/')

/** The folder of the project; benches run compiled, below its `dist`. */
export const PROJECT = fileURLToPath(new URL(IS_COMPILED ? '../../../' : '../../', import.meta.url))

const MAIN = join(PROJECT, 'dist/gateway/main.js')
const LOCK = join(PROJECT, '.cache/test-build.lock')
const BUILD_MS = 120_000

/**
 * The path of the built entry point. Builds first when there is none or when a file of `gateway/`
 * is newer; test files that ask at the same time wait for the one build.
 * @throws Error with the compiler's output
 */
export async function ensureBuilt(): Promise<string> {
  if (await isFresh()) return MAIN
  await mkdir(dirname(LOCK), { recursive: true })
  await until('the lock of the build', takeLock, BUILD_MS)
  try {
    if (!(await isFresh())) await build()
    return MAIN
  } finally {
    await rm(LOCK, { recursive: true, force: true })
  }
}

/** A lock left by a run that was killed is as old as no build can be. */
async function takeLock(): Promise<boolean> {
  try {
    await mkdir(LOCK)
    return true
  } catch {
    if (Date.now() - (await modifiedAt(LOCK)) > BUILD_MS) await rm(LOCK, { recursive: true })
    return false
  }
}

async function isFresh(): Promise<boolean> {
  const built = await modifiedAt(MAIN)
  // The build holds the lock until its last file is written.
  if (built === 0 || (await modifiedAt(LOCK)) !== 0) return false
  const entries = await readdir(join(PROJECT, 'gateway'), { recursive: true })
  const times = await Promise.all(
    entries.map((entry) => modifiedAt(join(PROJECT, 'gateway', entry))),
  )
  return Math.max(...times) <= built
}

/** Milliseconds since the epoch, 0 for what does not exist. */
async function modifiedAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
}

async function build(): Promise<void> {
  const child = spawn(process.execPath, ['scripts/build.mjs'], { cwd: PROJECT })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  }
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`the build failed\n${output}`)
}
