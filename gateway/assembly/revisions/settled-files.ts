import { stat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Diagnostic, Loaded } from '../../domain/diagnostics.ts'
import { readRuleFiles } from '../rule-files.ts'
import type { StoredRuleSet } from './revision-store.ts'
import { readSignature } from './signature.ts'

/** Time, for tests. */
export interface SettledReadDeps {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Resolves after so many milliseconds. */
  readonly wait?: (ms: number) => Promise<unknown>
}

/**
 * How long the files must have been left alone, attempt by attempt: a writer that is quick about it
 * is waited for, one that never stops gets shorter looks before it is given up. The shortest is
 * longer than the tick in which file systems count time.
 */
const QUIET_MS: readonly number[] = [100, 100, 60, 60, ...Array.from({ length: 40 }, () => 30)]

/** The same when a file was just written where it is: its writer may only have paused. */
const WRITTEN_QUIET_MS: readonly number[] = [500, 500, 500, ...Array.from({ length: 8 }, () => 250)]

/** A file written so long ago is taken for whole. */
const WRITTEN_MS = 500

/** Files untouched for so long by the clock need no waiting. */
const OLD_MS = 2_000

/**
 * Reads the rule folder as it was at one moment: nothing of it may have been changed, replaced or
 * renamed from some time before the first file was read until after the last. A file cut off in the
 * middle of being written, or files of two sets, are read by nobody then, although either could
 * pass for a good set. A writer that pauses for longer within one set is beyond this; a signed set
 * is not.
 */
export async function readSettledRules(
  dir: string,
  deps: SettledReadDeps,
): Promise<Loaded<StoredRuleSet>> {
  const wait = deps.wait ?? ((ms) => pause(ms))
  for (let attempt = 0; attempt < QUIET_MS.length; attempt++) {
    const before = await identityOf(dir)
    const quietMs = quietFor(before, deps.now(), attempt)
    if (quietMs === undefined) break
    if (quietMs > 0) await wait(quietMs)
    const set = await readSet(dir)
    const after = await identityOf(dir)
    if (after.text === before.text) return set
  }
  return { ok: false, diagnostics: [unsettled(dir)] }
}

/** How long to wait; `undefined` when there was waiting enough. Times of the future are new. */
function quietFor({ newestMs, writtenMs }: Identity, now: number, attempt: number) {
  if (newestMs > 0 && now - newestMs > OLD_MS) return 0
  return (now - writtenMs < WRITTEN_MS ? WRITTEN_QUIET_MS : QUIET_MS)[attempt]
}

/** The rule folder as it is read now, with its signature; for a look, not for enforcing. */
export async function readSet(dir: string): Promise<Loaded<StoredRuleSet>> {
  const files = await readRuleFiles(dir)
  if (!files.ok) return files
  const signature = await readSignature(dir)
  if (!signature.ok) return signature
  return { ok: true, value: { files: files.value, signature: signature.value }, warnings: [] }
}

interface Identity {
  readonly text: string
  /** The latest change of anything, milliseconds since the epoch. */
  readonly newestMs: number
  /** The latest writing of a file that was not renamed since. */
  readonly writtenMs: number
}

/**
 * Which files these are, and when each was last changed. The folders count too: every rename in one
 * of them changes it, and so does the swap of a link to all of them.
 */
async function identityOf(dir: string): Promise<Identity> {
  const routes = join(dir, 'routes')
  const paths = [dir, routes, ...(await childrenOf(dir)), ...(await childrenOf(routes))]
  const facts = await Promise.all(paths.map(factsOf))
  return {
    text: JSON.stringify(facts.map(({ text }) => text)),
    newestMs: Math.max(...facts.map(({ newestMs }) => newestMs)),
    writtenMs: Math.max(...facts.map(({ writtenMs }) => writtenMs)),
  }
}

/** Folders of rules are small; one with more entries than this is something else. */
const ENTRIES_MAX = 4_096

async function childrenOf(dir: string): Promise<readonly string[]> {
  const names = await readdir(dir).catch(() => [])
  return names
    .sort()
    .slice(0, ENTRIES_MAX)
    .map((name) => join(dir, name))
}

async function factsOf(path: string): Promise<Identity> {
  try {
    const found = await stat(path, { bigint: true })
    const { dev, ino, size, mtimeNs, ctimeNs } = found
    const newestNs = mtimeNs > ctimeNs ? mtimeNs : ctimeNs
    // A rename, which comes after the last writing, changes the status alone.
    const isRenamed = ctimeNs > mtimeNs || !found.isFile()
    return {
      text: [path, dev, ino, size, mtimeNs, ctimeNs].join(' '),
      newestMs: Number(newestNs / 1_000_000n),
      writtenMs: isRenamed ? 0 : Number(mtimeNs / 1_000_000n),
    }
  } catch {
    return { text: `${path} absent`, newestMs: 0, writtenMs: 0 }
  }
}

/** Named by its code by whoever must look again. */
export const UNSETTLED = 'unsettled-files'

function unsettled(dir: string): Diagnostic {
  return {
    file: dir,
    line: 1,
    column: 1,
    severity: 'error',
    code: UNSETTLED,
    message: 'the rule files never stopped changing while they were read',
    remedy: 'Change them in one step: write a new folder beside and swap a symbolic link.',
  }
}
