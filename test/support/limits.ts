/** Texts of `limits.yaml`, read and asked. */
import type { Obligation } from '../../gateway/domain/access.ts'
import type { Loaded } from '../../gateway/domain/diagnostics.ts'
import { createEvaluation } from '../../gateway/pdp/engine/evaluation.ts'
import { parseConditions, type ConditionSet } from '../../gateway/pdp/conditions/condition-set.ts'
import type { LimitTable } from '../../gateway/pdp/limits/limits.ts'
import { parseLimits } from '../../gateway/pdp/limits/parse-limits.ts'
import { placeAndCode, requestOf } from './policy.ts'

const CONDITIONS = `conditions:
  known: { kind: network, cidrs: [203.0.113.0/24] }
  wrong: { kind: network, cidrs: [198.51.100.0/24] }
  unknown: { kind: device, managed: true }
`

const conditions = read()

function read(): ConditionSet {
  const loaded = parseConditions({ file: 'conditions.yaml', text: CONDITIONS })
  if (!loaded.ok) throw new Error('these conditions should load')
  return loaded.value
}

/** Reads `text` with the conditions `known` (true), `wrong` (false) and `unknown`. */
export function readLimits(text: string): Loaded<LimitTable> {
  return parseLimits({ file: 'limits.yaml', text }, { conditions })
}

/** A table that must load. */
export function limitsOf(text: string): LimitTable {
  const loaded = readLimits(text)
  if (!loaded.ok) throw new Error(loaded.diagnostics.map(placeAndCode).join('\n'))
  return loaded.value
}

/** What a table demands of somebody with `holdings`; `infer model:m` by role:anyone by default. */
export function demandsOf(
  table: LimitTable,
  operation = 'infer model:m',
  holdings: readonly string[] = [],
): readonly Obligation[] {
  const held = new Set(['user:kc/alice', ...holdings, 'role:anyone'])
  return table.obligationsFor(createEvaluation(requestOf(operation), held, conditions))
}

/** The obligations of a table for `infer model:m` by anybody. */
export function obligationsOf(text: string): readonly Obligation[] {
  return demandsOf(limitsOf(text))
}
