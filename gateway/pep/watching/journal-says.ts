/** What reviews and retrainings say against a permit of the rules. */
import { namesOf } from '../../access/reviews/names.ts'
import type { AccessView } from '../../access/view.ts'
import type { Decision } from '../../domain/access.ts'
import type { Subject } from '../../domain/subject.ts'
import type { Operation } from '../../domain/vocabulary.ts'

/** Whose permit it is, and what is known of the journal. */
interface Holder {
  readonly access: AccessView
  readonly subject: Subject
}

/**
 * `decision`, unless it is a permit that does not count any more: a review took the privilege away
 * (`privilege_revoked`), or the version came of a retraining and was not released
 * (`version_restricted`).
 */
export function withJournal(
  decision: Decision,
  { action, resource }: Operation,
  { access, subject }: Holder,
): Decision {
  if (decision.effect !== 'permit') return decision
  const text = decision.rule?.text
  const revoked = text === undefined ? undefined : access.revokedBy(text, namesOf(subject))
  if (revoked !== undefined) {
    const how = revoked.lapsed ? 'lapsed, for nobody certified it in' : 'was taken away by'
    const explanation = `The privilege of ${revoked.holder} ${how} review ${revoked.review}.`
    return denied(decision, 'privilege_revoked', explanation)
  }
  if (!access.isRestricted({ action, resource })) return decision
  return denied(
    decision,
    'version_restricted',
    'The version came of a retraining and is restricted until its owner releases it.',
  )
}

function denied(
  decision: Decision,
  reason: 'privilege_revoked' | 'version_restricted',
  explanation: string,
): Decision {
  return { ...decision, effect: 'deny', reason, explanation, obligations: [] }
}
