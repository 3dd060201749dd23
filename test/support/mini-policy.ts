/**
 * A second reading of `policy.csv`, for tests: as short as it can be, and sharing no code with the
 * gateway. It is only ever given files that the gateway has accepted.
 */
import type { AccessRequest, Truth } from '../../gateway/domain/access.ts'

/** A `p` row: its line, and its cells without padding. */
export interface MiniRule {
  readonly line: number
  readonly cells: readonly string[]
}

export interface MiniPolicy {
  /** Rows in force, and all of them with the shadow ones. */
  readonly rules: readonly MiniRule[]
  readonly shadowed: readonly MiniRule[]
  readonly links: readonly (readonly string[])[]
}

export function readMiniPolicy(text: string): MiniPolicy {
  const rows = text
    .split('\n')
    .map((line, i) => ({ line: i + 1, cells: line.split(',').map((cell) => cell.trim()) }))
    .filter(({ cells }) => cells[0] === 'p' || cells[0] === 'g')
  const shadowed = rows.filter(({ cells }) => cells[0] === 'p')
  return {
    rules: shadowed.filter(({ cells }) => cells.length === 6),
    shadowed,
    links: rows.filter(({ cells }) => cells[0] === 'g').map(({ cells }) => cells),
  }
}

/** The line of the rule that permits, or `undefined`. `truthOf` says what a condition comes to. */
export function permitLine(
  policy: MiniPolicy,
  request: AccessRequest,
  truthOf: (name: string) => Truth,
): number | undefined {
  const held = new Set([
    request.subject.id,
    ...request.subject.groups,
    ...request.subject.roles,
    'role:anyone',
  ])
  for (let i = 0; i <= policy.links.length; i++) {
    const before = held.size
    for (const [, member = '', role = ''] of policy.links) if (held.has(member)) held.add(role)
    if (held.size === before) break
  }
  const applies = ({ cells }: MiniRule) => {
    const [, subject = '', action = '', resource = '', when = '', effect = ''] = cells
    if (!held.has(subject) || !covers(action, request.action)) return false
    if (!matches(resource, request, effect)) return false
    const value = valueOf(when, (name) => VALUES[name === 'always' ? 'true' : truthOf(name)])
    return effect === 'allow' ? value === 1 : value > 0
  }
  if (policy.rules.some((rule) => rule.cells[5] === 'deny' && applies(rule))) return undefined
  return policy.rules.find((rule) => rule.cells[5] === 'allow' && applies(rule))?.line
}

const VALUES: Record<Truth, number> = { true: 1, unknown: 0.5, false: 0 }

function covers(column: string, action: string): boolean {
  return column === '*' ? ['read', 'infer', 'data:read'].includes(action) : column === action
}

function matches(pattern: string, { resource }: AccessRequest, effect: string): boolean {
  // An allow reaches the control API only where it says so.
  const isGate = resource.kind === 'server' && resource.name.startsWith('gate:')
  if (effect === 'allow' && isGate && !pattern.startsWith('server:gate:')) return false
  if (pattern === '*') return true
  const [, kind, name = '', version] = /^([a-z]+):([^@]*)(?:@(.*))?$/.exec(pattern) ?? []
  const fits = (glob: string, text: string) =>
    new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '[^]*')}$`).test(text)
  if (kind !== resource.kind || !fits(name, resource.name)) return false
  if (version === undefined) return true
  return resource.version === undefined ? effect === 'deny' : fits(version, resource.version)
}

/** Evaluates by rewriting: innermost parentheses first, then `!`, `&` and `|`. */
function valueOf(when: string, truthOf: (name: string) => number): number {
  let text = when.replace(/[a-z][a-z0-9-]*/g, (name) => `<${truthOf(name)}>`).replaceAll(' ', '')
  for (let before = ''; before !== text;) {
    before = text
    text = text
      .replace(/\((<[^<>]*>)\)/, '$1')
      .replace(/!<([^<>]*)>/, (_, a: string) => `<${1 - Number(a)}>`)
    if (before !== text) continue
    text = text.replace(/<([^<>]*)>&<([^<>]*)>/, (_, a, b) => `<${Math.min(Number(a), Number(b))}>`)
    if (before !== text) continue
    // An `|` waits while an `&` of the same parentheses stands next to it.
    text = text.replace(
      /(?<![&!])<([^<>]*)>\|<([^<>]*)>(?!&)/,
      (_, a, b) => `<${Math.max(Number(a), Number(b))}>`,
    )
  }
  const value = /^<([^<>]*)>$/.exec(text)?.[1]
  if (value === undefined) throw new Error(`cannot evaluate ${when}: ${text}`)
  return Number(value)
}
