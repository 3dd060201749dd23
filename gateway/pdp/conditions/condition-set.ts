/**
 * Reads `rules/conditions.yaml` into named conditions. A condition is true, false or unknown of a
 * request; unknown never permits (design: a missing attribute makes a condition unknown).
 */
import { GatewayError } from '../../domain/errors.ts'
import type { Loaded, Position } from '../../domain/diagnostics.ts'
import { loadDocument } from '../../settings/document.ts'
import { conditionsSchema, type ConditionSpec } from '../../settings/schemas/conditions.ts'
import { approvalTest } from './approval.ts'
import { HOLDS, type Condition, type Test } from './condition.ts'
import { deviceTest } from './device.ts'
import { mfaStepUp, mfaTest } from './mfa.ts'
import { networkTest } from './network.ts'
import { resourceTest } from './resource.ts'
import { timeTest } from './time.ts'
import { tokenTest } from './token.ts'

/** The conditions of one revision. */
export interface ConditionSet {
  readonly names: ReadonlySet<string>
  /** The condition of that name, `always` included. @throws ERR_RULES_INVALID when there is none */
  get(name: string): Condition
  /** Where that condition is written. */
  readonly positionOf: (name: string) => Position
}

const ALWAYS: Condition = { name: 'always', kind: 'always', test: () => HOLDS }

/** Parses and compiles the text of `source.file`. */
export function parseConditions(source: {
  readonly file: string
  readonly text: string
}): Loaded<ConditionSet> {
  const loaded = loadDocument(source, conditionsSchema)
  if (!loaded.ok) return loaded
  const document = loaded.value
  const conditions = new Map<string, Condition>()
  for (const [name, spec] of Object.entries(document.value.conditions)) {
    conditions.set(name, compile(name, spec))
  }
  const set: ConditionSet = {
    names: new Set(conditions.keys()),
    get(name) {
      const condition = name === 'always' ? ALWAYS : conditions.get(name)
      if (condition === undefined) {
        throw new GatewayError('ERR_RULES_INVALID', `no condition is named ${name}`)
      }
      return condition
    },
    positionOf: (name) => document.positionOf(['conditions', name]),
  }
  return { ok: true, value: set, warnings: loaded.warnings }
}

function compile(name: string, spec: ConditionSpec): Condition {
  const step = spec.kind === 'mfa' ? { stepUp: mfaStepUp(spec) } : {}
  return { name, kind: spec.kind, test: testOf(spec), ...step }
}

function testOf(spec: ConditionSpec): Test {
  switch (spec.kind) {
    case 'time':
      return timeTest(spec)
    case 'network':
      return networkTest(spec)
    case 'device':
      return deviceTest(spec)
    case 'mfa':
      return mfaTest(spec)
    case 'token':
      return tokenTest(spec)
    case 'resource':
      return resourceTest(spec)
    case 'approval':
      return approvalTest()
  }
}
