/** The configuration in force, as YAML, with the source of every value. */
import { stringify } from 'yaml'
import { defaultOf, unwrap, type DocumentPath } from './schema-walk.ts'
import { gatewaySchema } from './schemas/gateway.ts'
import type { Settings } from './settings.ts'
import { camelKey } from './view.ts'

/** Keys whose text is a secret itself rather than where it is kept. */
const SECRET_KEY = /(?:secret|password|passphrase|private_?key|api_?key)$/i
const HIDDEN = '[redacted]'

/**
 * `settings` as YAML that loads again to the same settings. Each value carries a comment
 * `# from file|environment|flag|default`. Files that keys name are never opened; with `redact`,
 * values of keys that are secrets and user info in URLs are hidden as well.
 */
export function effectiveText(settings: Settings, options: { readonly redact: boolean }): string {
  const { written } = settings.provenance
  const lines = render({ schema: gatewaySchema, written, value: settings, path: [] }, (leaf) => {
    const shown = options.redact ? redacted(leaf.path, leaf.text) : leaf.text
    return `${scalarText(shown)} # from ${settings.provenance.sourceOf(leaf.path)}`
  })
  return `${lines.join('\n')}\n`
}

/** `settings` as JSON with the names code uses, for machines; hides what {@link effectiveText} does. */
export function effectiveJson(settings: Settings, options: { readonly redact: boolean }): string {
  const values = { ...settings, provenance: undefined }
  const shown = (key: string, value: unknown): unknown =>
    options.redact ? redacted([key], value) : value
  return `${JSON.stringify(values, shown, 2)}\n`
}

/** What the operator wrote, file, environment and flags laid over each other, as YAML. */
export function writtenText(settings: Settings, options: { readonly redact: boolean }): string {
  const shown = JSON.stringify(settings.provenance.written, (key, value: unknown) =>
    options.redact ? redacted([key], value) : value,
  )
  return stringify(JSON.parse(shown))
}

interface Cursor {
  readonly schema: unknown
  /** What the operator wrote here, if anything. */
  readonly written: unknown
  /** What is in force here, camelCase. */
  readonly value: unknown
  readonly path: DocumentPath
}

type Leaf = (leaf: { readonly path: DocumentPath; readonly text: unknown }) => string

function render(at: Cursor, leaf: Leaf): string[] {
  const shape = shapeOf(at)
  return Object.entries(shape).flatMap(([key, schema]) => {
    const value = member(at.value, camelKey(key))
    if (value === undefined) return []
    const below = { schema, written: member(at.written, key), value, path: [...at.path, key] }
    return entry(key, below, leaf)
  })
}

/** Of several kinds of an object, the one that has every key of the value. */
function shapeOf(at: Cursor): Readonly<Record<string, unknown>> {
  const shapes = unwrap(at.schema).map(({ def }) => def.shape ?? {})
  const keys = Object.keys(at.value ?? {})
  const fits = (shape: object): boolean => {
    const known = new Set(Object.keys(shape).map(camelKey))
    return keys.every((key) => known.has(key))
  }
  return shapes.find(fits) ?? shapes[0] ?? {}
}

function entry(key: string, at: Cursor, leaf: Leaf): string[] {
  const node = unwrap(at.schema)[0]
  if (node?.def.shape !== undefined) {
    const lines = render(at, leaf)
    // An object without a value in it is still there: `match: {}`.
    return lines.length === 0 ? [`${key}: {}`] : [`${key}:`, ...lines.map(indent)]
  }
  const element = node?.def.element
  if (element !== undefined && unwrap(element)[0]?.def.shape !== undefined) {
    const list = items(at, element, leaf)
    return list.length === 0 ? [`${key}: []`] : [`${key}:`, ...list.map(indent)]
  }
  const text = at.written ?? defaultOf(at.schema) ?? at.value
  return [`${key}: ${leaf({ path: at.path, text })}`]
}

function items(at: Cursor, element: unknown, leaf: Leaf): string[] {
  return (at.value as readonly unknown[]).flatMap((value, index) => {
    const written = member(at.written, index)
    const lines = render({ schema: element, written, value, path: [...at.path, index] }, leaf)
    return lines.map((line, i) => (i === 0 ? `- ${line}` : indent(line)))
  })
}

const indent = (line: string): string => `  ${line}`

function member(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string | number, unknown>)[key]
}

function redacted(path: DocumentPath, value: unknown): unknown {
  if (SECRET_KEY.test(String(path.at(-1)))) return HIDDEN
  const hide = (text: unknown): unknown =>
    typeof text === 'string' ? text.replace(/(:\/\/)[^/?#]*@/, `$1${HIDDEN}@`) : text
  return Array.isArray(value) ? value.map(hide) : hide(value)
}

function scalarText(value: unknown): string {
  // JSON is YAML; it keeps lists and texts with line breaks on one line.
  const flow = typeof value === 'object' || (typeof value === 'string' && /\p{Cc}/u.test(value))
  return flow ? JSON.stringify(value) : stringify(value, { lineWidth: 0 }).trimEnd()
}
