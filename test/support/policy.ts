/** Rule sets, subjects and requests for tests of decisions. */
import { readFileSync } from 'node:fs'
import type { AccessRequest, Environment } from '../../gateway/domain/access.ts'
import type { Diagnostic } from '../../gateway/domain/diagnostics.ts'
import type { HeaderBag } from '../../gateway/domain/request.ts'
import type { Subject } from '../../gateway/domain/subject.ts'
import type { Action, Resource } from '../../gateway/domain/vocabulary.ts'
import type { CompiledPolicy } from '../../gateway/pdp/compiled-policy.ts'
import { loadPolicy } from '../../gateway/pdp/load-policy.ts'
import { MODEL_TEXT } from '../../gateway/pdp/policy/model-conf.ts'

export const SHIPPED_CONDITIONS = readFileSync('rules/conditions.yaml', 'utf8')

/** A Wednesday, 11:00 in Berlin. */
export const WORKDAY = Date.parse('2026-11-04T10:00:00Z')

export function subjectOf(more: Partial<Subject> = {}): Subject {
  return {
    id: 'user:kc/alice',
    issuer: 'https://idp.example.com',
    issuerName: 'kc',
    groups: [],
    roles: [],
    issuedAt: WORKDAY - 60_000,
    expiresAt: WORKDAY + 600_000,
    authentication: {},
    claims: new Map(),
    ...more,
  }
}

/** `read model:fraud@3`, as people write an operation. */
export function operationOf(text: string): { action: Action; resource: Resource } {
  const [action = '', target = ''] = text.split(' ')
  const [, kind = '', name = '', version] = /^([^:]*):([^@]*)(?:@(.*))?$/.exec(target) ?? []
  const resource = { kind, name, ...(version !== undefined && { version }) } as Resource
  return { action: action as Action, resource }
}

export function requestOf(
  operation: string,
  more: Partial<Omit<AccessRequest, 'environment'>> & {
    environment?: Partial<Environment>
  } = {},
): AccessRequest {
  return {
    subject: subjectOf(),
    ...operationOf(operation),
    ...more,
    environment: {
      now: WORKDAY,
      client: { ip: '203.0.113.7', source: 'peer' },
      ...more.environment,
    },
  }
}

export async function load(policy: string, conditions = SHIPPED_CONDITIONS, model = MODEL_TEXT) {
  return loadPolicy({
    files: {
      model: { file: 'model.conf', text: model },
      policy: { file: 'policy.csv', text: policy },
      conditions: { file: 'conditions.yaml', text: conditions },
    },
    revision: 'sha256:test',
  })
}

export async function policyOf(policy: string, conditions?: string): Promise<CompiledPolicy> {
  const loaded = await load(policy, conditions)
  if (!loaded.ok) throw new Error(loaded.diagnostics.map(placeAndCode).join('\n'))
  return loaded.value
}

/** `line:column code`. */
export function placeAndCode(d: Diagnostic): string {
  return `${d.line}:${d.column} ${d.code}`
}

/** Errors of a matrix that must not load. */
export async function errorsOf(policy: string, conditions?: string): Promise<string[]> {
  const loaded = await load(policy, conditions)
  if (loaded.ok) throw new Error('this should not have loaded')
  return loaded.diagnostics.filter((d) => d.severity === 'error').map(placeAndCode)
}

/** Warnings of a matrix that must load. */
export async function warningsOf(policy: string, conditions?: string): Promise<string[]> {
  const loaded = await load(policy, conditions)
  if (!loaded.ok) throw new Error(loaded.diagnostics.map(placeAndCode).join('\n'))
  const aside = ['unused-condition', 'no-final-newline']
  return loaded.warnings.filter((d) => !aside.includes(d.code)).map(placeAndCode)
}

export function headersOf(...pairs: string[]): HeaderBag {
  return {
    pairs,
    get(name) {
      const at = pairs.findIndex((text, i) => i % 2 === 0 && text === name)
      return at < 0 ? undefined : pairs[at + 1]
    },
  }
}
