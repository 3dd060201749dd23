/** Turns a validated document (snake_case, mutable) into what code reads (camelCase, frozen). */
import { dirname, isAbsolute, join } from 'node:path'
import { descend, unwrap } from './schema-walk.ts'

type CamelKey<K extends string> = K extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelKey<Tail>>}`
  : K

/**
 * The camelCase, deeply read-only view of a document type. Keys the operator chooses (records) keep
 * their spelling. An optional key is absent rather than `undefined`.
 */
export type View<T> = T extends readonly (infer Element)[]
  ? readonly View<Element>[]
  : T extends object
    ? string extends keyof T
      ? { readonly [K in keyof T]: View<T[K]> }
      : { readonly [K in keyof T as CamelKey<K & string>]: View<Exclude<T[K], undefined>> }
    : T

/**
 * Builds the {@link View} of `value`, which `schema` has validated. Values of keys that end in
 * `_file` or `_files` become paths from the directory of `configFile`, so that a config and its secrets move
 * together; absolute paths stay.
 */
export function viewOf<T>(value: T, schema: unknown, configFile: string): View<T> {
  const place = (path: string): string =>
    isAbsolute(path) ? path : join(dirname(configFile), path)
  return convert(value, schema, place) as View<T>
}

function convert(value: unknown, schema: unknown, place: (path: string) => string): unknown {
  if (typeof value !== 'object' || value === null) return value
  const nodes = unwrap(schema)
  if (Array.isArray(value)) {
    const element = nodes.find((node) => node.def.element !== undefined)?.def.element
    return Object.freeze(value.map((item) => convert(item, element, place)))
  }
  const object = nodes.find((node) => node.def.shape !== undefined)
  const entries = Object.entries(value)
    .filter(([, child]) => child !== undefined)
    .map(([key, child]): [string, unknown] => {
      if (object === undefined) return [key, convert(child, undefined, place)]
      if (key.endsWith('_file') && typeof child === 'string') return [camelKey(key), place(child)]
      if (key.endsWith('_files') && Array.isArray(child)) {
        return [camelKey(key), Object.freeze(child.map((path) => place(String(path))))]
      }
      return [camelKey(key), convert(child, descend(object, key)[0], place)]
    })
  return Object.freeze(Object.fromEntries(entries))
}

/** `max_token_lifetime` gives `maxTokenLifetime`. */
export function camelKey(key: string): string {
  return key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
