/** Where an index keeps locks: lists by age, under the keys that requests ask by. */
import type { Lock } from '../lock.ts'
import { byAge } from './in-force.ts'

/** Locks under one key, the oldest first. */
export type Locks = Lock[]

/** Locks by key. A `Map` is one. */
export interface Places {
  get(key: string): Locks | undefined
  set(key: string, locks: Locks): unknown
  delete(key: string): unknown
}

/** Adds `lock` to those under `key`. */
export function putIn(places: Places, key: string, lock: Lock): void {
  const locks = places.get(key)
  if (locks === undefined) places.set(key, [lock])
  else insert(locks, lock)
}

/** Takes `lock` from those under `key`. */
export function takeFrom(places: Places, key: string, lock: Lock): void {
  const rest = (places.get(key) ?? []).filter(({ id }) => id !== lock.id)
  if (rest.length === 0) places.delete(key)
  else places.set(key, rest)
}

/** New ones are mostly the youngest. */
function insert(locks: Locks, lock: Lock): void {
  let at = locks.length
  for (; at > 0; at--) {
    const before = locks[at - 1]
    if (before === undefined || byAge(before, lock) <= 0) break
  }
  locks.splice(at, 0, lock)
}

/**
 * Locks by two keys. To write both as one text would cost every request that text and its hash,
 * which is most of what a look-up costs.
 */
export class PairedPlaces {
  private readonly maps = new Map<string, Map<string, Locks>>()

  get size(): number {
    return this.maps.size
  }

  get(first: string, second: string): Locks | undefined {
    return this.maps.get(first)?.get(second)
  }

  /** Those of one first key. */
  of(first: string): Places {
    const { maps } = this
    return {
      get: (second) => maps.get(first)?.get(second),
      set: (second, locks) => {
        const map = maps.get(first)
        if (map === undefined) maps.set(first, new Map([[second, locks]]))
        else map.set(second, locks)
      },
      delete: (second) => {
        const map = maps.get(first)
        if (map?.delete(second) === true && map.size === 0) maps.delete(first)
      },
    }
  }
}
