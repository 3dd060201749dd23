/**
 * What was permitted is decided again when the policy or the journal changes while it is under way:
 * a stream, a download, a tunnel. One that would not be permitted now is ended as a refusal would have ended it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Decision, DecidedOperation, Obligation } from '../../domain/access.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import type { ResourceCatalog } from '../../domain/ports.ts'
import type { Operation, Resource } from '../../domain/vocabulary.ts'
import {
  addClassDuty,
  isAllTaken,
  taggedFields,
  type ClassDuties,
} from '../classes/class-duties.ts'
import { established, type Exchange } from '../exchange.ts'
import { environmentFor, keepGrant, overGrant } from '../exports/grant-in-use.ts'
import { endLockedOut, keptOut } from '../watching/kept-out.ts'
import { endIfLocked, lockedNow, tooStale } from '../watching/locked.ts'
import { withJournal } from '../watching/journal-says.ts'
import { extractionWatchOf } from '../obligations/extraction-watch.ts'
import { treatmentsOf } from '../obligations/duties.ts'
import { isBudgeted, isBudgetType } from '../obligations/meter-answer.ts'
import type { PolicySnapshot, Services } from '../runtime.ts'
import { refusalOf } from '../stages/decide.ts'

/** Longest piece of work between two turns of the event loop, milliseconds. */
const SLICE_MS = 4

/** What came of deciding again. */
export interface DecidedAgain {
  readonly decided: number
  readonly cut: number
}

/** Decides open exchanges again. */
export interface AgainDecider {
  /**
   * Decides everything that is being forwarded under the policy in force now. Called while it is at
   * work, it goes through all of them once more. Never rejects.
   */
  run(): Promise<DecidedAgain>
}

/** Works in slices, so that thousands of open streams hold up no new request for long. */
export function createAgainDecider(
  exchanges: ReadonlySet<Exchange>,
  services: Services,
): AgainDecider {
  let running: Promise<DecidedAgain> | undefined
  let next: Promise<DecidedAgain> | undefined
  const begin = (): Promise<DecidedAgain> => {
    const work = decideAll([...exchanges], services).finally(() => {
      running = next
      next = undefined
    })
    running = work
    return work
  }
  return {
    run() {
      if (running === undefined) return begin()
      // What is at work looks at the policy of its own moment: one more round is enough for all.
      next ??= running.then(begin)
      return next
    },
  }
}

async function decideAll(
  exchanges: readonly Exchange[],
  services: Services,
): Promise<DecidedAgain> {
  const { clock, log } = services
  let [decided, cut, sliceMs] = [0, 0, clock.monotonicMs()]
  for (const exchange of exchanges) {
    if (exchange.cut === undefined) continue
    decided += 1
    if (decideAgain(exchange, services)) cut += 1
    if (clock.monotonicMs() - sliceMs < SLICE_MS) continue
    await nextTurn()
    sliceMs = clock.monotonicMs()
  }
  if (cut > 0) log.info({ decided, cut }, 'open exchanges were ended: they are not permitted now')
  return { decided, cut }
}

/**
 * Decides one exchange again if the policy has changed since it was last decided, else puts to the
 * journal what it rests on, and ends it when it is not permitted any more. To be called, too, once the exchange can be cut: the policy may have
 * changed between its decision and that moment, when nobody else could have ended it.
 * @returns whether it was ended
 */
export function decideAgain(exchange: Exchange, services: Services): boolean {
  const lockout = services.lockouts.find(exchange.subject?.id ?? '')
  if (lockout !== undefined && endLockedOut(exchange, services, lockout)) return true
  if (endIfLocked(exchange, services)) return true
  const { policy } = exchange.latest()
  const { cut, standing = exchange.policy } = exchange
  if (cut === undefined) return false
  exchange.standing = policy
  const over = overGrant(exchange, services)
  const against: Against | undefined =
    over === undefined
      ? judge(exchange, services, { policy, isOther: standing !== policy })
      : { refusal: over, decision: undefined }
  if (against === undefined) return false
  exchange.revoked = against.decision
  services.metrics.streamCut(against.refusal.reason)
  cut(against.refusal)
  return true
}

/**
 * Decides a request again that had to wait for its body after it was decided: what was revoked, and
 * a token that expired, meanwhile must count (I10), and so must new duties.
 * @returns the decisions of this moment, or why it may not go on
 */
export function decideAfterWait(
  exchange: Exchange,
  services: Services,
): readonly DecidedOperation[] | Refusal {
  const now = services.clock.now()
  if (established(exchange.subject, 'subject').expiresAt <= now) {
    return refuse('authn_expired', { challenge: { error: 'invalid_token' } })
  }
  const barred =
    keptOut(exchange, services) ?? lockedNow(exchange, services) ?? tooStale(exchange, services)
  if (barred !== undefined) return barred
  const { policy } = exchange.latest()
  exchange.standing = policy
  try {
    const ended = keepGrant(exchange, services, policy)
    if (ended !== undefined) return ended
    const again: DecidedOperation[] = []
    for (const before of established(exchange.decisions, 'decisions')) {
      const decision = decideOperation(exchange, policy, before, services)
      if (decision.effect !== 'permit') {
        exchange.revoked = decision
        return refusalOf(decision)
      }
      again.push({ ...before, decision })
    }
    exchange.standsBy = again
    return again
  } catch (error) {
    services.log.error({ decisionId: exchange.id, err: error }, 'deciding again failed')
    return refuse('indeterminate')
  }
}

interface Against {
  readonly refusal: Refusal
  readonly decision: Decision | undefined
}

/** Why it is not permitted any more; a failure to find out is a reason as well (I6). */
function judge(
  exchange: Exchange,
  services: Services,
  { policy, isOther }: { readonly policy: PolicySnapshot; readonly isOther: boolean },
): Against | undefined {
  try {
    const { grant } = exchange
    const ended = keepGrant(exchange, services, policy)
    if (ended !== undefined) return { refusal: ended, decision: undefined }
    // Of another grant, and of the same with other approvals, conditions may think otherwise.
    if (!isOther && exchange.grant === grant) return takenAway(exchange, services)
    const { standsBy = exchange.decisions } = exchange
    const now: DecidedOperation[] = []
    for (const before of established(standsBy, 'decisions')) {
      const decision = decideOperation(exchange, policy, before, services)
      const against = judgeDecision(exchange, policy, { ...before, decision })
      if (against !== undefined) return against
      now.push({ ...before, decision })
    }
    exchange.standsBy = now
    return undefined
  } catch (error) {
    services.log.error({ decisionId: exchange.id, err: error }, 'deciding again failed')
    return { refusal: refuse('indeterminate'), decision: undefined }
  }
}

/**
 * What the journal says of the rules that it stands by. The rules are not asked again: a change of
 * the journal is no reason to look at the time of day, or at how old a token is, in the middle.
 */
function takenAway(exchange: Exchange, { access }: Services): Against | undefined {
  const subject = established(exchange.subject, 'subject')
  const { standsBy = exchange.decisions } = exchange
  for (const one of established(standsBy, 'decisions')) {
    const decision = withJournal(one.decision, one, { access, subject })
    if (decision.effect !== 'permit') return { refusal: refusalOf(decision), decision }
  }
  return undefined
}

function judgeDecision(
  exchange: Exchange,
  policy: PolicySnapshot,
  decided: DecidedOperation,
): Against | undefined {
  const { decision, resource } = decided
  if (decision.effect !== 'permit') return { refusal: refusalOf(decision), decision }
  const asked = { resource, catalog: policy.resources }
  const isCounted = isBudgeted(exchange, [decided])
  return isCounted && decision.obligations.every((duty) => isTakenUp(duty, exchange, asked))
    ? undefined
    : { refusal: refuse('obligation_unknown'), decision }
}

/** Decides one operation of a request under way: the circumstances of its start, the time of now. */
export function decideOperation(
  exchange: Exchange,
  { decisionPoint, resources }: PolicySnapshot,
  operation: Operation,
  { access, clock }: Pick<Services, 'access' | 'clock'>,
): Decision {
  const { action, resource } = operation
  const subject = established(exchange.subject, 'subject')
  const decision = decisionPoint.decide({
    subject,
    action,
    resource,
    environment: { ...environmentFor(exchange, operation), now: clock.now() },
    resourceAttributes: resources.attributesOf(resource),
  })
  return withJournal(decision, operation, { access, subject })
}

/**
 * Whether one operation more is permitted at this moment, with no duty that is not being done
 * already. Nothing is recorded: for what is shown of an answer, not for what a request does. A
 * failure to find out is a no (I6).
 */
export function permitsNow(exchange: Exchange, services: Services, operation: Operation): boolean {
  try {
    const { policy } = exchange.latest()
    const decision = decideOperation(exchange, policy, operation, services)
    if (decision.effect !== 'permit') return false
    const asked = { resource: operation.resource, catalog: policy.resources }
    return decision.obligations.every((duty) => isTakenUp(duty, exchange, asked))
  } catch (error) {
    services.log.error({ decisionId: exchange.id, err: error }, 'deciding on a list failed')
    return false
  }
}

/**
 * Duties on the answer cannot be taken up in the middle of it, so that they must be no stricter than
 * those taken up before it began; those on the request are done, unless more of it is to come.
 */
function isTakenUp(
  { type, parameters }: Obligation,
  exchange: Exchange,
  asked: { readonly resource: Resource; readonly catalog: ResourceCatalog },
): boolean {
  // An incident looks at the rules of its own moment.
  if (type === 'incident.lock') return true
  if (type === 'watch.extraction' && isWatched(parameters, exchange)) return true
  // What is counted is looked at for all of them together; to be shown in a list uses nothing up.
  if (isBudgetType(type)) return true
  if (!type.startsWith('response.')) return !mayAskMore(exchange)
  const { answerLimits: taken } = exchange
  const { max, fields } = parameters
  if (type === 'response.classes') return isTreated(parameters['treatments'], taken, asked)
  if (type === 'response.bytes') return Number(max) >= (taken?.bytesMax ?? Infinity)
  if (type !== 'response.redact' || !Array.isArray(fields)) return false
  return fields.every((field) => taken?.redact.has(String(field)) === true)
}

/** Whether every further message is counted so already. */
function isWatched(parameters: Obligation['parameters'], { watches = [] }: Exchange): boolean {
  const watch = extractionWatchOf({ type: 'watch.extraction', parameters, source: '' })
  return watches.some((one) => JSON.stringify(one) === JSON.stringify(watch))
}

/** Whether further messages, in which nothing can be limited, may ask for anything. */
function mayAskMore({ transport, upgrade, admitted }: Exchange): boolean {
  if (transport === 'grpc') return admitted?.body.finished === false
  return upgrade !== undefined
}

/** Whether what is tagged now, and treated now, is treated in the answer already. */
function isTreated(
  words: unknown,
  taken: Exchange['answerLimits'],
  { resource, catalog }: { readonly resource: Resource; readonly catalog: ResourceCatalog },
): boolean {
  const treatments = treatmentsOf(words)
  if (treatments === undefined) return false
  const duties: ClassDuties = new Map()
  addClassDuty(duties, resource, treatments)
  return isAllTaken(taggedFields(duties, catalog), taken?.classes)
}
