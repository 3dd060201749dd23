/** Drills: proof that a lock would take hold on every replica, without locking anybody. */
import { decline, type Command, type Ruled } from '../command.ts'
import { isId } from '../ids.ts'
import type { Drill, DrillReport } from '../lock.ts'

/** Drills within an hour. */
const DRILLS_MAX = 60

/** Replicas that one drill waits for. */
const REPLICAS_MAX = 1_000

/** How long replicas may report; later than that, the switch has failed on them. */
export const DRILL_MS = 60_000

const HOUR_MS = 3_600_000
const TEXT_CHARS_MAX = 512

/** Begins a drill that the replicas in `expected` are to report on. */
export function beginDrill(ask: Pick<Drill, 'id' | 'by' | 'expected'>): Command<Drill> {
  return (state, now): Ruled<Drill> => {
    if (!isId('drill', ask.id)) return decline('invalid', 'The id of the drill is not well formed.')
    const recent = [...state.drills.values()].filter(({ at }) => at > now - HOUR_MS)
    if (recent.length >= DRILLS_MAX) {
      return decline('too_many', `There were ${recent.length} drills within an hour.`)
    }
    const expected = ask.expected.slice(0, REPLICAS_MAX).map(({ id, name }) => ({ id, name }))
    const drill: Drill = { id: ask.id, by: ask.by, at: now, expected, reports: [] }
    return { events: [{ type: 'drill.begun', drill }], result: drill }
  }
}

/** What one replica found, told once and within {@link DRILL_MS}. */
export function reportDrill(id: string, report: DrillReport): Command<Drill> {
  return (state, now): Ruled<Drill> => {
    const drill = state.drills.get(id)
    if (drill === undefined) return decline('not_found', 'There is no drill of that id.')
    if (drill.at + DRILL_MS < now) return decline('closed', 'The drill is over.')
    if (drill.reports.some(({ replica }) => replica === report.replica)) {
      return decline('already_done', 'This replica has reported.')
    }
    if (drill.reports.length >= REPLICAS_MAX) {
      return decline('too_many', 'More replicas have reported than a drill is for.')
    }
    const { replica, name, refusedMs, cutMs, ok, detail } = report
    const told: DrillReport = {
      replica: replica.slice(0, TEXT_CHARS_MAX),
      name: name.slice(0, TEXT_CHARS_MAX),
      refusedMs,
      cutMs,
      ok: ok && [refusedMs, cutMs].every((ms) => Number.isFinite(ms) && ms >= 0),
      ...(detail === undefined ? {} : { detail: detail.slice(0, TEXT_CHARS_MAX) }),
    }
    const event = { type: 'drill.reported', id, report: told } as const
    return { events: [event], result: { ...drill, reports: [...drill.reports, told] } }
  }
}

/** How a drill stands. */
export interface DrillOutcome {
  /** `passed`: every replica that was there reported that the switch works. */
  readonly state: 'running' | 'passed' | 'failed'
  /** Replicas that were there and have not reported. */
  readonly missing: Drill['expected']
}

/** How `drill` stands at `now`; replicas that came later count when they report a failure. */
export function drillOutcome(drill: Drill, now: number): DrillOutcome {
  const reported = new Set(drill.reports.map(({ replica }) => replica))
  const missing = drill.expected.filter(({ id }) => !reported.has(id))
  if (drill.reports.some(({ ok }) => !ok)) return { state: 'failed', missing }
  // Nobody was there to report: that proves nothing.
  if (missing.length === 0 && reported.size > 0) return { state: 'passed', missing }
  return { state: drill.at + DRILL_MS < now ? 'failed' : 'running', missing }
}
