/**
 * Files and callers for a gateway whose privilege comes and goes: erin asks, olga and oscar own models,
 * root and ruth operate the gateway, sam is anybody.
 */
import type { JWTPayload } from 'jose'
import type { DevIssuer } from '../../gateway/authn/dev-issuer.ts'
import type { WorldFiles } from './world-files.ts'

/** The audience of the control API. */
export const CONTROL_AUDIENCE = 'modelgate-control'

/** Who there is, and their roles. */
const PEOPLE = {
  erin: ['member', 'exporter'],
  olga: ['member', 'owner'],
  oscar: ['member', 'owner'],
  root: ['operator'],
  ruth: ['operator'],
  sam: ['anybody'],
} as const

/** A name in these worlds. */
export type Name = keyof typeof PEOPLE

/** What rules, configuration and issuer of such a gateway are. */
export const PRIVILEGE_FILES: Required<
  Pick<WorldFiles, 'policy' | 'rules' | 'config' | 'issuer' | 'upstreams'>
> = {
  policy: [
    'p, role:exporter, export, model:*, granted, allow',
    'p, role:exporter, read, *, always, allow',
    'p, role:member, read, server:gate:requests, always, allow',
    'p, role:member, read, server:gate:grants, always, allow',
    'p, role:operator, read, server:gate:*, always, allow',
    'p, role:operator, admin, server:gate:*, always, allow',
    '',
  ].join('\n'),
  rules: {
    'conditions.yaml': 'conditions:\n  granted:\n    kind: grant\n',
    'approvals.yaml': JSON.stringify({
      approvals: {
        exports: {
          for: { actions: ['export'], resources: ['model:*'] },
          require: [{ count: 2, from: ['role:owner'], filter: '!granted | always' }],
          demands: { justification_min: 10 },
        },
      },
    }),
  },
  config: {
    listen: {
      data: { host: '127.0.0.1', port: 0 },
      control: { host: '127.0.0.1', port: 0, audience: CONTROL_AUDIENCE },
    },
  },
  issuer: { roles: ['member', 'exporter', 'owner', 'operator', 'anybody'] },
  upstreams: [{ name: 'registry', pack: 'mlflow' }],
}

/** A token of one of them, for the data listener or the control API; good for ten minutes. */
export function tokenOf(
  issuer: Pick<DevIssuer, 'mint'>,
  name: Name,
  aud: string,
  claims: JWTPayload = {},
): Promise<string> {
  const told = { sub: name, aud, client_id: 'cli', roles: [...PEOPLE[name]], ...claims }
  return issuer.mint(told, { lifetimeS: 600 })
}

/** What erin asks for. */
export const WANTED = {
  actions: ['export'],
  resources: ['model:m-1'],
  duration: '1h',
  uses_max: 1,
  justification: 'The audit of the third quarter asks for it.',
}
