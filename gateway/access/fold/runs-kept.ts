/** Trainings that are long over, and those of them that still matter. */
import type { AccessState } from '../state.ts'
import { filtered } from './maps.ts'

/**
 * Runs that began after `old`, and older ones that a restricted version came of, or may have: whoever
 * had a hand in them does not release it, however long it waits.
 */
export function keepRuns({ runs, versions }: AccessState, old: number): AccessState['runs'] {
  const waiting = [...versions.values()].filter(({ released }) => released === undefined)
  const unlinked = waiting.filter(({ run }) => run === undefined)
  const known = new Set(waiting.map(({ run }) => run))
  const said = new Set(unlinked.map(({ upstreamRun }) => upstreamRun))
  const models = new Set(unlinked.map(({ model }) => nameOf(model)))
  return filtered(runs, ({ at, id, destination, upstreamRun }) => {
    if (at > old || known.has(id)) return true
    if (upstreamRun !== undefined && said.has(upstreamRun)) return true
    return destination === undefined ? models.size > 0 : models.has(destination)
  })
}

const nameOf = (model: string): string => model.slice(0, model.lastIndexOf('@'))
