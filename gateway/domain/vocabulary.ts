/**
 * The words of design §2, as types. XACML 3.0 / NIST SP 800-162 / AuthZEN 1.0 terms, one meaning
 * each. This room imports nothing, so that every other room can speak the same language.
 */

/** The eight things a request can do to a model. Closed: nothing else is ever authorised. */
export const ACTIONS = [
  'read',
  'infer',
  'export',
  'retrain',
  'deploy',
  'data:read',
  'data:write',
  'admin',
] as const

/** One of {@link ACTIONS}. */
export type Action = (typeof ACTIONS)[number]

/** Actions that a `*` in a rule never covers: a rule must name them. */
export const PRIVILEGED_ACTIONS: ReadonlySet<Action> = new Set([
  'export',
  'retrain',
  'deploy',
  'data:write',
  'admin',
])

/** Whether `action` is one that a rule must name and whose record must be on disk first. */
export function isPrivileged(action: Action): boolean {
  return PRIVILEGED_ACTIONS.has(action)
}

/** Narrows any string to an {@link Action}; exact comparison, no case folding. */
export function isAction(text: string): text is Action {
  return (ACTIONS as readonly string[]).includes(text)
}

/** What kind of thing is acted on. */
export type ResourceKind = 'model' | 'dataset' | 'server'

/**
 * What is acted on. `name` and `version` are the decoded values the upstream will use, 1 to 512
 * characters, no control characters.
 */
export interface Resource {
  readonly kind: ResourceKind
  readonly name: string
  readonly version?: string
}

/** How names of areas of the control API begin, as rules write them. No upstream is called so. */
export const GATE_PREFIX = 'gate:'

/** Whether `resource` is an area of the control API: privileged, whatever is done there. */
export function isGateArea({ kind, name }: Resource): boolean {
  return kind === 'server' && name.startsWith(GATE_PREFIX)
}

/** The text of a resource as rules, records and people write it: `model:fraud@3`. */
export function resourceText(resource: Resource): string {
  const version = resource.version === undefined ? '' : `@${resource.version}`
  return `${resource.kind}:${resource.name}${version}`
}

/** The resource of a text that {@link resourceText} could have made: `kind:name[@version]`. */
export function parseResource(text: string): Resource {
  const colon = text.indexOf(':')
  const kind = text.slice(0, colon) as ResourceKind
  const at = text.indexOf('@', colon)
  if (at < 0) return { kind, name: text.slice(colon + 1) }
  return { kind, name: text.slice(colon + 1, at), version: text.slice(at + 1) }
}

/** One action on one resource. A request is one or more of these, and all must be permitted. */
export interface Operation {
  readonly action: Action
  readonly resource: Resource
}

/** XACML 3.0 §7.17: only `permit` with every obligation discharged goes forward. */
export type Effect = 'permit' | 'deny' | 'not-applicable' | 'indeterminate'
