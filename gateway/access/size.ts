/** How much of a snapshot something takes, known without writing it. */
import type { AccessState } from './state.ts'

/** Objects that are too small for their size to be remembered. */
const REMEMBERED_FROM = 128

/** Sizes of objects that are never changed: what most of a state consists of from entry to entry. */
const sizes = new WeakMap<object, number>()

/** Characters of `value` as JSON. Of what was asked about before, only what is new is looked at. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return JSON.stringify(value).length
  if (typeof value !== 'object' || value === null) return String(value).length
  const known = sizes.get(value)
  if (known !== undefined) return known
  const size = Array.isArray(value) ? sizeOfList(value) : sizeOfMembers(value)
  if (size >= REMEMBERED_FROM) sizes.set(value, size)
  return size
}

/** Characters of one entry of a map, as a snapshot has it: `["key",value],`. */
export function sizeOfEntry(key: string, value: unknown): number {
  return key.length + sizeOf(value) + 6
}

/** Characters of the snapshot of `state`, to within a thousandth; its maps must be settled. */
export function sizeOfState(state: AccessState): number {
  let size = 0
  for (const value of Object.values(state) as unknown[]) {
    size += value instanceof Map ? sizeOfMap(value as ReadonlyMap<string, unknown>) : sizeOf(value)
  }
  return size
}

/** Characters of all entries of a map. A map that somebody may still change is not to be asked about. */
export function sizeOfMap(map: ReadonlyMap<string, unknown>): number {
  const known = sizes.get(map)
  if (known !== undefined) return known
  const size = sumOf(map)
  sizes.set(map, size)
  return size
}

/** As {@link sizeOfMap}, of a map that a fold under way may still change. */
export function sumOf(map: ReadonlyMap<string, unknown>): number {
  let size = 2
  for (const [key, value] of map) size += sizeOfEntry(key, value)
  return size
}

function sizeOfList(list: readonly unknown[]): number {
  let size = 2 + Math.max(list.length - 1, 0)
  for (const one of list) size += sizeOf(one)
  return size
}

function sizeOfMembers(value: object): number {
  let [size, members] = [2, 0]
  for (const [name, one] of Object.entries(value) as [string, unknown][]) {
    if (one === undefined) continue
    size += JSON.stringify(name).length + 1 + sizeOf(one)
    members += 1
  }
  return size + Math.max(members - 1, 0)
}
