/**
 * Who may call the control listener: a token for it, the rules in force, no lock and no lockout. Every
 * refusal and every reading is in the ledger; every change is before it is made.
 */
import type { LockFacts } from '../access/view.ts'
import type { Decision, Environment } from '../domain/access.ts'
import type { Authenticator, LedgerRecord, LedgerValue } from '../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../domain/refusal.ts'
import type { HeaderBag } from '../domain/request.ts'
import { isOwnMachine } from '../domain/reserved-networks.ts'
import type { Subject } from '../domain/subject.ts'
import type { Resource } from '../domain/vocabulary.ts'
import { problem, type Problem } from '../pap/problem.ts'
import type { EnvironmentInput, PolicySnapshot, Runtime, Services } from '../pep/runtime.ts'
import { readHeaders } from '../pep/headers.ts'
import { refusalOf } from '../pep/stages/decide.ts'
import { lockedOut } from '../pep/watching/kept-out.ts'
import { withJournal } from '../pep/watching/journal-says.ts'
import { lockedBy } from '../pep/watching/locked.ts'
import { noteRuleUse } from '../pep/watching/note-use.ts'

/** What callers are judged with. */
export interface ControlCallersDeps {
  readonly services: Pick<Services, 'clock' | 'ledger' | 'metrics' | 'log' | 'lockouts' | 'access'>
  readonly runtime: () => Runtime
  readonly authenticator: () => Authenticator | undefined
  /** Told of everybody whose token was good. */
  readonly onSeen?: (subject: Subject) => void
}

/** Who asks for what. */
export interface CallerAsk {
  /** Id of the call, under which everything it does is recorded. */
  readonly id: string
  readonly authorization: string | undefined
  readonly action: 'read' | 'admin'
  /** What it is asked of, as rules name it behind `server:`. */
  readonly server: string
  /** The operation, for the record. */
  readonly what: string
  /** Address of the TCP peer. */
  readonly peer: string
  /** Node's raw list of header fields: what trusted hops say of the caller is read from it. */
  readonly rawHeaders: readonly string[]
  /** Whether nothing will be changed: then the record of the reading is all there is to record. */
  readonly isReading: boolean
  /**
   * Refused while the state is not fresh, when a lock on this caller may be among what is not known.
   * Commands on the state need it not: they ask the journal itself.
   */
  readonly needsFresh?: boolean
}

/** Whoever was let in. */
export interface LetIn {
  /** Id under which everything this call does is recorded. */
  readonly id: string
  readonly subject: Subject
  /** By the TCP peer and the token alone: what headers say keeps callers out, and lets nobody in. */
  readonly environment: Environment
  /** Whether the rules by which this call was let in permit this too; never throws. */
  readonly may: (action: 'read' | 'admin', server: string) => boolean
}

/** See {@link createControlCallers}. */
export interface ControlCallers {
  /** Never throws; what goes wrong inside is a refusal. */
  authorize(ask: CallerAsk): Promise<LetIn | Refusal>
  /** On disk before anything is done; a problem when it cannot be, and then nothing may be done. */
  note(
    caller: { readonly id: string; readonly subject: string },
    fields: Readonly<Record<string, LedgerValue | undefined>>,
  ): Promise<Problem | undefined>
}

/** Puts them together. */
export function createControlCallers(deps: ControlCallersDeps): ControlCallers {
  return {
    authorize: (ask) => authorize(deps, ask),
    note: (caller, fields) => note(deps, caller, fields),
  }
}

async function authorize(deps: ControlCallersDeps, ask: CallerAsk): Promise<LetIn | Refusal> {
  const { id } = ask
  try {
    const subject = await deps.authenticator()?.authenticate(ask.authorization)
    if (subject === undefined) return refuse('internal')
    if (isRefusal(subject)) return await denied(deps, ask, { id, refusal: subject })
    deps.onSeen?.(subject)
    const judged = await judge(deps, ask, subject)
    if (isRefusal(judged)) return await denied(deps, ask, { id, refusal: judged, subject })
    if (ask.isReading) {
      await deps.services.ledger.append(askRecord(deps, ask, { id, subject }), 'kernel')
    }
    return { id, subject, ...judged }
  } catch (error) {
    deps.services.log.error({ err: error, decisionId: id }, 'a call of the control API failed')
    return refuse('internal')
  }
}

/** Why the rules in force do not let `subject` do this, or what else is known once they do. */
async function judge(
  deps: ControlCallersDeps,
  ask: CallerAsk,
  subject: Subject,
): Promise<Pick<LetIn, 'environment' | 'may'> | Refusal> {
  const { clock, lockouts, access } = deps.services
  const runtime = deps.runtime()
  const now = clock.now()
  if (subject.expiresAt <= now) {
    return refuse('authn_expired', { challenge: { error: 'invalid_token' } })
  }
  const lockout = lockouts.find(subject.id)
  if (lockout !== undefined) return lockedOut(lockout)
  const told = readHeaders(ask.rawHeaders, runtime.limits)
  if (isRefusal(told)) return told
  const where = await environmentOf(runtime, ask.peer, { now, subject, headers: told })
  if (isRefusal(where)) return where
  const { action } = ask
  const resource = named(ask.server)
  const lock = access.lockOn({
    ...lockableIn(where),
    subject,
    holdings: runtime.policy.holdingsOf(subject),
    operations: [{ action, resource }],
  })
  if (lock !== undefined) return lockedBy(lock)
  if (ask.needsFresh === true && !access.fresh) {
    return refuse('state_unavailable', { retryAfter: 5 })
  }
  const environment = await environmentOf(runtime, ask.peer, { now, subject, headers: NO_HEADERS })
  if (isRefusal(environment)) return environment
  const decide = decider(runtime.policy, { subject, environment, access })
  const decision = decide(action, resource)
  const refusal = refusalIn(decision)
  if (refusal !== undefined) return naming(ask, refusal)
  noteRuleUse(decision, { subject, usersOf: runtime.policy.usersOf }, deps.services)
  return {
    environment,
    may: (other, server) => refusalIn(decide(other, named(server))) === undefined,
  }
}

const NO_HEADERS: HeaderBag = { get: () => undefined, pairs: [] }

/** Here and now, by the rules of the data listeners; the control listener asks for no certificate. */
async function environmentOf(
  runtime: Runtime,
  peer: string,
  call: Pick<EnvironmentInput, 'now' | 'subject' | 'headers'>,
): Promise<Environment | Refusal> {
  const client = runtime.clientAddress(peer, call.headers)
  if (isRefusal(client)) return client
  return runtime.environment({ ...call, peer, client, peerNames: [] })
}

/** Whoever is on the machine can lift a lock on any network; nobody is there by saying so. */
function lockableIn({
  client,
  devices,
}: Environment): Pick<LockFacts, 'client' | 'devices' | 'control'> {
  const isLocal = client.source === 'peer' && isOwnMachine(client.ip)
  return {
    client: client.ip,
    control: isLocal ? 'local' : 'remote',
    ...(devices === undefined ? {} : { devices }),
  }
}

function named(name: string): Resource {
  return { kind: 'server', name }
}

interface Asker extends Pick<LetIn, 'subject' | 'environment'> {
  readonly access: ControlCallersDeps['services']['access']
}

/** Decides by the rules, and by reviews, which list what rules give here as well. */
function decider(
  { decisionPoint, resources }: PolicySnapshot,
  { subject, environment, access }: Asker,
): (action: 'read' | 'admin', resource: Resource) => Decision {
  return (action, resource) => {
    const resourceAttributes = resources.attributesOf(resource)
    const asked = { subject, action, resource, environment, resourceAttributes }
    return withJournal(decisionPoint.decide(asked), asked, { access, subject })
  }
}

/** Why something is refused; a duty that nobody can discharge here is a reason too. */
function refusalIn(decision: Decision): Refusal | undefined {
  if (decision.effect !== 'permit') return refusalOf(decision)
  return decision.obligations.length > 0 ? refuse('obligation_unknown') : undefined
}

/** Which permission is missing: everything here is a `server`, and so each area has to be named. */
function naming({ action, server }: CallerAsk, refusal: Refusal): Refusal {
  if (refusal.reason !== 'no_rule') return refusal
  return { ...refusal, detail: `No rule gives you ${action} on server:${server}.` }
}

async function note(
  { services, runtime }: ControlCallersDeps,
  caller: { readonly id: string; readonly subject: string },
  fields: Readonly<Record<string, LedgerValue | undefined>>,
): Promise<Problem | undefined> {
  const pol = runtime().policy.decisionPoint.revision
  const facts = { id: caller.id, effect: 'permit', sub: caller.subject, pol, ...fields }
  try {
    await services.ledger.append({ type: 'admin', fields: facts }, 'disk')
    return undefined
  } catch (error) {
    services.metrics.auditError()
    services.log.error({ err: error }, 'an operation could not be recorded and was not done')
    const detail = 'The operation could not be recorded; nothing was done.'
    return problem('audit_unavailable', { detail, retryAfter: 5 })
  }
}

interface Judged {
  readonly id: string
  readonly subject?: Subject
  readonly refusal?: Refusal
}

async function denied(
  deps: ControlCallersDeps,
  ask: CallerAsk,
  judged: Judged & { readonly refusal: Refusal },
): Promise<Refusal> {
  const { services } = deps
  // A refusal that cannot be recorded is a refusal all the same.
  await services.ledger
    .append(askRecord(deps, ask, judged), 'kernel')
    .catch(() => services.metrics.auditError())
  return judged.refusal
}

function askRecord(
  { runtime }: ControlCallersDeps,
  ask: CallerAsk,
  { id, subject, refusal }: Judged,
): LedgerRecord {
  return {
    type: 'admin',
    fields: {
      id,
      effect: refusal === undefined ? 'permit' : 'deny',
      reason: refusal?.reason,
      lock: refusal?.lockedBy,
      what: ask.what,
      sub: subject?.id,
      iss: subject?.issuer,
      jti: subject?.tokenId,
      client: subject?.clientId,
      ip: ask.peer,
      pol: runtime().policy.decisionPoint.revision,
    },
  }
}
