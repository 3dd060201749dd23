/** Processes that claim grants against each other. */
import { startWorker } from './workers.ts'

/** One process. */
export interface Claimer {
  /** Lets it begin. */
  begin(): void
  /** Numbers of the grants it was given, once it has ended. */
  readonly given: Promise<number[]>
  /** Resolves when it was given at least so many. */
  gave(count: number): Promise<void>
  kill(): void
}

/** Starts a process and waits until its store is open; `count` 0 goes on until it is killed. */
export async function startClaimer(store: string, name: string, count: number): Promise<Claimer> {
  const worker = await startWorker('store-claimer.ts', [store, name, String(count)])
  return {
    begin: () => worker.begin(),
    given: worker.said.then((lines) => lines.map(Number)),
    gave: (many) => worker.saidSome(many),
    kill: () => worker.kill(),
  }
}
