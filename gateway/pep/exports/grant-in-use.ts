/** The grant that a request makes use of, from the first look at it to its end. */
import type { Environment, Grant } from '../../domain/access.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { isPrivileged, resourceText, type Operation } from '../../domain/vocabulary.ts'
import { grantCovers } from '../../domain/grants.ts'
import { established, type Exchange } from '../exchange.ts'
import { atInstant } from '../streams/expiry.ts'
import type { PolicySnapshot, Services } from '../runtime.ts'

/** The field by which a caller says which grant it means; it goes to no upstream. */
export const GRANT_HEADER = 'x-modelgate-grant'

/** Finds the grant that fits, and puts it where conditions look for it. */
export function takeGrant(exchange: Exchange, policy: PolicySnapshot): void {
  const environment = established(exchange.environment, 'environment')
  if (policy.grants === undefined || environment.grant !== undefined) return
  const { grant, hint } = policy.grants.find({
    subject: established(exchange.subject, 'subject'),
    operations: established(exchange.classification, 'classification').operations,
    now: environment.now,
    client: environment.client.ip,
    device: environment.device?.id,
    named: established(exchange.admitted, 'admitted').headers.get(GRANT_HEADER),
  })
  if (hint !== undefined) exchange.grantHint = hint
  if (grant !== undefined) putGrant(exchange, grant, environment)
}

function putGrant(exchange: Exchange, grant: Grant, environment: Environment): void {
  exchange.grant = grant
  const { id, expiresAt, approvals } = grant
  exchange.environment = { ...environment, grant: { id, expiresAt }, approvals }
}

/**
 * Looks the grant up again in `policy`: it may have been taken back, or been given another end.
 * @returns why it cannot be made use of any more
 */
export function keepGrant(
  exchange: Exchange,
  services: Services,
  policy: PolicySnapshot,
): Refusal | undefined {
  const { grant } = exchange
  if (grant === undefined) return undefined
  const { grant: now } =
    policy.grants?.find({
      subject: established(exchange.subject, 'subject'),
      operations: established(exchange.classification, 'classification').operations,
      now: services.clock.now(),
      client: exchange.environment?.client.ip,
      device: exchange.environment?.device?.id,
      named: grant.id,
    }) ?? {}
  if (now === undefined || isNarrower(now, exchange)) return grantEnded(grant)
  if (now === grant) return undefined
  putGrant(exchange, now, established(exchange.environment, 'environment'))
  exchange.grantWatch?.rearm()
  return undefined
}

/** Whether it allows less now, in a way that cannot be taken up in the middle of a transfer. */
function isNarrower(now: Grant, { grant: before, transfer }: Exchange): boolean {
  if (now.digest !== before?.digest) return true
  if ((now.bytesMax ?? Infinity) < (before?.bytesMax ?? Infinity)) return true
  const wasFree = before?.usesMax === undefined && before?.bytesMax === undefined
  return wasFree && now.usesMax !== undefined && transfer !== undefined
}

function grantEnded({ id }: Grant): Refusal {
  return refuse('grant_ended', { detail: `Grant ${id} has ended.` })
}

/** Whether the grant is over by the clock. */
export function overGrant({ grant }: Exchange, services: Services): Refusal | undefined {
  if (grant === undefined || grant.expiresAt > services.clock.now()) return undefined
  return grantEnded(grant)
}

/** Begins to watch; before the exchange can be cut, `decideAgain` looks once it can. */
export function watchGrant(exchange: Exchange, services: Services): void {
  if (exchange.grant === undefined) return
  const arm = (): (() => void) =>
    atInstant(services.clock, exchange.grant?.expiresAt ?? Infinity, () => {
      const over = overGrant(exchange, services)
      if (over === undefined || exchange.cut === undefined) return
      services.metrics.streamCut(over.reason)
      exchange.cut(over)
    })
  let stop = arm()
  exchange.grantWatch = {
    rearm() {
      stop()
      stop = arm()
    },
    stop: () => stop(),
  }
}

/**
 * The circumstances under which `operation` is judged. A grant speaks for the request it was found
 * for: of what turns up later, only for what it covers.
 */
export function environmentFor(exchange: Exchange, operation: Operation): Environment {
  const environment = established(exchange.environment, 'environment')
  const { grant } = exchange
  if (grant === undefined || grantCovers(grant, operation)) return environment
  const { operations } = established(exchange.classification, 'classification')
  const text = resourceText(operation.resource)
  const isFirst = operations.some(
    (one) => one.action === operation.action && resourceText(one.resource) === text,
  )
  if (isFirst) return environment
  const { now, client, device, country } = environment
  return {
    now,
    client,
    ...(device === undefined ? {} : { device }),
    ...(country === undefined ? {} : { country }),
  }
}

/** Whether the request uses the grant up: where a grant is for privileged actions, only these do. */
export function usesUp(exchange: Exchange, { usesMax, bytesMax, actions }: Grant): boolean {
  if (usesMax === undefined && bytesMax === undefined) return false
  const { operations } = established(exchange.classification, 'classification')
  return !actions.some(isPrivileged) || operations.some(({ action }) => isPrivileged(action))
}
