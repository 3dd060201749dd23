/** Whether all of a body is understood: one more dataset may be named anywhere in it. */
import type { PackTraining } from '../../settings/schemas/pack-training.ts'

/** What may stand at one place of a body. */
interface Place {
  readonly children: Map<string, Place>
  /** What may stand behind every other name. */
  others: Place | undefined
  /** What every element of a list here may be. */
  items: Place | undefined
  /** Whether a text, a number, true or false may stand here. */
  isValue: boolean
  /** Whether it is read as a name, and compared. */
  isName: boolean
}

/** Why a body is not understood. */
export type MembersFault = 'unknown' | 'reference'

const nothing = (): Place => ({
  children: new Map(),
  others: undefined,
  items: undefined,
  isValue: false,
  isName: false,
})

/**
 * A check of bodies that are one JSON value: `unknown` where a member is not among those that the
 * route knows, at any depth; `reference` where a text that is not read as a name looks like one of
 * something elsewhere: a URL, a path, the id of a file.
 */
export function compileMembers(spec: PackTraining): (body: unknown) => MembersFault | undefined {
  const { datasets, base = [], destination = [], parameters, members } = spec
  const root = nothing()
  for (const path of [...members, ...parameters]) placeOf(root, path).isValue = true
  for (const { body } of [...datasets, ...base, ...destination]) {
    const place = placeOf(root, body)
    place.isValue = true
    place.isName = true
  }
  return (body) => faultIn(body, root)
}

/** The place of a path, made where it is not there yet. */
function placeOf(root: Place, path: string): Place {
  let place = root
  for (const part of path.split('.')) {
    const isList = part.endsWith('[]')
    const name = isList ? part.slice(0, -2) : part
    if (name === '*') place = place.others ??= nothing()
    else if (name !== '') {
      const next = place.children.get(name) ?? nothing()
      place.children.set(name, next)
      place = next
    }
    if (isList) place = place.items ??= nothing()
  }
  return place
}

/** No deeper than the places are. */
function faultIn(value: unknown, place: Place): MembersFault | undefined {
  if (value === null) return undefined
  if (Array.isArray(value)) {
    const { items } = place
    return items === undefined ? 'unknown' : firstFault(value.map((one) => [one, items]))
  }
  if (typeof value === 'object') {
    const { children, others } = place
    return firstFault(
      Object.entries(value).map(([name, one]) => [one, children.get(name) ?? others]),
    )
  }
  if (!place.isValue) return 'unknown'
  return typeof value === 'string' && !place.isName && isReference(value) ? 'reference' : undefined
}

function firstFault(
  found: readonly (readonly [unknown, Place | undefined])[],
): MembersFault | undefined {
  for (const [value, place] of found) {
    const fault = place === undefined ? 'unknown' : faultIn(value, place)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** What texts begin with that name something elsewhere, in lower case. */
const BEGINNINGS = [
  ...['file-', 'file_', 'file:', 'dataset-', 'dataset:', 'datasets/', 'upload_', 'batch_'],
  ...['hf:', 'arn:', 'data:', 'azureml:', 'model:', 'models:', 'runs:', 'urn:'],
  ...['/', './', '../', '~', '\\'],
]

/** Whether a text could be the name of a file, a dataset or a place. */
function isReference(text: string): boolean {
  const lower = text.trim().toLowerCase()
  if (lower.includes('://') || lower.includes('..') || lower.includes('file-')) return true
  return /^[a-z]:\\/.test(lower) || BEGINNINGS.some((beginning) => lower.startsWith(beginning))
}
