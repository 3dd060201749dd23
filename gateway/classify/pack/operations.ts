/** From a row and the names it found to the operations that must be permitted. */
import { invariant } from '../../domain/errors.ts'
import type { Classification } from '../../domain/request.ts'
import type { Operation, Resource } from '../../domain/vocabulary.ts'
import type { CompiledRow } from './compiled-pack.ts'
import type { RegistrationTarget } from './registration.ts'

/** What a row asks for: on what is named, on what else is named, and on the server, in this order. */
export function operationsOf(
  row: CompiledRow,
  upstream: string,
  resources: readonly Resource[],
  further: readonly Operation[] = [],
): Operation[] {
  const operations: Operation[] = []
  for (const resource of resources) {
    for (const action of row.actions) operations.push({ action, resource })
  }
  for (const operation of further) operations.push(operation)
  for (const action of row.serverActions) {
    operations.push({ action, resource: { kind: 'server', name: upstream } })
  }
  return operations
}

/** The answer for these operations, of which there is at least one. */
export function classification(
  row: CompiledRow,
  pack: string,
  operations: readonly Operation[],
  target: RegistrationTarget = NOWHERE,
): Classification {
  const { routeId: route, upgrade, errorShape, answers, listing, training, registers } = row
  invariant(isSome(operations), 'a row without operations')
  const said: Classification = { pack, route, operations, upgrade, errorShape }
  const more = answers === undefined ? said : { ...said, answers }
  const trains = training === undefined ? more : { ...more, training }
  const found = registers === undefined ? trains : { ...trains, registers: registers(target) }
  return listing === undefined ? found : { ...found, listing }
}

const NOWHERE: RegistrationTarget = { captures: [], query: new Map() }

function isSome<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0
}
