/** What a Modelgate under measurement is configured with. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Crowd } from './crowd.ts'

/** One variant of the gateway. */
export interface GatewayVariant {
  /** Whether each request carries a freshly signed identity assertion upstream. */
  readonly assertion: boolean
  readonly rules: number
  /** Grants and locks of others that are in its store. */
  readonly crowd?: Crowd
}

/** Writes `gateway.yaml` and `rules/` into `folder`. Returns the path of the config file. */
export function writeGatewayFiles(
  folder: string,
  variant: GatewayVariant,
  at: { readonly issuer: string; readonly upstream: string },
): string {
  const rules = join(folder, 'rules')
  mkdirSync(rules, { recursive: true })
  // As shipped; the bench is run from the project's root.
  copyFileSync('rules/model.conf', join(rules, 'model.conf'))
  writeFileSync(join(rules, 'policy.csv'), policyOf(variant.rules))
  writeFileSync(join(rules, 'conditions.yaml'), CONDITIONS)
  writeFileSync(join(rules, 'resources.yaml'), RESOURCES)
  const file = join(folder, 'gateway.yaml')
  writeFileSync(
    file,
    `listen:
  data: { host: 127.0.0.1, port: 0 }
  control: { host: 127.0.0.1, port: 0 }
issuers:
  - issuer: "${at.issuer}"
    name: bench
    audience: modelgate
    roles: [reader, inference]
upstreams:
  - name: scorer
    url: "${at.upstream}"
    pack: kserve
    connections: 128
    assertion: ${variant.assertion}
rules: { dir: rules }
audit: { dir: audit }
store: { kind: embedded, dir: store }
`,
  )
  return file
}

const CONDITIONS = `conditions:
  corp-network:
    description: Offices, VPN and this machine.
    kind: network
    cidrs: [10.0.0.0/8, 127.0.0.0/8]
  weekdays:
    description: Working days.
    kind: time
    zone: Europe/Berlin
    days: [mon, tue, wed, thu, fri]
    hours: 08:00-18:00
  managed-device:
    description: A device the company manages.
    kind: device
    managed: true
  mfa:
    description: A second factor.
    kind: mfa
    required: true
`

const RESOURCES = `models:
  fraud-scorer: { owner: risk, classification: confidential, environment: production }
`

/** Eighteen rules as a matrix in use has them; the caller is permitted by the fifth. */
const BASE = [
  'p, role:reader, read, model:*, always, allow',
  'p, role:reader, read, server:*, always, allow',
  'p, role:reader, read, dataset:*, always, allow',
  'p, role:inference, infer, model:sandbox-*, weekdays, allow',
  'p, role:inference, infer, model:*, corp-network, allow',
  'p, role:evaluator, *, model:eval-*, always, allow',
  'p, role:retrainer, retrain, model:fraud-*, managed-device & mfa, allow',
  'p, role:retrainer, data:read, dataset:*, managed-device, allow',
  'p, role:deployer, deploy, model:*, managed-device & mfa, allow',
  'p, role:exporter, export, model:open-*, managed-device, allow',
  'p, role:exporter, export, model:*, managed-device & mfa & weekdays, allow',
  'p, role:labeler, data:write, dataset:labels-*, corp-network, allow',
  'p, role:operator, admin, server:*, managed-device & mfa, allow',
  'p, group:risk, infer, model:risk-*, always, allow',
  'p, group:contractors, infer, model:crown-*, always, deny',
  'p, role:anyone, export, model:crown-*, !mfa, deny',
  'p, role:anyone, infer, model:retired-*, always, deny',
  'p, user:bench/mallory, infer, model:*, always, deny',
]

const LINKS = ['g, group:data-science, role:reader', 'g, group:data-science, role:inference']

/** The base and, up to `count`, the rules of teams for their own models. */
function policyOf(count: number): string {
  const rules = [...BASE]
  const actions = ['read', 'infer', 'retrain', 'deploy', 'data:read', 'export']
  for (let i = 0; rules.length < count; i++) {
    const action = actions[i % actions.length] ?? 'read'
    const team = Math.floor(i / actions.length)
    const resource = action === 'data:read' ? `dataset:team-${team}-*` : `model:team-${team}-*`
    // Every seventh holds for everyone, so that no look-up by subject alone can skip the matrix.
    const subject = i % 7 === 0 ? 'role:anyone' : `role:team-${team}`
    rules.push(`p, ${subject}, ${action}, ${resource}, corp-network, allow`)
  }
  return `${[...rules, ...LINKS].join('\n')}\n`
}
