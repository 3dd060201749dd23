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
    listed(value),
  ])
  return JSON.stringify({ v: VERSION, ...Object.fromEntries(entries) })
}

/** Names of what is not the same in the snapshots of two states. */
export function differences(one: AccessState, other: AccessState): readonly string[] {
  const text = (value: unknown): string => JSON.stringify(listed(value))
  const names = Object.keys(one) as readonly (keyof AccessState)[]
  return names.filter((name) => text(one[name]) !== text(other[name]))
}

function listed(value: unknown): unknown {
  return value instanceof Map ? [...(value as Map<string, unknown>)] : value
}

/** What the values of a map are, where they are no objects. */
const VALUES: Partial<Record<keyof AccessState, (value: unknown) => boolean>> = {
  autoApprovals: (value) => Array.isArray(value) && value.every(Number.isSafeInteger),
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
      return [name, mapOf(name as keyof AccessState, value)]
    }
    if (typeof value !== typeof none) throw damaged(name)
    return [name, value]
  })
  return { ...empty, ...(Object.fromEntries(entries) as Partial<AccessState>) }
}

/** Whoever reads a state relies on its values: one that is none would end them, not the reading. */
function mapOf(name: keyof AccessState, value: unknown): ReadonlyMap<string, unknown> {
  if (!Array.isArray(value)) throw damaged(name)
  const isValue = VALUES[name] ?? isObject
  const map = new Map<string, unknown>()
  for (const pair of value as readonly unknown[]) {
    const [key, one] = (Array.isArray(pair) ? pair : []) as readonly unknown[]
    if (typeof key !== 'string') throw damaged(`a key of ${name}`)
    if (!isValue(one)) throw damaged(`${key} of ${name}`)
    map.set(key, one)
  }
  return map
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function damaged(what: string): GatewayError {
  return new GatewayError('ERR_INTERNAL', `a snapshot of the journal cannot be read: ${what}`)
}
