/** A state as text, and back. */
import { GatewayError } from '../domain/errors.ts'
import { emptyState, type AccessState } from './state.ts'

/** Form of the text. */
const VERSION = 1

/** Maps that snapshots of earlier versions do not have: nothing was in them. */
const LATER: ReadonlySet<string> = new Set(['registrations'] satisfies (keyof AccessState)[])

/** The text of `state`: a JSON object with lists in the place of maps. */
export function snapshotText(state: AccessState): string {
  const entries = Object.entries(state).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Map ? [...(value as Map<string, unknown>)] : value,
  ])
  return JSON.stringify({ v: VERSION, ...Object.fromEntries(entries) })
}

/** The state of a text that {@link snapshotText} made. @throws ERR_INTERNAL when it is none */
export function readSnapshot(text: string): AccessState {
  const read = JSON.parse(text) as Readonly<Record<string, unknown>>
  if (read['v'] !== VERSION || typeof read['epoch'] !== 'string') throw damaged('its version')
  const empty = { ...emptyState(read['epoch']) }
  const entries = Object.entries(empty).map(([name, none]) => {
    const value = read[name]
    if (none instanceof Map) {
      if (value === undefined && LATER.has(name)) return [name, none]
      if (!Array.isArray(value)) throw damaged(name)
      return [name, new Map(value as [string, unknown][])]
    }
    if (typeof value !== typeof none) throw damaged(name)
    return [name, value]
  })
  return { ...empty, ...(Object.fromEntries(entries) as Partial<AccessState>) }
}

function damaged(what: string): GatewayError {
  return new GatewayError('ERR_INTERNAL', `a snapshot of the journal cannot be read: ${what}`)
}
