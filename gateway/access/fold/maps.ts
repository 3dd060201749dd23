/** Maps that are never changed in place. */

/** `map` with `value` under `key`, at the end when it is new. */
export function withEntry<V>(
  map: ReadonlyMap<string, V>,
  key: string,
  value: V,
): ReadonlyMap<string, V> {
  return new Map(map).set(key, value)
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
