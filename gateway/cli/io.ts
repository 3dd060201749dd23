import type { ProcessFacts } from '../assembly/process-facts.ts'

/** What a verb may touch of the process: handed in, so that every verb can be tested. */
export interface CliIo {
  /** Data for machines and pipes. */
  out(text: string): void
  /** Talk for people. */
  err(text: string): void
  /** Standard input, opened when it is first read; absent where there is none. */
  readonly stdin?: AsyncIterable<Uint8Array>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Whether standard output is a terminal. */
  readonly interactive: boolean
  /** Whether colour may be used on standard output (a terminal, no `NO_COLOR`, not `dumb`). */
  readonly colour: boolean
  readonly process: ProcessFacts
  /** The command, and what stands before the verb, that start this program again. */
  readonly self?: { readonly command: string; readonly args: readonly string[] }
  /** Runs `listener` on SIGTERM or SIGINT (`stop`) and on SIGHUP (`reload`). */
  onSignal(kind: 'stop' | 'reload', listener: () => void): void
}

/** Exit codes of every verb. */
export const EXIT = {
  /** Done; permitted; nothing wrong found. */
  ok: 0,
  /** Refused, or failed while running. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Rules or configuration are invalid. */
  invalid: 3,
} as const
