/**
 * The control API's port, over the parts that run: who may call it, what it shows and what it does.
 * Everything it does is in the ledger, on disk, before it takes effect.
 */
import { diagnosticText, type Diagnostic } from '../domain/diagnostics.ts'
import type { LedgerValue } from '../domain/ports.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import { problem } from '../pap/problem.ts'
import { areaName } from '../pap/v1/api-areas.ts'
import type { ApiAsk } from '../pap/v1/api-control.ts'
import type { ControlCaller, ControlResult, RulesControl } from '../pap/rules-api.ts'
import type { Runtime, Services } from '../pep/runtime.ts'
import type { ControlCallers } from './control-callers.ts'
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
  readonly runtime: () => Pick<Runtime, 'challenge'>
  readonly callers: ControlCallers
}

/** Entries of the history that one answer shows. */
const HISTORY_SHOWN = 200

/** Wires the port. */
export function createControlRules(deps: ControlRulesDeps): RulesControl {
  const { reloader, revisions } = deps
  return {
    clock: deps.services.clock,
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
    const { problem: what, remedy } = found
    return { problem: problem('revision_unknown', { detail: `${what}.`, remedy }) }
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
    return { problem: problem('history_unavailable', { detail }) }
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
  const found = { detail, findings: findings.map(diagnosticText) }
  return { problem: problem('rules_refused', found) }
}

/** On disk before anything is done, with the revision that was in force. */
async function note(
  { reloader, callers }: ControlRulesDeps,
  { id, subject }: ControlCaller,
  fields: Readonly<Record<string, LedgerValue | undefined>>,
): Promise<ControlResult | undefined> {
  const { revision: from } = reloader.active().rules
  const unrecorded = await callers.note({ id, subject }, { from, ...fields })
  return unrecorded === undefined ? undefined : { problem: unrecorded }
}

async function authorize(
  { callers }: ControlRulesDeps,
  ask: ApiAsk,
): Promise<ControlCaller | Refusal> {
  // These change what no journal knows of, and which would ask it whether a lock is on the caller.
  const needsFresh = !ask.isReading
  const caller = await callers.authorize({ ...ask, server: areaName(ask.area), needsFresh })
  return isRefusal(caller) ? caller : { subject: caller.subject.id, id: caller.id }
}
