/** What the upstream calls a training, as its answer says it. */
import { isDeclined } from '../../access/command.ts'
import { nameTraining } from '../../access/versions/trainings.ts'
import type { Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'

/** Puts the name of the job on record. Without one, its version is found by what it was to become. */
export async function nameRun(
  exchange: Exchange,
  { replica, log }: Services,
  job: string | undefined,
): Promise<void> {
  if (job === undefined || exchange.training?.facts === undefined) return
  try {
    const named = await replica.run(nameTraining(exchange.id, job))
    if (!isDeclined(named)) return
    log.warn({ decisionId: exchange.id, why: named.declined }, NAMELESS)
  } catch (error) {
    log.warn({ decisionId: exchange.id, err: error }, NAMELESS)
  }
}

const NAMELESS = 'the job of a training was not put on record'
