/** Requests for extra privilege and the grants that come of them, as the control API has them. */
import { z } from 'zod'
import {
  action,
  instant,
  line,
  milliseconds,
  moment,
  pageOf,
  paging,
  prose,
  reason,
  sha256,
} from './api-fields.ts'
import { count, durationBetween } from './fields.ts'

const LIST_MAX = 64
const TEXT_MAX = 4_000
const AMOUNT_MAX = Number.MAX_SAFE_INTEGER

const texts = (max: number) => z.array(line(max)).min(1).max(LIST_MAX)
const shortened = durationBetween('1s', '400d').describe('How long the grant lives from its start.')
const uses = count(1, AMOUNT_MAX).describe('How often it may be used.')
const bytes = count(1, AMOUNT_MAX).describe('Bytes of all transfers together.')
const networks = texts(64).describe('CIDRs that use must come from.')
const devices = texts(256).describe('Ids of devices that use must come from.')

const training = z.strictObject({
  datasets: z
    .array(z.strictObject({ name: line(256), digest: sha256 }))
    .min(1)
    .max(LIST_MAX)
    .describe('Exactly these datasets.'),
  base: line(512).optional().describe('`model:<name>[@<version>]` that is trained further.'),
  destination: line(512).describe('`model:<name>` that the result becomes a version of.'),
})

const content = {
  actions: z.array(action).min(1).max(8).describe('What is to be done.'),
  resources: texts(512).describe(
    'Each by its whole name: `model:<name>[@<version>]`, `dataset:…`.',
  ),
  starts_at: moment.optional().describe('When it begins; from the approval on when absent.'),
  duration: shortened,
  uses_max: uses.optional(),
  bytes_max: bytes.optional(),
  digest: sha256.optional().describe('Of the one artifact an export is for.'),
  training: training.optional().describe('What a retraining is for.'),
  networks: networks.optional(),
  devices: devices.optional(),
  justification: prose(TEXT_MAX).describe('Why it is needed.'),
  ticket: line(128).optional(),
  risk_assessment: prose(TEXT_MAX).optional(),
  criteria: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/), prose(1_000))
    .optional()
    .describe('Answers to the criteria that the rule of approval demands, by name.'),
} as const

const narrowing = {
  duration: shortened.optional(),
  uses_max: uses.optional(),
  bytes_max: bytes.optional(),
  networks: networks.optional(),
  devices: devices.optional(),
} as const

const digest = sha256.describe('`digest` of the request as you saw it: what your word is on.')

/** Bodies by name. */
export const REQUEST_BODIES = {
  request: z.strictObject({
    kind: z.enum(['elevation', 'break-glass']).optional().describe('elevation when absent.'),
    ...content,
  }),
  request_edit: z.strictObject(content),
  approval: z.strictObject({
    digest,
    comment: prose(TEXT_MAX).optional(),
    narrowing: z.strictObject(narrowing).optional().describe('Less than what is asked for.'),
  }),
  denial: z.strictObject({ digest, comment: prose(TEXT_MAX) }),
  reason: z.strictObject({ reason }),
  findings: z.strictObject({ findings: prose(TEXT_MAX) }),
} as const

const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

/** Parameters by name. */
export const REQUEST_QUERIES = {
  requests: z.strictObject({
    ...paging,
    status: z.enum(['pending', 'approved', 'denied', 'cancelled', 'expired']).optional(),
    mine: flag.optional().describe('Only those that you made; false: only those of others.'),
    model: line(512).optional().describe('Name of a model in `resources`, without version.'),
  }),
  grants: z.strictObject({
    ...paging,
    status: z.enum(['sealed', 'waiting', 'active', 'expired', 'revoked']).optional(),
    mine: flag.optional().describe('Only those that you hold; false: only those of others.'),
    model: line(512).optional().describe('Name of a model in `resources`, without version.'),
  }),
} as const

const seenTerms = z.strictObject({
  holder: z.string(),
  actions: z.array(z.string()),
  resources: z.array(z.string()),
  starts_at: instant.optional(),
  duration_ms: milliseconds,
  uses_max: z.int().optional(),
  bytes_max: z.int().optional(),
  digest: z.string().optional(),
  training: z
    .strictObject({
      datasets: z.array(z.strictObject({ name: z.string(), digest: z.string() })),
      base: z.string().optional(),
      destination: z.string(),
    })
    .optional(),
  networks: z.array(z.string()).optional(),
  devices: z.array(z.string()).optional(),
})

const vote = z.strictObject({
  by: z.string(),
  decision: z.enum(['approve', 'deny']),
  digest: z.string(),
  at: instant,
  comment: z.string().optional(),
  narrowing: z
    .strictObject({
      duration_ms: milliseconds.optional(),
      uses_max: z.int().optional(),
      bytes_max: z.int().optional(),
      networks: z.array(z.string()).optional(),
      devices: z.array(z.string()).optional(),
    })
    .optional(),
})

const demand = z.strictObject({
  rule: z.string().describe('Its name in approvals.yaml.'),
  requirements: z.array(
    z.strictObject({
      count: z.int(),
      from: z.array(z.string()).describe('Any of these may approve.'),
      filter: z.string().optional().describe('Must hold for the call of who approves.'),
    }),
  ),
  deny_by: z.enum(['any-eligible', 'nobody']),
  reviewers: z.array(z.string()).optional(),
})

const ended = z.strictObject({ by: z.string(), at: instant, reason: z.string() })

const requestFields = {
  id: z.string(),
  version: z.int(),
  kind: z.enum(['elevation', 'break-glass']),
  status: z.enum(['pending', 'approved', 'denied', 'cancelled', 'expired']),
  by: z.string(),
  terms: seenTerms,
  reasons: z.strictObject({
    justification: z.string(),
    ticket: z.string().optional(),
    risk_assessment: z.string().optional(),
    criteria: z.record(z.string(), z.string()).optional(),
  }),
  created_at: instant,
  expires_at: instant,
  demands: z.array(demand).describe('Who may approve; every one must be satisfied.'),
  digest: z.string().describe('SHA-256 of the canonical form of this version.'),
  votes: z.array(vote),
  auto: z.string().optional().describe('The rules that approved it by themselves.'),
  grant: z.string().optional(),
  closed: ended.optional(),
} as const

const grant = z.strictObject({
  id: z.string(),
  request: z.string(),
  status: z.enum(['sealed', 'waiting', 'active', 'expired', 'revoked']),
  holder: z.string(),
  terms: seenTerms,
  digest: z.string(),
  votes: z.array(vote),
  auto: z.string().optional(),
  issued_at: instant,
  starts_at: instant,
  expires_at: instant,
  sealed: z
    .strictObject({
      opened_at: instant.optional(),
      reason: z.string().optional(),
      review_due_at: instant
        .optional()
        .describe('It was opened and not reviewed; the rules in force want it to be by then.'),
      reviewed: z.strictObject({ by: z.string(), at: instant, findings: z.string() }).optional(),
    })
    .optional()
    .describe('Break-glass: worth nothing until it is opened.'),
  revoked: ended.optional(),
})

/** Answers by name. */
export const REQUEST_ANSWERS = {
  request: z.strictObject({
    ...requestFields,
    canonical: z.string().describe('The canonical form (RFC 8785): what an approval signs.'),
  }),
  requests: pageOf(z.strictObject(requestFields)),
  grant,
  grants: pageOf(grant),
} as const
