/** Reads documents of the control API, which may be newer than this program: nothing is believed. */

/** A document, or part of one. */
export type Document = Readonly<Record<string, unknown>>

/** The text under `name`, through nested documents when it is a path such as `by.id`. */
export function textIn(document: Document, path: string): string | undefined {
  const value = valueIn(document, path)
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** The list of texts under `path`. */
export function textsIn(document: Document, path: string): readonly string[] {
  const value = valueIn(document, path)
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
}

/** The documents in the list under `path`. */
export function documentsIn(document: Document, path: string): readonly Document[] {
  const value = valueIn(document, path)
  return Array.isArray(value) ? value.filter(isDocument) : []
}

/** Whether `value` is an object of JSON. */
export function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function valueIn(document: Document, path: string): unknown {
  let value: unknown = document
  for (const name of path.split('.')) {
    if (!isDocument(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}
