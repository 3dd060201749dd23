/**
 * `MODELGATE_*` environment variables as overlays. Names follow the keys of the file:
 * `MODELGATE_LISTEN_DATA_PORT` is `listen.data.port`, `MODELGATE_UPSTREAMS_0_URL` is the `url` of
 * the first upstream. A variable that names nothing is an error, with a suggestion.
 */
import { closest, type Diagnostic } from '../domain/diagnostics.ts'
import { overlayDiagnostic, valueFor, type Overlay } from './overlay.ts'
import { fieldsOf, schemasAt, unwrap, type DocumentPath } from './schema-walk.ts'

/** Every variable that overrides a setting starts with this. */
export const VARIABLE_PREFIX = 'MODELGATE_'

/** Names the config file itself; not a setting, so that it is left to the command line. */
export const CONFIG_FILE_VARIABLE = 'MODELGATE_CONFIG'

/** Where verbs of the control API call, and as whom: of the command line alone, whatever else it runs. */
const CALLER_VARIABLES: ReadonlySet<string> = new Set([
  'MODELGATE_CONTROL_URL',
  'MODELGATE_TOKEN_FILE',
  'MODELGATE_TOKEN',
])

/** List entries that can be overridden one by one; the bound of an index. */
const INDEX = /^(0|[1-9]\d{0,3})(?:_|$)/

/** The variable that overrides `path`; list indices (or `*`) as `N` when not a number. */
export function variableFor(path: DocumentPath): string {
  const words = path.map((step) => (step === '*' ? 'N' : String(step).toUpperCase()))
  return VARIABLE_PREFIX + words.join('_')
}

/** Reads the overlays for `schema` out of `env`, in the order of their names. */
export function environmentOverlays(
  env: Readonly<Record<string, string | undefined>>,
  schema: unknown,
): { readonly overlays: readonly Overlay[]; readonly diagnostics: readonly Diagnostic[] } {
  const overlays: Overlay[] = []
  const diagnostics: Diagnostic[] = []
  for (const [name, text] of relevant(env)) {
    const path = pathOf(name.slice(VARIABLE_PREFIX.length), schema)
    if (path !== undefined) {
      const value = valueFor(schemasAt(schema, path)[0], text)
      overlays.push({ path, value, source: 'environment', label: name })
    } else if (!isServiceLink(name, text)) {
      diagnostics.push(unknownVariable(name, schema))
    }
  }
  return { overlays, diagnostics }
}

function relevant(env: Readonly<Record<string, string | undefined>>): [string, string][] {
  return Object.entries(env)
    .filter(
      (entry): entry is [string, string] =>
        entry[0].startsWith(VARIABLE_PREFIX) &&
        entry[0] !== CONFIG_FILE_VARIABLE &&
        !CALLER_VARIABLES.has(entry[0]) &&
        entry[1] !== undefined,
    )
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
}

/** Keys may hold underscores themselves, so that every split that names a key is tried. */
function pathOf(rest: string, schema: unknown): DocumentPath | undefined {
  for (const node of unwrap(schema)) {
    const found =
      node.def.shape === undefined
        ? elementPath(rest, node.def.element)
        : keyPath(rest, node.def.shape)
    if (found !== undefined) return found
  }
  return undefined
}

function keyPath(rest: string, shape: Readonly<Record<string, unknown>>): DocumentPath | undefined {
  for (const [key, child] of Object.entries(shape)) {
    const word = key.toUpperCase()
    if (rest === word && isWritable(child)) return [key]
    if (!rest.startsWith(`${word}_`)) continue
    const below = pathOf(rest.slice(word.length + 1), child)
    if (below !== undefined) return [key, ...below]
  }
  return undefined
}

function elementPath(rest: string, element: unknown): DocumentPath | undefined {
  const digits = INDEX.exec(rest)?.[1]
  if (digits === undefined || element === undefined) return undefined
  if (rest === digits) return isWritable(element) ? [Number(digits)] : undefined
  const below = pathOf(rest.slice(digits.length + 1), element)
  return below === undefined ? undefined : [Number(digits), ...below]
}

/** Whether one text can be the whole value: not an object, free keys or a list of objects. */
function isWritable(schema: unknown): boolean {
  return unwrap(schema).every(
    (node) =>
      node.def.shape === undefined &&
      node.def.valueType === undefined &&
      (node.def.element === undefined || isWritable(node.def.element)),
  )
}

/**
 * Kubernetes adds such variables to every pod for a Service named `modelgate` or `modelgate-*`;
 * they are nobody's typo.
 */
function isServiceLink(name: string, text: string): boolean {
  if (/_PORT_\d{1,5}_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(name)) return true
  if (/_SERVICE_(?:HOST|PORT)$/.test(name) || name.includes('_SERVICE_PORT_')) return true
  return name.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(text)
}

function unknownVariable(name: string, schema: unknown): Diagnostic {
  const known = fieldsOf(schema).map((field) => variableFor(field.path))
  const near = closest(name.replaceAll(/_\d+(?=_|$)/g, '_N'), known)
  const remedy =
    near === undefined
      ? 'Unset it, or see the variables in docs/reference/configuration.md.'
      : `Did you mean ${near}?`
  const origin = { source: 'environment', label: name } as const
  return overlayDiagnostic(origin, 'unknown-variable', 'this variable names no setting', remedy)
}
