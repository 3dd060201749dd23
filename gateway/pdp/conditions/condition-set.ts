/**
 * Reads `rules/conditions.yaml` into named conditions. A condition is true, false or unknown of a
 * request; unknown never permits (design: a missing attribute makes a condition unknown).
 */
import { GatewayError } from '../../domain/errors.ts'
import type { Loaded, Position } from '../../domain/diagnostics.ts'
import { loadDocument, type LoadedDocument } from '../../settings/document.ts'
import {
  conditionsSchema,
  type ConditionsDocument,
  type ConditionSpec,
} from '../../settings/schemas/conditions.ts'
import { approvalTest } from './approval.ts'
import { checkReferences, definitionsOf, type Definitions } from './definitions.ts'
import { numberConditions, type ConditionNumbers } from './condition-numbers.ts'
import { HOLDS, type Condition, type Test } from './condition.ts'
import { deviceTest } from './device.ts'
import { geoTest } from './geo.ts'
import { grantTest } from './grant.ts'
import { mfaStepUp, mfaTest } from './mfa.ts'
import { networkTest } from './network.ts'
import { resourceTest } from './resource.ts'
import { timeTest } from './time.ts'
import { tokenTest } from './token.ts'

/** The conditions of one revision. */
export interface ConditionSet {
  readonly names: ReadonlySet<string>
  readonly numbers: ConditionNumbers
  /** The condition of that name, `always` included. @throws ERR_RULES_INVALID when there is none */
  get(name: string): Condition
  /** Where that condition is written. */
  readonly positionOf: (name: string) => Position
  /** Every issuer that a condition names, and where: configuration knows which there are. */
  readonly issuers: readonly NamedIssuer[]
}

/** An issuer by its short name, and where a condition names it. */
export interface NamedIssuer {
  readonly name: string
  readonly position: Position
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
  const definitions = definitionsOf(document.value)
  const findings = checkReferences(document, definitions)
  if (findings.some(({ severity }) => severity === 'error')) {
    return { ok: false, diagnostics: [...loaded.warnings, ...findings] }
  }
  const conditions = new Map<string, Condition>()
  for (const [name, spec] of Object.entries(document.value.conditions)) {
    conditions.set(name, compile(name, spec, definitions))
  }
  const set: ConditionSet = {
    names: new Set(conditions.keys()),
    numbers: numberConditions(conditions.keys()),
    get(name) {
      const condition = name === 'always' ? ALWAYS : conditions.get(name)
      if (condition === undefined) {
        throw new GatewayError('ERR_RULES_INVALID', `no condition is named ${name}`)
      }
      return condition
    },
    positionOf: (name) => document.positionOf(['conditions', name]),
    issuers: issuersNamed(document),
  }
  return { ok: true, value: set, warnings: [...loaded.warnings, ...findings] }
}

function issuersNamed(document: LoadedDocument<ConditionsDocument>): NamedIssuer[] {
  return Object.entries(document.value.conditions).flatMap(([condition, spec]) => {
    const at = (...path: (string | number)[]) =>
      document.positionOf(['conditions', condition, ...path])
    if (spec.kind === 'token') {
      return (spec.issuers ?? []).map((name, i) => ({ name, position: at('issuers', i) }))
    }
    if (spec.kind !== 'mfa' || typeof spec.max_age !== 'object') return []
    return Object.keys(spec.max_age.by_issuer).map((name) => {
      return { name, position: at('max_age', 'by_issuer', name) }
    })
  })
}

function compile(name: string, spec: ConditionSpec, definitions: Definitions): Condition {
  const step = spec.kind === 'mfa' ? { stepUp: mfaStepUp(spec) } : {}
  return { name, kind: spec.kind, test: testOf(spec, definitions), ...step }
}

function testOf(spec: ConditionSpec, definitions: Definitions): Test {
  switch (spec.kind) {
    case 'time':
      return timeTest(spec, definitions)
    case 'network':
      return networkTest(spec, definitions)
    case 'geo':
      return geoTest(spec)
    case 'device':
      return deviceTest(spec)
    case 'mfa':
      return mfaTest(spec)
    case 'token':
      return tokenTest(spec)
    case 'resource':
      return resourceTest(spec)
    case 'grant':
      return grantTest(spec)
    case 'approval':
      return approvalTest(spec)
  }
}
