/**
 * What the `resource` column may say: `*`, or `<kind>:<name glob>`, for models with an optional
 * `@<version glob>`. The grammar is small on purpose: no classes, no braces, no regex (I20).
 */
import { closest } from '../../domain/diagnostics.ts'
import { globMatches } from '../../domain/glob.ts'
import {
  GATE_PREFIX,
  isGateArea,
  type Resource,
  type ResourceKind,
} from '../../domain/vocabulary.ts'

/** A parsed pattern. `*` alone has kind `*`. */
export interface ResourcePattern {
  readonly text: string
  readonly kind: ResourceKind | '*'
  readonly name: string
  readonly version: string | undefined
}

/** The effect column. */
export type RuleEffect = 'allow' | 'deny'

/** The result of {@link parseResourcePattern}; `offset` counts from the start of the text. */
export type ParsedPattern =
  | { readonly ok: true; readonly value: ResourcePattern }
  | {
      readonly ok: false
      readonly offset: number
      readonly message: string
      readonly remedy: string
    }

const KINDS: readonly ResourceKind[] = ['model', 'dataset', 'server']
const GLOB_CHARACTERS_MAX = 256
/** More stars than any name needs; together with the lengths it bounds the time of a match. */
const STARS_MAX = 8

/** Parses a pattern. Never throws. */
export function parseResourcePattern(text: string): ParsedPattern {
  if (text === '*') return { ok: true, value: { text, kind: '*', name: '*', version: undefined } }
  const colon = text.indexOf(':')
  const kind = KINDS.find((k) => k === text.slice(0, Math.max(colon, 0)))
  if (kind === undefined) return unknownKind(text, colon)
  const rest = text.slice(colon + 1)
  const at = rest.indexOf('@')
  const name = at < 0 ? rest : rest.slice(0, at)
  const version = at < 0 ? undefined : rest.slice(at + 1)
  const problem =
    globProblem(name, colon + 1, 'name') ??
    (version === undefined ? undefined : versionProblem(kind, version, colon + 2 + at))
  return problem ?? { ok: true, value: { text, kind, name, version } }
}

function unknownKind(text: string, colon: number): ParsedPattern {
  const near = closest(colon < 0 ? text : text.slice(0, colon), KINDS)
  const remedy =
    near === undefined
      ? 'Write model:<name>, dataset:<name>, server:<upstream>, or * for everything.'
      : `Did you mean \`${near}:\`?`
  return { ok: false, offset: 0, message: 'a resource starts with its kind', remedy }
}

function versionProblem(kind: ResourceKind, version: string, offset: number) {
  if (kind === 'model') return globProblem(version, offset, 'version')
  const message = 'only models have versions'
  return { ok: false, offset: offset - 1, message, remedy: 'Remove @ and what follows.' } as const
}

function globProblem(glob: string, offset: number, what: 'name' | 'version') {
  const fail = (at: number, message: string, remedy: string) =>
    ({ ok: false, offset: offset + at, message, remedy }) as const
  if (glob === '') return fail(0, `the ${what} is empty`, 'Write * for any.')
  if (glob.length > GLOB_CHARACTERS_MAX) {
    return fail(0, `the ${what} is longer than ${GLOB_CHARACTERS_MAX}`, 'Shorten it, or use *.')
  }
  const bad = glob.search(/[^A-Za-z0-9._/:*-]/)
  if (bad >= 0) {
    const remedy = 'Use letters, digits and . _ - / : with * for any run of characters.'
    return fail(bad, `\`${glob.charAt(bad)}\` cannot stand in a ${what}`, remedy)
  }
  if (glob.includes('**')) return fail(glob.indexOf('**'), '`**` is not known', 'Write * once.')
  // A regex would be read as a literal dot here, match nothing, and a deny would be lost.
  if (glob.startsWith('.*')) return fail(0, 'this looks like a regex', 'Write * for any run.')
  if (glob.split('*').length - 1 > STARS_MAX) {
    return fail(0, `there are more than ${STARS_MAX} stars`, 'Use fewer, or list the names.')
  }
  return undefined
}

/** Whether `pattern` says that it is about areas of the control API, and about nothing else. */
export function saysGate({ kind, name }: ResourcePattern): boolean {
  return kind === 'server' && name.startsWith(GATE_PREFIX)
}

/**
 * Whether `pattern` covers `resource`, as a rule of `effect` reads it. Total; bounded by the
 * lengths of both. An allow reaches the control API only where it says `server:gate:`: whoever wrote
 * `server:*` or `*` was thinking of what the gateway protects, not of the gateway; a deny means both. A pattern without a version covers every version. Where a pattern names a
 * version and the request does not, the version is unknown: an allow does not reach it, a deny
 * does, since the upstream may pick the very version that is denied.
 */
export function coversResource(
  pattern: ResourcePattern,
  resource: Resource,
  effect: RuleEffect,
): boolean {
  if (effect === 'allow' && isGateArea(resource) && !saysGate(pattern)) return false
  if (pattern.kind === '*') return true
  if (pattern.kind !== resource.kind) return false
  if (pattern.name !== '*' && !globMatches(pattern.name, resource.name)) return false
  if (pattern.version === undefined) return true
  if (resource.version === undefined) return effect === 'deny'
  return globMatches(pattern.version, resource.version)
}
