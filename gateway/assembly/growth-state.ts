/** The directory of a signer or witness, held by one process. */
import { randomUUID } from 'node:crypto'
import { systemFiles } from '../audit/files/file-port.ts'
import { acquireLock } from '../audit/files/lock.ts'
import {
  checkMemoryDirectory,
  createMemoryDirectory,
  openGrowthMemory,
  type GrowthMemory,
} from '../audit/signing/growth-memory.ts'
import type { NoteVerifier } from '../audit/tree/note.ts'
import type { Clock } from '../domain/clock.ts'
import { GatewayError } from '../domain/errors.ts'
import type { ProcessFacts } from './process-facts.ts'

/** What {@link openGrowthState} needs. */
export interface GrowthStateOptions {
  readonly dir: string
  /** Whether it is the first time: then the directory must not be there. */
  readonly isNew: boolean
  readonly verifiers: readonly NoteVerifier[]
  readonly process: ProcessFacts
  readonly clock: Clock
}

/** The memory, and how to let go of it. */
export interface GrowthState {
  readonly memory: GrowthMemory
  close(): void
}

const RENEW_MS = 10_000

/** @throws ERR_USAGE about the directory, ERR_AUDIT_UNAVAILABLE when another process has it */
export function openGrowthState(options: GrowthStateOptions): GrowthState {
  const { dir, isNew, verifiers, process, clock } = options
  if (isNew) createMemoryDirectory(dir)
  checkMemoryDirectory(dir, process.uid)
  const owner = { ...process }
  const lock = acquireLock({ files: systemFiles, dir, bootId: randomUUID(), owner, clock })
  const timer = setInterval(() => {
    try {
      lock.renew()
    } catch {
      // Whether it is held is looked at again before every write.
    }
  }, RENEW_MS)
  timer.unref()
  const assertHeld = (): void => {
    if (lock.isHeld()) return
    throw new GatewayError('ERR_AUDIT_UNAVAILABLE', `${dir}: another process took it`)
  }
  return {
    memory: openGrowthMemory({ dir, uid: process.uid, verifiers, assertHeld }),
    close() {
      clearInterval(timer)
      lock.release()
    },
  }
}
