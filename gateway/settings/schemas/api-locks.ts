/** Locks, revocation of tokens and drills, as the control API has them. */
import { z } from 'zod'
import { action, instant, line, moment, pageOf, paging, reason } from './api-fields.ts'
import { durationBetween } from './fields.ts'

const id = line(2_048)
const issuer = line(64).describe('Short name of the issuer.')

const target = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.enum(['user', 'group', 'role', 'person', 'device', 'model', 'version', 'upstream']),
    id: id.describe('As rules write it: `user:<issuer>/<sub>`, `group:…`, `model:…`, …'),
  }),
  z.strictObject({ kind: z.literal('network'), cidr: line(64).describe('A network or address.') }),
  z.strictObject({ kind: z.enum(['token', 'session']), issuer, id: id.describe('jti or sid.') }),
  z.strictObject({
    kind: z.literal('issued-before'),
    subject: id.describe('`user:<issuer>/<sub>`'),
    before: moment,
  }),
  z.strictObject({ kind: z.literal('all') }),
])

const ttl = durationBetween('1s', '400d').describe('How long; until it is lifted when absent.')

/** Bodies by name. */
export const LOCK_BODIES = {
  lock: z.strictObject({
    target: target.describe('What is locked: one thing.'),
    actions: z.array(action).min(1).max(8).optional().describe('Only these; all when absent.'),
    ttl: ttl.optional(),
    reason,
  }),
  revocation: z
    .strictObject({
      issuer: issuer.optional(),
      jti: id.optional().describe('One token.'),
      session: id.optional().describe('Every token of one login.'),
      subject: id
        .optional()
        .describe('Every token of `user:<issuer>/<sub>` issued before `before`.'),
      before: moment.optional().describe('With `subject`; now when absent.'),
      ttl: ttl.optional(),
      reason,
    })
    .refine(isOneKind, 'expected issuer and jti, issuer and session, or subject'),
} as const

function isOneKind(body: {
  readonly issuer?: string | undefined
  readonly jti?: string | undefined
  readonly session?: string | undefined
  readonly subject?: string | undefined
  readonly before?: number | undefined
}): boolean {
  const { issuer: of, jti, session, subject, before } = body
  const named = [jti, session, subject].filter((one) => one !== undefined)
  if (named.length !== 1) return false
  return subject === undefined ? of !== undefined && before === undefined : of === undefined
}

/** Parameters by name. */
export const LOCK_QUERIES = {
  locks: z.strictObject({
    ...paging,
    status: z.enum(['active', 'expired', 'lifted']).optional(),
    kind: line(32).optional().describe('Kind of the target.'),
    target: id.optional().describe('Id, network or subject of the target.'),
  }),
} as const

const lock = z.strictObject({
  id: z.string(),
  status: z.enum(['active', 'expired', 'lifted']),
  target: z.strictObject({
    kind: z.string(),
    id: z.string().optional(),
    issuer: z.string().optional(),
    cidr: z.string().optional(),
    subject: z.string().optional(),
    before: instant.optional(),
  }),
  actions: z.array(z.string()).optional(),
  issuers: z.array(z.string()).optional().describe('Only accounts of these issuers.'),
  reason: z.string(),
  cause: z.strictObject({
    kind: z.enum(['operator', 'signal', 'review']),
    issuer: z.string().optional(),
    event: z.string().optional(),
    review: z.string().optional(),
  }),
  by: z.string(),
  at: instant,
  expires_at: instant.optional(),
  lift_asked: z
    .strictObject({ by: z.string(), at: instant, reason: z.string() })
    .optional()
    .describe('Somebody wants it lifted; another person has to agree.'),
  lifted: z.strictObject({ by: z.array(z.string()), at: instant, reason: z.string() }).optional(),
  warning: z
    .string()
    .optional()
    .describe(
      'Why it holds for nobody or nothing at the gateway that answers, where that can be told.',
    ),
})

const replica = z.strictObject({ id: z.string(), name: z.string() })

const drill = z.strictObject({
  id: z.string(),
  state: z.enum(['running', 'passed', 'failed']),
  by: z.string(),
  at: instant,
  expected: z.array(replica),
  missing: z.array(replica).describe('Those that have not reported.'),
  reports: z.array(
    z.strictObject({
      replica: z.string(),
      name: z.string(),
      ok: z.boolean(),
      refused_ms: z.number().describe('From the drill to the first refusal there.'),
      cut_ms: z.number().describe('From the drill to the end of an open exchange there.'),
      detail: z.string().optional(),
    }),
  ),
})

/** Answers by name. */
export const LOCK_ANSWERS = { lock, locks: pageOf(lock), drill, drills: pageOf(drill) } as const
