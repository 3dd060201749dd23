/** Registrations whose answers this process waits for, and those of which nobody hears any more. */
import { isDeclined, type Command } from '../command.ts'
import type { AccessReplica } from '../replica.ts'
import { endRegistration, fading, giveUp, sayAgain, unheard, type GivenUp } from './begun.ts'

/** See {@link createLiving}. */
export interface LivingRegistrations {
  /** The journal has it, and its answer is waited for: it is told so again as long as it is. */
  began(id: string): void
  /** Nobody here waits for it any more: it is given up in time, unless somebody writes what it made. */
  left(id: string): void
  /** Nothing came of it. The journal is told, now or as soon as it can be. Never rejects. */
  ended(id: string): Promise<void>
  /** Tells the journal what is due, and gives up what nobody hears of. Never rejects. */
  turn(): Promise<void>
}

/** What {@link createLiving} needs. */
export interface LivingDeps {
  readonly replica: Pick<AccessReplica, 'run' | 'state' | 'now'>
  /** Told of each that was given up by this process. */
  readonly onGivenUp: (given: GivenUp) => Promise<void>
  /** Told what kept the journal from being told. */
  readonly onFailed: (error: unknown) => void
}

/** Begins with none. */
export function createLiving(deps: LivingDeps): LivingRegistrations {
  const living = new Set<string>()
  const ending = new Set<string>()
  let isTurning = false
  const end = async (id: string): Promise<void> => {
    await told(deps, endRegistration(id))
    ending.delete(id)
  }
  const turn = async (): Promise<void> => {
    for (const id of ending) await end(id)
    await keepAlive(deps, living)
    await giveUpAll(deps)
  }
  return {
    began: (id) => void living.add(id),
    left: (id) => void living.delete(id),
    async ended(id) {
      living.delete(id)
      ending.add(id)
      await end(id).catch(deps.onFailed)
    },
    async turn() {
      if (isTurning) return
      isTurning = true
      await turn().catch(deps.onFailed)
      isTurning = false
    },
  }
}

/** Before anything is given up: after an outage this process may be the one that is not heard of. */
async function keepAlive(deps: LivingDeps, living: Set<string>): Promise<void> {
  const { state, now } = deps.replica
  for (const id of living) if (!state.registrations.has(id)) living.delete(id)
  if (fading(state, living, now()).length > 0) await told(deps, sayAgain(living))
}

async function giveUpAll(deps: LivingDeps): Promise<void> {
  const { state, now } = deps.replica
  for (const id of unheard(state, now())) {
    const given = await told(deps, giveUp(id))
    if (given !== undefined) await deps.onGivenUp(given)
  }
}

/** What is declined stays as it is, and holds up nothing else. @throws ERR_STORE_UNAVAILABLE */
async function told<T>(
  { replica, onFailed }: LivingDeps,
  command: Command<T>,
): Promise<T | undefined> {
  const done = await replica.run(command)
  if (!isDeclined(done)) return done.done
  onFailed(new Error(done.detail))
  return undefined
}
