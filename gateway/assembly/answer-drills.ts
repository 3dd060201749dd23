/** Drills that the journal tells of: each is run here once, and what was found is told to everybody. */
import { isDeclined } from '../access/command.ts'
import { reportDrill } from '../access/locks/drills.ts'
import type { Drill } from '../access/lock.ts'
import type { Applied } from '../access/replica.ts'
import type { Runtime, Services } from '../pep/runtime.ts'
import { runDrill } from '../pep/watching/run-drill.ts'
import type { RunningReplica } from './replica/replica.ts'

/** What answering needs. */
export interface DrillAnswerDeps {
  readonly services: Pick<Services, 'clock' | 'log' | 'metrics'>
  readonly replica: Pick<RunningReplica, 'self' | 'now' | 'run'>
  readonly runtime: () => Runtime
}

/**
 * To be told of every change. Drills from before this was made are left alone: they were not waiting
 * for this process. The result settles when all are answered, and never rejects; a report that could
 * not be given is missed by the drill, which fails.
 */
export function createDrillAnswers(deps: DrillAnswerDeps): (applied: Applied) => Promise<void> {
  const since = deps.replica.now()
  return async ({ before, after }) => {
    if (before.drills === after.drills) return
    const begun = [...after.drills.values()].filter(
      ({ id, at }) => at >= since && !before.drills.has(id),
    )
    await Promise.all(begun.map((drill) => answer(drill, deps)))
  }
}

async function answer(drill: Drill, deps: DrillAnswerDeps): Promise<void> {
  const { services, replica, runtime } = deps
  const now = (): number => replica.now()
  const report = await runDrill(drill, { services, runtime, replica: replica.self, now })
  const { refusedMs, cutMs, ok, detail } = report
  const told = { drill: drill.id, ok, refusedMs, cutMs, detail }
  services.log.info(told, 'a drill was run')
  try {
    const ruled = await replica.run(reportDrill(drill.id, report))
    if (isDeclined(ruled)) services.log.warn({ ...told, why: ruled.detail }, NOT_TOLD)
  } catch (error) {
    services.log.error({ ...told, err: error }, NOT_TOLD)
  }
}

const NOT_TOLD = 'what a drill found was not taken'
