/** Does what the decisions on a request demand, or refuses the request. */
import type { DecidedOperation } from '../../domain/access.ts'
import type { ObligationType } from '../../domain/obligations.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import { capBytes, meterBytes } from '../../egress/guard/byte-cap.ts'
import { redactResponse } from '../../egress/edit/redacted-response.ts'
import type { IncidentDetail } from '../../egress/guard/response-guard.ts'
import { decideAfterWait } from '../streams/decide-again.ts'
import { established, type Exchange } from '../exchange.ts'
import { takenUp } from '../classes/class-duties.ts'
import type { TaggedField } from '../classes/field-rule.ts'
import type { Services } from '../runtime.ts'
import { dutiesOf, type Duties, type ParameterDuty } from './duties.ts'
import { bodyToLimit, limitRequest } from './limit-request.ts'
import { createRedaction } from './redact-document.ts'
import { fieldsToTreat, treatClasses } from './treated-classes.ts'
import { budgetMore } from './meter-answer.ts'
import { limitListing } from './visible-listing.ts'

/** Told of an answer that was cut; not counted as weights that were caught, which pages people. */
type OnIncident = (refusal: Refusal, detail: IncidentDetail) => void

/**
 * Discharges every obligation, or refuses: what is demanded of parameters is done to the body now,
 * what is demanded of the answer is put around the guard, which sees the upstream's bytes first.
 */
export async function discharge(
  exchange: Exchange,
  services: Services,
  onIncident: OnIncident,
): Promise<Refusal | undefined> {
  let duties = readDuties(established(exchange.decisions, 'decisions'), services)
  if (isRefusal(duties)) return duties
  const beyond =
    exchange.transport === 'grpc'
      ? beyondCalls(services, duties, fieldsToTreat(duties, exchange))
      : undefined
  if (beyond !== undefined) return beyond
  if (duties.parameters.size > 0) {
    const now = await waitForBody(exchange, services, duties)
    duties = isRefusal(now) ? now : readDuties(now, services)
    if (isRefusal(duties)) return duties
    const over = isRefusal(now) ? now : budgetMore(exchange, now)
    if (over !== undefined) return over
    const refusal = await limitParameters(exchange, services, duties)
    if (refusal !== undefined) return refusal
  }
  if (duties.watches.size > 0) exchange.watches = [...duties.watches.values()]
  return limitAnswer(exchange, services, { duties, onIncident })
}

/** Messages of gRPC calls are passed on as they are: only their bytes can be counted. */
function beyondCalls(
  services: Services,
  { parameters, redact }: Duties,
  fields: readonly TaggedField[],
): Refusal | undefined {
  if (parameters.size === 0 && redact.size === 0 && fields.length === 0) return undefined
  for (const duty of parameters.values()) count(services, duty, 'refused')
  if (redact.size > 0) services.metrics.obligation('response.redact', 'refused')
  if (fields.length > 0) services.metrics.obligation('response.classes', 'refused')
  return refuse('obligation_unknown', { detail: 'Messages of gRPC calls cannot be limited.' })
}

function readDuties(decisions: readonly DecidedOperation[], services: Services): Duties | Refusal {
  const duties = dutiesOf(decisions)
  if (!('source' in duties)) return duties
  services.metrics.obligation(duties.type, 'refused')
  return refuse('obligation_unknown', { detail: `It is written in ${duties.source}.` })
}

/**
 * The decisions that count once the body is here. A body that classifying did not need is waited for
 * after the decision, and as long as the client likes to take: what is decided then counts as well.
 */
async function waitForBody(
  exchange: Exchange,
  services: Services,
  { parameters }: Duties,
): Promise<readonly DecidedOperation[] | Refusal> {
  const decisions = established(exchange.decisions, 'decisions')
  if (established(exchange.admitted, 'admitted').body.finished) return decisions
  const body = await bodyToLimit(exchange, parameters)
  if (isRefusal(body)) return refused(services, parameters, body)
  const now = decideAfterWait(exchange, services)
  return isRefusal(now) ? now : [...decisions, ...now]
}

function refused(services: Services, parameters: Duties['parameters'], refusal: Refusal): Refusal {
  for (const duty of parameters.values()) count(services, duty, 'refused')
  return refusal
}

async function limitParameters(
  exchange: Exchange,
  services: Services,
  duties: Duties,
): Promise<Refusal | undefined> {
  const { parameters } = duties
  const limited = await limitRequest(exchange, duties)
  if (isRefusal(limited)) return refused(services, parameters, limited)
  for (const [name, duty] of parameters) {
    count(services, duty, limited?.changed.has(name) === true ? 'changed' : 'unchanged')
  }
  if (limited !== undefined && limited.changed.size > 0) exchange.limitedBody = limited.bytes
  return undefined
}

type Result = 'unchanged' | 'changed' | 'refused'

function count({ metrics }: Services, { types }: ParameterDuty, result: Result): void {
  for (const type of types) {
    const isApart = type === 'parameter.apart' && result === 'changed'
    metrics.obligation(type, isApart ? 'unchanged' : result)
  }
}

function limitAnswer(
  exchange: Exchange,
  services: Services,
  { duties, onIncident }: { duties: Duties; onIncident: OnIncident },
): Refusal | undefined {
  const { bytesMax, redact } = duties
  const fields = fieldsToTreat(duties, exchange)
  const isEdited = redact.size > 0 || fields.length > 0
  if (bytesMax !== undefined || isEdited)
    exchange.answerLimits = { bytesMax, redact, classes: takenUp(fields) }
  // Their bytes can be counted, but not what they say changed.
  if (isEdited && exchange.upgrade !== undefined) {
    for (const type of editTypes(duties, fields)) services.metrics.obligation(type, 'refused')
    return refuse('obligation_unknown', { detail: 'Frames of a WebSocket cannot be changed.' })
  }
  const bodyless = established(exchange.admitted, 'admitted').method === 'HEAD'
  const told = (type: ObligationType): OnIncident => {
    return (refusal, detail) => {
      services.metrics.obligation(type, 'refused')
      onIncident(refusal, detail)
    }
  }
  if (bytesMax !== undefined) {
    const cap = {
      bytesMax,
      bodyless,
      onIncident: told('response.bytes'),
      onEnd: () => services.metrics.obligation('response.bytes', 'unchanged'),
    }
    if (exchange.upgrade === undefined) {
      exchange.guard = capBytes(established(exchange.guard, 'guard'), cap)
    } else (exchange.meters ??= []).push(meterBytes(cap))
  }
  limitListing(exchange, services, onIncident)
  if (redact.size > 0) {
    redactFields(exchange, services, { redact, onIncident: told('response.redact') })
  }
  if (duties.classes.size === 0) return undefined
  return treatClasses(exchange, services, { fields, onIncident: told('response.classes') })
}

function redactFields(
  exchange: Exchange,
  services: Services,
  { redact, onIncident }: { redact: ReadonlySet<string>; onIncident: OnIncident },
): void {
  exchange.guard = redactResponse(established(exchange.guard, 'guard'), {
    fields: [...redact].sort(),
    change: createRedaction(redact),
    bodyless: established(exchange.admitted, 'admitted').method === 'HEAD',
    onIncident,
    onEnd: (changed) =>
      services.metrics.obligation('response.redact', changed ? 'changed' : 'unchanged'),
  })
}

function editTypes({ redact }: Duties, fields: readonly TaggedField[]): ObligationType[] {
  return [
    ...(redact.size === 0 ? [] : (['response.redact'] as const)),
    ...(fields.length === 0 ? [] : (['response.classes'] as const)),
  ]
}
