/** Requests of four kinds against a rule set, the same for every engine. */
import type { AccessRequest } from '../../../gateway/domain/access.ts'
import type { Subject } from '../../../gateway/domain/subject.ts'
import { CALLERS, ROLES, rolesOf, type BenchRule } from './rule-set.ts'

/**
 * `hit`: an allow applies. `miss`: the name is in the rules, the caller's roles are not. `unknown`:
 * names nobody wrote a rule for, each asked for once in turn. `condition`: a hit from the wrong
 * network and an unmanaged device, so that a condition is all that is missing.
 */
export const REQUEST_KINDS = ['hit', 'miss', 'unknown', 'condition'] as const

/** One of {@link REQUEST_KINDS}. */
export type RequestKind = (typeof REQUEST_KINDS)[number]

/** What each kind must be answered with. */
export const EXPECTED: Record<RequestKind, string> = {
  hit: 'permit',
  miss: 'not-applicable',
  unknown: 'not-applicable',
  condition: 'deny',
}

const NOW = Date.UTC(2026, 10, 4, 10)

function callers(): Subject[] {
  return Array.from({ length: CALLERS }, (_, i) => ({
    id: `user:bench/caller-${i}`,
    issuer: 'https://issuer.example.com',
    issuerName: 'bench',
    groups: rolesOf(i).map((role) => `group:g${role}`),
    roles: [],
    issuedAt: NOW,
    expiresAt: NOW + 600_000,
    authentication: {},
    claims: new Map(),
  }))
}

/** `count` requests of one kind, spread evenly over the rules that can give them. */
export function buildRequests(
  rules: readonly BenchRule[],
  kind: RequestKind,
  count: number,
): AccessRequest[] {
  const subjects = callers()
  const usable = rules.filter(
    ({ effect, when }) => effect === 'allow' && (kind !== 'condition' || when !== 'always'),
  )
  return Array.from({ length: count }, (_, i) => {
    // A step that shares no factor with the count visits rules far apart, one after the other.
    const rule = usable[(i * 7919) % usable.length]
    if (rule === undefined) throw new Error('no rule can give such requests')
    const holder = (rule.role + ROLES * (i % Math.floor(CALLERS / ROLES))) % CALLERS
    const stranger = strangerTo(rule.role, i)
    const subject = subjects[kind === 'miss' ? stranger : holder]
    if (subject === undefined) throw new Error('no such caller')
    const name =
      kind === 'unknown' ? `probe/${i.toString(36)}-0x${i * 31}` : rule.name.replaceAll('*', 'q7')
    const isRefused = kind === 'condition'
    return {
      subject,
      action: rule.action,
      resource: {
        kind: 'model',
        name,
        ...(rule.version !== undefined && kind !== 'unknown' && { version: '21' }),
      },
      environment: {
        now: NOW,
        client: { ip: isRefused ? '198.51.100.7' : '203.0.113.7', source: 'peer' },
        device: { managed: !isRefused, source: 'token' },
      },
    }
  })
}

/** The same request with objects and texts of its own; callers are shared, as those of a token are. */
export function asReceived({ subject, action, resource, environment }: AccessRequest) {
  const { kind, name, version } = resource
  const { now, client, device } = environment
  return {
    subject,
    action,
    resource: {
      kind,
      name: rewritten(name),
      ...(version !== undefined && { version: rewritten(version) }),
    },
    environment: { now, client: { ...client }, ...(device !== undefined && { device }) },
  }
}

function rewritten(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

function strangerTo(role: number, from: number): number {
  for (let i = from; ; i++) if (!rolesOf(i % CALLERS).includes(role)) return i % CALLERS
}
