import { kill } from 'node:process'

/** What the gateway needs to know of the process it runs in; only `main.ts` reads it. */
export interface ProcessFacts {
  readonly pid: number
  /** Name of the machine or container. */
  readonly host: string
  /** The user the process runs as; absent where the platform has none. */
  readonly uid?: number
  /** All groups of the process, where the platform has any. */
  readonly groups?: readonly number[]
  /** The name of that user, where it has one. */
  readonly user?: string
  readonly nodeVersion: string
  /** Whether a debugger can be attached; not when absent. */
  readonly hasDebugger?: boolean
  /** Whether a process of this machine is alive. */
  isAlive(pid: number): boolean
}

/** The user of the operating system that a process acts for, as the history names it: `os:jo`. */
export function osUser({ user, uid }: Pick<ProcessFacts, 'user' | 'uid'>): string {
  return `os:${user ?? uid ?? 'unknown'}`
}

/**
 * Whether a process of this machine is alive. Signal 0 tests for existence; `EPERM` means that it
 * exists and is another user's.
 */
export function isAlive(pid: number): boolean {
  try {
    return kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
