/** What a reload tells: to the metrics, the log, the ledger and the history. */
import { diagnosticText, type Diagnostic } from '../domain/diagnostics.ts'
import type { LedgerValue } from '../domain/ports.ts'
import type { Services } from '../pep/runtime.ts'
import type { Acceptance, ActiveRules, RuleRevisions } from './revisions/rule-revisions.ts'
import type { RunningRuntime } from './running-runtime.ts'

/** What there is to tell of, and to whom. */
export interface ReloadWitnesses {
  readonly services: Services
  readonly runtime: Pick<RunningRuntime, 'current'>
  readonly revisions: Pick<RuleRevisions, 'accepted'>
}

/** Logs what was found in files that are in force. */
export function announce(services: Services, warnings: readonly Diagnostic[]): void {
  for (const warning of warnings) services.log.warn({ ...warning }, warning.message)
}

/** Whether both were set by the same words, or neither was. */
export function samePin(before: ActiveRules['pin'], after: ActiveRules['pin']): boolean {
  return JSON.stringify(before) === JSON.stringify(after)
}

/** Counts, logs and records files that cannot be used. Gives back what is wrong with them. */
export function refuseReload(
  services: Services,
  what: 'configuration' | 'rules',
  diagnostics: readonly Diagnostic[],
): readonly Diagnostic[] {
  services.metrics.policyReload({ result: 'failure' })
  services.log.error(
    { findings: diagnostics.map(diagnosticText) },
    `the ${what} cannot be used; what was in force stays in force`,
  )
  const [first] = diagnostics
  const where = first === undefined ? '' : `${first.file}:${first.line}:${first.column}`
  note(services, 'policy.refused', { what, findings: diagnostics.length, where })
  return diagnostics
}

/**
 * Records what comes into force. Done just before the change itself: then no decision is in the ledger
 * before what it was made by.
 */
export function noteInForce(
  services: Services,
  { active, how, by }: Acceptance,
  configRevision: string,
): void {
  const { revision, lowered } = active.rules
  note(services, 'policy.changed', {
    pol: revision,
    cfg: configRevision,
    how,
    by,
    ...loweredFields(lowered),
  })
}

/** Counts, logs and keeps what came into force; records a pin. */
export async function accept(
  deps: ReloadWitnesses,
  before: ActiveRules | undefined,
  acceptance: Acceptance,
): Promise<void> {
  const { services, runtime } = deps
  const { active, how, by } = acceptance
  const { revision, policy, lowered } = active.rules
  const { configRevision } = runtime.current()
  const pinned = active.pin?.revision ?? undefined
  services.metrics.policyReload({
    result: 'success',
    revision,
    rules: policy.table.rules.length,
    at: services.clock.now(),
    pinned: pinned !== undefined,
    lowered: lowered.length,
  })
  services.log.info({ revision, configRevision, how, by }, 'configuration and rules are in force')
  notePin(services, before, active)
  if (pinned !== undefined && active.folder !== pinned && active.folder !== before?.folder) {
    const { folder } = active
    services.log.warn({ pinned, folder }, 'the rule folder was edited but another set is pinned')
  }
  if (before?.rules.revision === revision) return
  try {
    await deps.revisions.accepted(acceptance)
  } catch (error) {
    services.metrics.historyError()
    services.log.error({ err: error, revision }, 'the rule set in force could not be kept')
  }
}

const LOWERED_MAX = 32
const LOWERED_CHARACTERS_MAX = 512

/** Which routes ask for less than the packs they extend; nothing when none does. */
function loweredFields(lowered: readonly Diagnostic[]): Record<string, LedgerValue> {
  if (lowered.length === 0) return {}
  const said = lowered
    .slice(0, LOWERED_MAX)
    .map(({ file, line, column, message }) =>
      `${file}:${line}:${column} ${message}`.slice(0, LOWERED_CHARACTERS_MAX),
    )
  return { lowered: lowered.length, lowers: said }
}

/** A pin that came or went has a record of its own, with who and why. */
function notePin(
  services: Services,
  before: ActiveRules | undefined,
  { pin, rules }: ActiveRules,
): void {
  if (before === undefined || pin === undefined || samePin(before.pin, pin)) return
  const from = before.rules.revision
  const { by, reason } = pin
  const isBack = from !== rules.revision
  const held = isBack ? 'policy.rolled_back' : 'policy.pinned'
  const type = pin.revision === null ? 'policy.unpinned' : held
  note(services, type, { pol: rules.revision, from, by, why: reason })
}

function note(services: Services, type: string, fields: Record<string, LedgerValue>): void {
  services.ledger.append({ type, fields }, 'disk').catch(() => services.metrics.auditError())
}
