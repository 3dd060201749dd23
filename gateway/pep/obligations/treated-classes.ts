import type { ChangingTreatment } from '../../domain/data-classes.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { redactResponse, type RedactionOptions } from '../../egress/edit/redacted-response.ts'
import type { OnIncident } from '../../egress/edit/edited-response.ts'
import { rulesFor, taggedFields } from '../classes/class-duties.ts'
import { editClasses, type ClassEditOptions } from '../classes/class-edit.ts'
import { frameCsv } from '../classes/csv-columns.ts'
import type { TaggedField } from '../classes/field-rule.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'
import type { Duties } from './duties.ts'

/** The fields of the answer that limits treat, as the catalog tags them. */
export function fieldsToTreat({ classes }: Duties, exchange: Exchange): readonly TaggedField[] {
  if (classes.size === 0) return []
  return taggedFields(classes, established(exchange.policy, 'policy').resources)
}

/** Has tagged fields of the answer treated; where nothing is tagged there is nothing to do. */
export function treatClasses(
  exchange: Exchange,
  services: Services,
  { fields, onIncident }: { fields: readonly TaggedField[]; onIncident: OnIncident },
): Refusal | undefined {
  if (fields.length === 0) {
    services.metrics.obligation('response.classes', 'unchanged')
    return undefined
  }
  const { dataTokens: tokens } = exchange.runtime
  const isTokenised = fields.some(({ treatment }) => treatment === 'tokenise')
  if (isTokenised && tokens?.ready !== true) {
    services.metrics.obligation('response.classes', 'refused')
    return refuse('obligation_unknown', { detail: 'There is no key for tokens of data.' })
  }
  exchange.guard = redactResponse(
    established(exchange.guard, 'guard'),
    redactionOf(exchange, services, { fields, onIncident }),
  )
  return undefined
}

function redactionOf(
  exchange: Exchange,
  services: Services,
  { fields, onIncident }: { fields: readonly TaggedField[]; onIncident: OnIncident },
): RedactionOptions {
  const { resources } = established(exchange.policy, 'policy')
  const rules = rulesFor(fields, resources)
  const counts = (exchange.treated = new Map<ChangingTreatment, number>())
  const edit: Omit<ClassEditOptions, 'isPart'> = {
    tokens: exchange.runtime.dataTokens,
    onTreated(treatment) {
      counts.set(treatment, (counts.get(treatment) ?? 0) + 1)
      services.metrics.fieldTreated(treatment)
    },
  }
  const { columns } = rules
  return {
    fields: rules.classes,
    change: (document) => editClasses(document, rules, { ...edit, isPart: false }),
    changePart: (document) => editClasses(document, rules, { ...edit, isPart: true }),
    ...(columns === undefined
      ? {}
      : { csv: (hasHeader: boolean) => frameCsv({ ...edit, columns, hasHeader }) }),
    bodyless: established(exchange.admitted, 'admitted').method === 'HEAD',
    onIncident,
    onEnd: (changed) =>
      services.metrics.obligation(
        'response.classes',
        changed || counts.size > 0 ? 'changed' : 'unchanged',
      ),
  }
}
