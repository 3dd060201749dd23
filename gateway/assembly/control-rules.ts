/**
 * The control API's port, over the parts that run: who may call it, what it shows and what it does.
 * Everything it does is in the ledger, on disk, before it takes effect.
 */
import { randomUUID } from 'node:crypto'
import type { Environment } from '../domain/access.ts'
import { diagnosticText, type Diagnostic } from '../domain/diagnostics.ts'
import type { Authenticator, LedgerRecord, LedgerValue } from '../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../domain/refusal.ts'
import type { HeaderBag } from '../domain/request.ts'
import type { Subject } from '../domain/subject.ts'
import type { ControlAsk, ControlCaller, ControlResult, RulesControl } from '../pap/rules-api.ts'
import { lockedBy } from '../pep/watching/locked.ts'
import { lockedOut } from '../pep/watching/kept-out.ts'
import { refusalOf } from '../pep/stages/decide.ts'
import type { Runtime, Services } from '../pep/runtime.ts'
import { createControlLockouts } from './control-lockouts.ts'
import type { Reloader } from './reloader.ts'
import { readPin, writePin, type Pin } from './revisions/pin.ts'
import { resolveRevision } from './revisions/revision.ts'
import type { RuleRevisions } from './revisions/rule-revisions.ts'

/** What the control API works on. */
export interface ControlRulesDeps {
  readonly services: Services
  readonly revisions: RuleRevisions
  readonly reloader: Reloader
  /** Accepted names of the control listener. */
  readonly hosts: readonly string[]
  readonly runtime: () => Runtime
  readonly authenticator: () => Authenticator | undefined
}

/** The gateway itself, as rules name it: `server:modelgate`. */
const SELF = { kind: 'server', name: 'modelgate' } as const

/** Entries of the history that one answer shows. */
const HISTORY_SHOWN = 200

/** Wires the port. */
export function createControlRules(deps: ControlRulesDeps): RulesControl {
  const { reloader, revisions } = deps
  return {
    hosts: deps.hosts,
    authorize: (ask) => authorize(deps, ask),
    challenge: (refusal) => deps.runtime().challenge(refusal),
    rules: () => ({ document: inForce(reloader) }),
    async revisions() {
      await reloader.settled()
      const [entries, kept] = await Promise.all([revisions.index.read(), revisions.store.list()])
      const history = entries.slice(-HISTORY_SHOWN).reverse()
      return { document: { ...inForce(reloader), history, kept } }
    },
    async reload(caller) {
      const noted = await note(deps, caller, { what: 'rules.reload' })
      if (noted !== undefined) return noted
      const findings = await reloader.reload({ how: 'api', by: caller.subject })
      return findings.length > 0 ? refused(findings) : { document: inForce(reloader) }
    },
    rollback: (caller, to) => rollback(deps, caller, to),
    unpin: (caller, { reason }) =>
      setPin(deps, caller, { what: 'rules.unpin', revision: null, reason }),
    ...createControlLockouts(deps.services, (caller, fields) => note(deps, caller, fields)),
  }
}

function inForce(reloader: Reloader): object {
  const { rules, pin, folder } = reloader.active()
  const pinned = pin?.revision ?? null
  return {
    revision: rules.revision,
    rules: rules.policy.table.rules.length,
    pinned: pinned === null ? null : pin,
    // While a set is pinned the folder may say something else.
    folder: pinned === null ? rules.revision : (folder ?? null),
  }
}

async function rollback(
  deps: ControlRulesDeps,
  caller: ControlCaller,
  to: { readonly revision: string; readonly reason: string },
): Promise<ControlResult> {
  const { revisions, reloader } = deps
  await reloader.settled()
  const [entries, kept] = await Promise.all([revisions.index.read(), revisions.store.list()])
  const accepted = entries.map((entry) => entry.revision)
  const found = resolveRevision(to.revision, { kept, accepted })
  if ('problem' in found) {
    const detail = `${found.problem}. ${found.remedy}`
    return { problem: { status: 422, reason: 'revision_unknown', detail } }
  }
  const { revision } = found
  const loaded = await revisions.loadKept(revision, reloader.settings())
  if (!loaded.ok) return refused(loaded.diagnostics)
  return setPin(deps, caller, { what: 'rules.rollback', revision, reason: to.reason })
}

/** Records, pins, reloads; a pin that cannot be enforced is taken back. */
async function setPin(
  deps: ControlRulesDeps,
  caller: ControlCaller,
  wanted: { readonly what: string; readonly revision: string | null; readonly reason: string },
): Promise<ControlResult> {
  const { revisions, reloader, services } = deps
  const { what, revision, reason } = wanted
  const fields = { what, to: revision ?? undefined, why: reason }
  const noted = await note(deps, caller, fields)
  if (noted !== undefined) return noted
  const before = await readPin(revisions.historyDir)
  const at = new Date(services.clock.now()).toISOString()
  try {
    await writePin(revisions.historyDir, { revision, by: caller.subject, at, reason })
    const findings = await reloader.reload({ how: 'api', by: caller.subject })
    if (findings.length === 0) return { document: inForce(reloader) }
    await takeBack(revisions, before.ok ? before.value : undefined, at)
    return refused(findings)
  } catch (error) {
    services.metrics.historyError()
    services.log.error({ err: error }, 'the pin could not be written')
    const detail = 'The pin could not be written; nothing was changed.'
    return { problem: { status: 503, reason: 'history_unavailable', detail } }
  }
}

async function takeBack(
  revisions: RuleRevisions,
  before: Pin | undefined,
  at: string,
): Promise<void> {
  const none = { revision: null, by: 'modelgate', at, reason: 'the rule set was refused' }
  await writePin(revisions.historyDir, before ?? none)
}

function refused(findings: readonly Diagnostic[]): ControlResult {
  const detail = 'The rule set cannot be used; what was in force stays in force.'
  const problem = { status: 409, reason: 'rules_refused', detail }
  return { problem: { ...problem, findings: findings.map(diagnosticText) } }
}

/** On disk before anything is done; what cannot be recorded is not done. */
async function note(
  { services, reloader }: ControlRulesDeps,
  caller: ControlCaller,
  fields: Readonly<Record<string, LedgerValue | undefined>>,
): Promise<ControlResult | undefined> {
  const { revision: from } = reloader.active().rules
  const facts = { id: caller.id, effect: 'permit', sub: caller.subject, from, ...fields }
  try {
    await services.ledger.append({ type: 'admin', fields: facts }, 'disk')
    return undefined
  } catch (error) {
    services.metrics.auditError()
    services.log.error({ err: error }, 'an operation could not be recorded and was not done')
    const detail = 'The operation could not be recorded; nothing was done.'
    return { problem: { status: 503, reason: 'audit_unavailable', detail, retryAfter: 5 } }
  }
}

async function authorize(
  deps: ControlRulesDeps,
  ask: ControlAsk,
): Promise<ControlCaller | Refusal> {
  const id = randomUUID()
  try {
    const subject = await deps.authenticator()?.authenticate(ask.authorization)
    if (subject === undefined) return refuse('internal')
    if (isRefusal(subject)) return await denied(deps, ask, { id, refusal: subject })
    const refusal = await judge(deps, ask, subject)
    if (refusal !== undefined) return await denied(deps, ask, { id, refusal, subject })
    if (ask.action === 'read') {
      await deps.services.ledger.append(askRecord(deps, ask, { id, subject }), 'kernel')
    }
    return { subject: subject.id, id }
  } catch (error) {
    deps.services.log.error({ err: error, decisionId: id }, 'a call of the control API failed')
    return refuse('internal')
  }
}

const NO_HEADERS: HeaderBag = { get: () => undefined, pairs: [] }

/** Why the rules in force do not let `subject` do this; the environment is that of the TCP peer. */
async function judge(
  deps: ControlRulesDeps,
  ask: ControlAsk,
  subject: Subject,
): Promise<Refusal | undefined> {
  const runtime = deps.runtime()
  const now = deps.services.clock.now()
  if (subject.expiresAt <= now) {
    return refuse('authn_expired', { challenge: { error: 'invalid_token' } })
  }
  const lockout = deps.services.lockouts.find(subject.id)
  if (lockout !== undefined) return lockedOut(lockout)
  const client = runtime.clientAddress(ask.peer, NO_HEADERS)
  if (isRefusal(client)) return client
  const { peer } = ask
  const input = { now, peer, client, subject, headers: NO_HEADERS, peerNames: [] }
  const environment: Environment | Refusal = await runtime.environment(input)
  if (isRefusal(environment)) return environment
  const lock = deps.services.access.lockOn({
    subject,
    holdings: runtime.policy.holdingsOf(subject),
    client: client.ip,
    operations: [{ action: ask.action, resource: SELF }],
    isControl: true,
  })
  if (lock !== undefined) return lockedBy(lock)
  const { decisionPoint, resources } = runtime.policy
  const decision = decisionPoint.decide({
    subject,
    action: ask.action,
    resource: SELF,
    environment,
    resourceAttributes: resources.attributesOf(SELF),
  })
  if (decision.effect !== 'permit') return refusalOf(decision)
  return decision.obligations.length > 0 ? refuse('obligation_unknown') : undefined
}

interface Judged {
  readonly id: string
  readonly subject?: Subject
  readonly refusal?: Refusal
}

async function denied(
  deps: ControlRulesDeps,
  ask: ControlAsk,
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
  { runtime }: ControlRulesDeps,
  ask: ControlAsk,
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
