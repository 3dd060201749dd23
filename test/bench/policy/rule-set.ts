/** Rule sets of any size with 50 roles, as plain data: each engine gets them in its own language. */

export const ROLES = 50
/** The callers of the bench: each holds five roles through five groups. */
export const CALLERS = 64
const GROUPS_PER_CALLER = 5

/** What a rule says of names: the whole of it, how it begins, ends, or what is inside. */
export type Shape = 'exact' | 'prefix' | 'suffix' | 'infix' | 'version'

/** Named conditions of the bench. */
export type When = 'always' | 'corp' | 'corp & managed' | 'mfa | corp'

/** One rule. */
export interface BenchRule {
  readonly role: number
  readonly action: 'infer' | 'read' | 'retrain'
  readonly shape: Shape
  /** Glob over names of models, with at most two stars. */
  readonly name: string
  readonly version: string | undefined
  readonly when: When
  readonly effect: 'allow' | 'deny'
}

const SHAPES: readonly Shape[] = [
  'exact',
  'prefix',
  'exact',
  'suffix',
  'exact',
  'infix',
  'exact',
  'version',
  'exact',
  'exact',
]
const WHENS: readonly When[] = ['always', 'corp', 'corp & managed', 'mfa | corp']
const ACTIONS: readonly BenchRule['action'][] = ['infer', 'infer', 'infer', 'read', 'retrain']

/** `count` rules; every 25th denies, and no two speak of the same names. */
export function benchRules(count: number): BenchRule[] {
  return Array.from({ length: count }, (_, i) => {
    const shape = SHAPES[i % SHAPES.length] ?? 'exact'
    const id = String(i).padStart(6, '0')
    const team = `team-${String(i % 997).padStart(3, '0')}`
    const names: Record<Shape, string> = {
      exact: `${team}/fraud-${id}`,
      prefix: `${team}/churn-${id}-*`,
      suffix: `*-eu-${id}`,
      infix: `*-lab${id}-*`,
      version: `${team}/rank-${id}`,
    }
    return {
      role: i % ROLES,
      action: ACTIONS[i % ACTIONS.length] ?? 'infer',
      shape,
      name: names[shape],
      version: shape === 'version' ? '2*' : undefined,
      // Another stride than the shapes', so that every shape comes with every condition.
      when: WHENS[Math.floor(i / SHAPES.length + i) % WHENS.length] ?? 'always',
      effect: i % 25 === 24 ? 'deny' : 'allow',
    }
  })
}

/** Roles a caller holds, through groups of the same numbers. */
export function rolesOf(caller: number): number[] {
  return Array.from({ length: GROUPS_PER_CALLER }, (_, i) => (caller + i * 11) % ROLES)
}

/** `policy.csv`; `rows` counts its `g` rows too. */
export function policyCsv(rules: readonly BenchRule[]): string {
  const rows = rules.map(({ role, action, name, version, when, effect }) => {
    const resource = `model:${name}${version === undefined ? '' : `@${version}`}`
    return `p, role:r${role}, ${action}, ${resource}, ${when}, ${effect}`
  })
  for (let role = 0; role < ROLES; role++) rows.push(`g, group:g${role}, role:r${role}`)
  return rows.join('\n')
}

/** `conditions.yaml`. */
export const CONDITIONS_YAML = `
conditions:
  corp: { kind: network, cidrs: [203.0.113.0/24] }
  managed: { kind: device, managed: true }
  mfa: { kind: mfa, required: true }
`

/** The same rules as Cedar policies, by id. */
export function cedarPolicies(rules: readonly BenchRule[]): Record<string, string> {
  return Object.fromEntries(rules.map((rule, i) => [`p${i}`, cedarPolicy(rule)]))
}

const CEDAR_WHEN: Record<When, string> = {
  always: 'true',
  corp: 'context.ip.isInRange(ip("203.0.113.0/24"))',
  'corp & managed':
    'context.ip.isInRange(ip("203.0.113.0/24")) && context has managed && context.managed',
  'mfa | corp': '(context has mfa && context.mfa) || context.ip.isInRange(ip("203.0.113.0/24"))',
}

function cedarPolicy({ role, action, shape, name, version, when, effect }: BenchRule): string {
  const isExact = shape === 'exact'
  const scope = [
    `principal in Role::"r${role}"`,
    `action == Action::"${action}"`,
    isExact ? `resource == Model::"${name}"` : 'resource is Model',
  ]
  const tests = [
    ...(isExact ? [] : [`resource.name like "${name}"`]),
    ...(version === undefined
      ? []
      : [`resource has version && resource.version like "${version}"`]),
    `(${CEDAR_WHEN[when]})`,
  ]
  const verb = effect === 'allow' ? 'permit' : 'forbid'
  return `${verb}(${scope.join(', ')}) when { ${tests.join(' && ')} };`
}
