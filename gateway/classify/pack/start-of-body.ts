/** Rows of a request of whose body only the first part is here. */
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { Classification } from '../../domain/request.ts'
import { watchRest } from '../body/body-rest.ts'
import { tooFarBack, type JudgeRecord } from '../body/body-scanner.ts'
import { isOpen, type BodyRest } from '../body/request-body.ts'
import type { CompiledRow, MethodGroup, Origin } from './compiled-pack.ts'
import { classifyRow, holds, rowFor, type RequestFields } from './rows.ts'

/**
 * The row that the request has whatever the rest of the body says. A test on a value that could
 * still come decides nothing: where one is needed, the request is refused with `body_over_peek`.
 */
export function rowForStart(
  group: MethodGroup,
  fields: RequestFields,
  rest: BodyRest,
): CompiledRow | Refusal | undefined {
  for (const row of group.rows) {
    const settled = row.when.filter(({ origin }) => !isOpen(rest, origin))
    if (!holds({ ...row, when: settled }, fields)) continue
    const open = row.when.find(({ origin }) => isOpen(rest, origin))
    return open === undefined ? row : tooFarBack(nameOf(open.origin))
  }
  return undefined
}

/** The classification by the first part, with the watch over the rest. */
export function withRest(
  classified: Classification | Refusal,
  rest: BodyRest,
  { row, group, fields }: StartContext,
): Classification | Refusal {
  if (isRefusal(classified)) {
    if (classified.reason !== 'model_missing') return classified
    const missing = [row, ...row.effects]
      .flatMap(({ names }) => names)
      .find(({ origin }) => isOpen(rest, origin))
    return missing === undefined ? classified : tooFarBack(nameOf(missing.origin))
  }
  const said = JSON.stringify(classified.operations)
  // A later line of NDJSON means what the first ones do, or names more of the same.
  const judge: JudgeRecord = (body) => {
    const own = { ...fields, body }
    if (rowFor(group, own) !== row) return refuse('model_conflict', { detail: LINES })
    if (row.names.length === 0 && row.effects.length === 0) return undefined
    const more = classifyRow(row, classified.pack, own)
    if (isRefusal(more)) return more
    const differs = row.combine === 'agree' && JSON.stringify(more.operations) !== said
    return differs ? refuse('model_conflict') : more.operations
  }
  return { ...classified, watch: watchRest(rest, judge, classified.operations) }
}

/** What the first part was found to be. */
export interface StartContext {
  readonly row: CompiledRow
  readonly group: MethodGroup
  readonly fields: RequestFields
}

const LINES = 'A line asks for something else than those before it.'

function nameOf(origin: Origin): string | undefined {
  return 'name' in origin ? origin.name : undefined
}
