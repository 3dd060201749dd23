/**
 * The checkpoints of other logs, written into this one: a log that is gone, was cut or put back to an
 * earlier state is then visible in another.
 */
import type { LedgerRecord, LedgerValue } from '../../domain/ports.ts'
import { readPublished } from '../files/checkpoint-log.ts'
import { asError } from '../files/file-ops.ts'
import type { FilePort } from '../files/file-port.ts'

/** Makes records of the logs in some directories, and remembers what it saw. */
export interface Manifest {
  /** `undefined` when there is no other log. */
  record(): LedgerRecord | undefined
}

/** See the head of this file. Nothing is verified here: the whole signed note is recorded. */
export function createManifest(files: FilePort, dirs: readonly string[]): Manifest {
  const sizes = new Map<string, number>()
  const entryOf = (dir: string): LedgerValue => {
    const before = sizes.get(dir)
    const found = lookAt(files, dir)
    if (typeof found === 'string') return { dir, before, problem: found }
    const { origin, size, root } = found.checkpoint
    sizes.set(dir, size)
    // A log only grows: whoever reads this need not compare.
    const problem = before !== undefined && size < before ? 'shorter than before' : undefined
    const hash = root.toString('base64')
    return { dir, origin, size, root: hash, before, problem, note: found.note }
  }
  return {
    record: () =>
      dirs.length === 0 ? undefined : { type: 'manifest', fields: { logs: dirs.map(entryOf) } },
  }
}

function lookAt(files: FilePort, dir: string) {
  try {
    return readPublished(files, dir) ?? 'no checkpoint'
  } catch (error) {
    return `cannot be read: ${(error as NodeJS.ErrnoException).code ?? asError(error).message}`
  }
}
