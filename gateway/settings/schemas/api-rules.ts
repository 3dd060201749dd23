/** The rules in force, their revisions and lockouts, as the control API has them. */
import { z } from 'zod'
import { instant, line, reason } from './api-fields.ts'

const revision = z.string().describe('Digest of a rule set: sha256:<hex>.')

const decided = { decision_id: z.string().describe('Id of the records of this call.') }

const pin = z.strictObject({
  revision: revision.nullable(),
  by: z.string().describe('A subject, or os:<user>.'),
  at: instant,
  reason: z.string(),
})

const inForce = {
  revision,
  rules: z.int().min(0).describe('Number of rules.'),
  pinned: pin.nullable().describe('What holds that revision in force; null when nothing does.'),
  folder: revision.nullable().describe('What the rule folder says; null where that is not usable.'),
}

const change = z.strictObject({
  revision,
  at: instant,
  how: z.enum(['start', 'file', 'signal', 'api', 'rollback']),
  by: z.string(),
  previous: revision.nullable(),
  rules: z.int().min(0),
  reason: z.string().optional(),
})

/** Bodies by name. */
export const RULE_BODIES = {
  rollback: z.strictObject({
    revision: line(80).describe(
      'A digest, 8 digits of one, previous, or ~N. Repeated, only the first two mean the same.',
    ),
    reason,
  }),
  unpin: z.strictObject({ reason }),
  lift: z.strictObject({
    subject: line(2_048).describe('Who is let in again: user:<issuer>/<sub>.'),
    reason,
  }),
} as const

/** Answers by name. */
export const RULE_ANSWERS = {
  rules: z.strictObject({ ...inForce, ...decided }),
  revisions: z.strictObject({
    ...inForce,
    history: z.array(change).describe('The last 200 that came into force, the latest first.'),
    kept: z.array(revision).describe('Those that can be gone back to.'),
    ...decided,
  }),
  lockouts: z.strictObject({
    lockouts: z
      .array(
        z.strictObject({
          subject: z.string(),
          until: instant,
          cause: z.string().describe('Id of the decision that led to it.'),
        }),
      )
      .describe('At most 1,000: those that last longest.'),
    count: z.int().min(0).describe('All of them.'),
    fresh: z.boolean().describe('Whether the list of other replicas is known as of now.'),
    ...decided,
  }),
  lifted: z.strictObject({ lifted: z.string(), ...decided }),
} as const
