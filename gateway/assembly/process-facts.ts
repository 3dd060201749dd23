/** What the gateway needs to know of the process it runs in; only `main.ts` reads it. */
export interface ProcessFacts {
  readonly pid: number
  /** Name of the machine or container. */
  readonly host: string
  /** The user the process runs as; absent where the platform has none. */
  readonly uid?: number
  readonly nodeVersion: string
  /** Whether a process of this machine is alive. */
  isAlive(pid: number): boolean
}
