/** The grant that a request makes use of, from the first look at it to its end. */
import { namesOf } from '../../access/reviews/names.ts'
import { grantPrivilege } from '../../access/reviews/privileges.ts'
import type { Environment, Grant } from '../../domain/access.ts'
import type { GrantAsk, GrantFound } from '../../domain/ports.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { isPrivileged, type Operation } from '../../domain/vocabulary.ts'
import { grantCovers, NAMED_HINT } from '../../domain/grants.ts'
import { established, type Exchange } from '../exchange.ts'
import { atInstant } from '../streams/expiry.ts'
import type { PolicySnapshot, Services } from '../runtime.ts'

/** The field by which a caller says which grant it means; it goes to no upstream. */
export const GRANT_HEADER = 'x-modelgate-grant'

/**
 * Finds the grant that fits, and puts it where conditions look for it: one of `grants.yaml`, else one
 * of the journal. What a review took away is none.
 */
export function takeGrant(exchange: Exchange, services: Services, policy: PolicySnapshot): void {
  const environment = established(exchange.environment, 'environment')
  if (environment.grant !== undefined) return
  const named = established(exchange.admitted, 'admitted').headers.get(GRANT_HEADER)
  const { grant, hint } = findGrant(exchange, services, { policy, named, now: environment.now })
  if (hint !== undefined) exchange.grantHint = hint
  if (grant !== undefined) putGrant(exchange, services, { grant, environment })
}

interface Look {
  readonly policy: PolicySnapshot
  readonly named: string | undefined
  /** By the clock of this process, which grants that are written down end by. */
  readonly now: number
}

function findGrant(
  exchange: Exchange,
  { access }: Pick<Services, 'access'>,
  { policy, named, now }: Look,
): GrantFound {
  const subject = established(exchange.subject, 'subject')
  const ask: GrantAsk = {
    subject,
    operations: established(exchange.classification, 'classification').operations,
    now,
    client: exchange.environment?.client.ip,
    device: exchange.environment?.device?.id,
    named,
    withheld(id) {
      const revoked = access.revokedBy(grantPrivilege(id), namesOf(subject))
      return revoked === undefined ? undefined : `Grant ${id} ended with review ${revoked.review}.`
    },
  }
  const written = policy.grants?.find(ask)
  if (written?.grant !== undefined) return written
  const given = access.findGrant(ask, policy.holdingsOf(subject))
  if (given.grant !== undefined) return given
  // What is said of one in particular is of more use than that there is none.
  const hints = [written?.hint, given.hint].filter((hint) => hint !== undefined)
  const hint = hints.find((one) => one !== NAMED_HINT) ?? hints[0]
  return hint === undefined ? {} : { hint }
}

interface Found {
  readonly grant: Grant
  readonly environment: Environment
}

function putGrant(exchange: Exchange, services: Services, { grant, environment }: Found): void {
  exchange.grant = grant
  const { id, approvals } = grant
  // Conditions see one time, that of this process; what the store says of the end is put into it.
  const expiresAt = grant.expiresAt + (services.clock.now() - timeFor(grant, services))
  exchange.environment = { ...environment, grant: { id, expiresAt }, approvals }
}

/** The time by which the grant ends: that of the store where it came of a request. */
function timeFor({ request }: Grant, { clock, access }: Services): number {
  return request === undefined ? clock.now() : access.now()
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
  const look = { policy, named: grant.id, now: services.clock.now() }
  const { grant: now } = findGrant(exchange, services, look)
  if (now === undefined || isNarrower(now, exchange)) return grantEnded(grant)
  if (now === grant) return undefined
  const environment = established(exchange.environment, 'environment')
  putGrant(exchange, services, { grant: now, environment })
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

/** Whether the grant is over by its clock. */
export function overGrant({ grant }: Exchange, services: Services): Refusal | undefined {
  if (grant === undefined || grant.expiresAt > timeFor(grant, services)) return undefined
  return grantEnded(grant)
}

/** Begins to watch; before the exchange can be cut, `decideAgain` looks once it can. */
export function watchGrant(exchange: Exchange, services: Services): void {
  if (exchange.grant === undefined) return
  const now = (): number => (exchange.grant === undefined ? 0 : timeFor(exchange.grant, services))
  const arm = (): (() => void) =>
    atInstant({ now }, exchange.grant?.expiresAt ?? Infinity, () => {
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
 * The circumstances under which `operation` is judged. A grant speaks for what it covers and for
 * nothing else that one request does besides.
 */
export function environmentFor(exchange: Exchange, operation: Operation): Environment {
  const environment = established(exchange.environment, 'environment')
  const { grant } = exchange
  if (grant === undefined || grantCovers(grant, operation)) return environment
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
