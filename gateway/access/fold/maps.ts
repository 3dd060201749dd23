/** Maps that are never changed once they were handed out. */

/** Maps that a fold under way has made, and that nobody else has seen yet. */
const drafts = new WeakSet<object>()

/**
 * `map` with `value` under `key`, at the end when it is new. Copies the map, unless the fold under way
 * has done so already: ten thousand entries at once cost one copy.
 */
export function withEntry<V>(
  map: ReadonlyMap<string, V>,
  key: string,
  value: V,
): ReadonlyMap<string, V> {
  return draftOf(map).set(key, value)
}

/** `map` without `key`; the same map when it has none. Copies it as {@link withEntry} does. */
export function withoutEntry<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  if (!map.has(key)) return map
  const draft = draftOf(map)
  draft.delete(key)
  return draft
}

function draftOf<V>(map: ReadonlyMap<string, V>): Map<string, V> {
  if (isDraft(map)) return map
  const draft = new Map(map)
  drafts.add(draft)
  return draft
}

function isDraft<V>(map: ReadonlyMap<string, V>): map is Map<string, V> {
  return drafts.has(map)
}

/** `state`, in which no map is changed any more. To be called before a state is handed out. */
export function settled<S extends object>(state: S): S {
  for (const value of Object.values(state) as unknown[]) {
    if (value instanceof Map) drafts.delete(value)
  }
  return state
}

/** `map` with what is under `key` changed; the same map when there is nothing. */
export function withChanged<V>(
  map: ReadonlyMap<string, V>,
  key: string,
  change: (value: V) => V,
): ReadonlyMap<string, V> {
  const found = map.get(key)
  return found === undefined ? map : withEntry(map, key, change(found))
}

/** Those for which `keeps` holds; the same map when it holds for all. */
export function filtered<V>(
  map: ReadonlyMap<string, V>,
  keeps: (value: V, key: string) => boolean,
): ReadonlyMap<string, V> {
  const kept = new Map<string, V>()
  for (const [key, value] of map) if (keeps(value, key)) kept.set(key, value)
  return kept.size === map.size ? map : kept
}
