/** Bodies, queries and answers of the control API about reviews and about who has what. */
import { z } from 'zod'
import { action, instant, line, moment, pageOf, paging, prose } from './api-fields.ts'

const principal = z
  .string()
  .max(512)
  .regex(/^(?:user|group|role):[^\s*\p{C}](?:[^*\p{C}]*[^\s*\p{C}])?$/u, {
    error: 'expected user:<issuer>/<subject>, group:<name> or role:<name>, without *',
  })

const resource = z
  .string()
  .max(1_100)
  .regex(/^(?:model:[^@\s*\p{C}]+(?:@[^@\s*\p{C}]+)?|(?:dataset|server):[^@\s*\p{C}]+)$/u, {
    error: 'expected model:<name>[@<version>], dataset:<name> or server:<upstream>, without *',
  })

const what = {
  resource: resource.optional().describe('Only what reaches this one.'),
  action: action.optional().describe('Only what gives this.'),
  holder: principal.optional().describe('Only what this one has.'),
} as const

const scope = z.strictObject({
  ...what,
  kind: z.enum(['standing', 'grant']).optional().describe('Only rules, or only grants.'),
})

/** Bodies by name. */
export const REVIEW_BODIES = {
  reviewStart: z.strictObject({
    title: line(200),
    due_at: moment.describe('Lines that nobody has decided lapse then.'),
    scope: scope.optional().describe('Everything when absent.'),
    assignee: principal.optional().describe('Who is to decide; anyone who may review when absent.'),
  }),
  reviewDecision: z.strictObject({ comment: prose(1_000).optional() }),
  reviewDelegation: z.strictObject({ to: principal.describe('Who is to decide.') }),
} as const

const status = z.enum(['open', 'certified', 'revoked', 'lapsed', 'abandoned'])

/** Parameters by name. */
export const REVIEW_QUERIES = {
  reviewLines: z.strictObject({
    ...paging,
    status: status.optional().describe('Only lines that stand like this.'),
    assignee: principal.optional().describe('Only lines that this one is to decide.'),
  }),
  privileges: z.strictObject({ ...paging, ...what }),
} as const

const count = z.int().min(0)

const review = z.strictObject({
  id: z.string(),
  title: z.string(),
  status: z
    .enum(['starting', 'open', 'due', 'closed'])
    .describe('starting: not all lines are there. due: its day has passed.'),
  by: z.string(),
  started_at: instant,
  due_at: instant,
  revision: z.string().describe('Of the rules that were listed.'),
  scope: z.strictObject({
    resource: z.string().optional(),
    action: z.string().optional(),
    holder: z.string().optional(),
    kind: z.enum(['standing', 'grant']).optional(),
  }),
  lines: count,
  counts: z.strictObject({
    open: count,
    certified: count,
    revoked: count,
    lapsed: count,
    abandoned: count,
  }),
  closed: z.strictObject({ by: z.string(), at: instant }).optional(),
})

const held = {
  holder: z.string(),
  privilege: z.string().describe('The rule as written, or the id of the grant or request.'),
  source: z.string().describe('Such as policy.csv:12, or the id of the request.'),
  actions: z.array(z.string()).readonly(),
  resources: z.array(z.string()).readonly(),
  given_by: z.array(z.string()).readonly(),
  given_at: instant.optional(),
  last_used_at: instant.optional().describe('Absent when never, as far as is known.'),
  ghost: z.boolean().describe('Its holder or its resource is known to nobody.'),
  revoked_in: z.string().optional().describe('The review that took it away.'),
} as const

const warning = z
  .string()
  .optional()
  .describe('Nobody here has the name of who is to decide; said in answer to who named them.')

const reviewLine = z.strictObject({
  id: z.string(),
  status,
  kind: z.enum(['standing', 'grant']),
  ...held,
  unused: z.boolean().describe('Neither used nor given in the 90 days before the review.'),
  assignee: z.string().optional(),
  warning,
  decision: z
    .strictObject({
      verdict: z.enum(['certify', 'revoke']),
      by: z.string(),
      at: instant,
      comment: z.string().optional(),
    })
    .optional(),
})

const edit = z.strictObject({
  source: z.string(),
  text: z.string().describe('The row as written, or the id of the grant.'),
  whole: z.boolean().describe('Nobody keeps what it gives: it can go.'),
  holders: z.array(z.string()).readonly().describe('Who lost it.'),
})

const privilege = z.strictObject({
  by: z.enum(['rule', 'grant', 'request']),
  ...held,
  expires_at: instant.optional(),
})

/** Answers by name. */
export const REVIEW_ANSWERS = {
  review,
  reviewStarted: z.strictObject({
    skipped: z.boolean().describe('There was nothing to review, and no review was started.'),
    review: review.optional(),
    warning,
  }),
  reviews: pageOf(review),
  reviewLine,
  reviewLines: pageOf(reviewLine),
  reviewResult: z.strictObject({
    v: z.literal(1),
    exported_at: instant,
    review,
    lines: z.array(reviewLine).readonly(),
    edits: z.array(edit).readonly().describe('What is to be changed in the rules.'),
  }),
  privileges: pageOf(privilege).extend({
    revision: z.string(),
    more: z.boolean().describe('There are more than are listed: ask for less.'),
  }),
} as const
