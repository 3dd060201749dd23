/** What the control API shows of lockouts, and how it lifts one: on disk before it takes effect. */
import type { LedgerValue } from '../domain/ports.ts'
import { problem } from '../pap/problem.ts'
import type { ControlCaller, ControlResult, LockoutsControl } from '../pap/rules-api.ts'
import type { Services } from '../pep/runtime.ts'

/** Lockouts that one answer shows. */
const SHOWN = 1_000

/** Records an operation of `caller` on disk; a problem when it cannot be. */
export type NoteOperation = (
  caller: ControlCaller,
  fields: Readonly<Record<string, LedgerValue | undefined>>,
) => Promise<ControlResult | undefined>

/** Wires lockouts into the control API. */
export function createControlLockouts(services: Services, note: NoteOperation): LockoutsControl {
  const { lockouts } = services
  return {
    lockouts() {
      const all = [...lockouts.list()].sort((a, b) => b.until - a.until)
      const shown = all.slice(0, SHOWN).map(({ subject, until, decisionId }) => ({
        subject,
        until: new Date(until).toISOString(),
        cause: decisionId,
      }))
      return { document: { lockouts: shown, count: all.length, fresh: lockouts.fresh } }
    },
    async lift(caller, { subject, reason }) {
      const known = lockouts.find(subject)
      if (known === undefined) {
        return { problem: problem('lockout_unknown') }
      }
      const fields = { what: 'lockouts.lift', of: subject, cause: known.decisionId, why: reason }
      const noted = await note(caller, fields)
      if (noted !== undefined) return noted
      try {
        await lockouts.lift(subject)
        return { document: { lifted: subject } }
      } catch (error) {
        services.log.error({ err: error }, 'a lockout could not be lifted')
        const detail = 'The store did not answer: it is not known whether the lockout was lifted.'
        return { problem: problem('state_unavailable', { detail, retryAfter: 5 }) }
      }
    },
  }
}
