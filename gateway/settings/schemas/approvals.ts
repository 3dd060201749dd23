/**
 * The shape of `rules/approvals.yaml`: who has to agree before somebody holds extra privilege for a
 * while, by action and class of resource. Every rule that matches a request must be satisfied; where
 * none matches, nobody can agree to it.
 */
import { z } from 'zod'
import { ACTIONS } from '../../domain/vocabulary.ts'
import { count, durationBetween, sizeBetween } from './fields.ts'

/** Rules, and entries of their lists: far above what people can keep in mind. */
const RULES_MAX = 500
const LIST_MAX = 64

const holder = z
  .string()
  .regex(/^(user|group|role):\S(.{0,500}\S)?$/, 'expected user:, group: or role: and a name')
  .refine((name) => !name.includes('*'), 'who approves is written exactly; * has no meaning here')

const holders = z.array(holder).min(1).max(LIST_MAX)

const pattern = z
  .string()
  .regex(
    /^(\*|(model|dataset):[A-Za-z0-9._/:*-]{1,256}(@[A-Za-z0-9._*-]{1,128})?|server:[a-z0-9*-]{1,32})$/,
    'expected a pattern such as model:fraud-*, model:fraud-7b@3, dataset:*, server:llm or *',
  )
  .refine((text) => !text.includes('**'), 'one * stands for any run of characters')

const words = z.array(z.string().min(1).max(256)).min(1).max(LIST_MAX)

const expression = z.string().min(1).max(1024)

const requirement = z.strictObject({
  count: count(1, 8).prefault(1).describe('So many different people.'),
  from: holders.describe('Each of whom holds one of these: group:, role: or user:.'),
  filter: expression
    .optional()
    .describe('Conditions, as in policy.csv, that must hold for the call that approves.'),
})

const requirements = z.array(requirement).min(1).max(8)

const matching = z
  .strictObject({
    actions: z.array(z.enum(ACTIONS)).min(1).max(ACTIONS.length).describe('For which actions.'),
    resources: z
      .array(pattern)
      .min(1)
      .max(LIST_MAX)
      .prefault(['*'])
      .describe('For which resources: names with *; every resource if absent.'),
    classification: words.optional().describe('Only of these classes, as resources.yaml says.'),
    environment: words.optional().describe('Only in these environments, as resources.yaml says.'),
    tags: words.optional().describe('Only with one of these tags of resources.yaml.'),
  })
  .describe('What it is about.')

const demands = z
  .strictObject({
    justification_min: count(1, 4_000).optional().describe('Characters a justification must have.'),
    ticket: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('What a ticket looks like, such as OPS-*; it must be there.'),
    risk_assessment: z.boolean().prefault(false).describe('A risk assessment must be there.'),
    criteria: z
      .array(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'lower-case letters, digits and hyphens'))
      .max(16)
      .prefault([])
      .describe('Objective criteria that must be answered, by name.'),
    device: z.boolean().prefault(false).describe('It must name the devices it is used from.'),
    network: z.boolean().prefault(false).describe('It must name the networks it is used from.'),
  })
  .describe('What must be said besides who, what and how long.')

const auto = z
  .strictObject({
    when: expression.describe('Conditions that must hold for the call that asks.'),
    rate: z
      .strictObject({
        count: count(1, 1_000).describe('Automatic approvals of one person by this rule …'),
        per: durationBetween('1m', '30d').describe('… within this time.'),
      })
      .describe('What is more goes to people.'),
    grant_ttl_max: durationBetween('1m', '30d')
      .optional()
      .describe('Longest a grant may live that nobody looked at; as the rule has it if absent.'),
  })
  .describe('Approves without people, where every rule that matches does.')

const breakGlass = z
  .strictObject({
    seal: z
      .strictObject({ require: requirements.describe('Who seals it: two people or more.') })
      .refine(({ require }) => require.reduce((sum, { count }) => sum + count, 0) >= 2, {
        path: ['require'],
        message: 'it takes two people or more to seal it',
      })
      .describe('Agreed to beforehand.'),
    valid_for: durationBetween('1h', '400d').prefault('90d').describe('How long a seal keeps.'),
    open_for_max: durationBetween('1m', '24h').prefault('1h').describe('Longest it is open.'),
    review_within: durationBetween('1h', '30d')
      .prefault('2d')
      .describe('Review is due so long after it was opened.'),
    reviewers: holders.describe('Who reviews what was done: never the one who opened it.'),
  })
  .describe('Privilege for an emergency that two people sealed beforehand.')

const rule = z.strictObject({
  description: z.string().max(500).optional().describe('What it is for, for people.'),
  for: matching,
  who_may_ask: holders.optional().describe('Only these may ask; everyone if absent.'),
  require: requirements.describe('All of these; one person counts once, for one of them.'),
  deny: z
    .enum(['any-eligible', 'nobody'])
    .prefault('any-eligible')
    .describe('Whether one of those who may approve can end a request with a no.'),
  request_ttl: durationBetween('1m', '30d').prefault('24h').describe('How long people may take.'),
  grant_ttl_max: durationBetween('1m', '365d').prefault('8h').describe('Longest a grant may live.'),
  uses_max: count(1, 1_000_000).optional().describe('A grant must say how often, at most this.'),
  bytes_max: sizeBetween('1B', '1024TiB')
    .optional()
    .describe('A grant must say how much, at most this.'),
  demands: demands.prefault({}),
  auto: auto.optional(),
  break_glass: breakGlass.optional(),
})

const NAME_PROBLEM = 'names are up to 64 lower-case letters, digits and hyphens, letter first'

/** `rules/approvals.yaml`. */
export const approvalsSchema = z.strictObject({
  requests_per_day: count(1, 10_000)
    .prefault(200)
    .describe('Requests that one person may make within 24 hours; what is more gets 429.'),
  approvals: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/), rule, {
      error: (issue) => (issue.code === 'invalid_key' ? NAME_PROBLEM : undefined),
    })
    .refine((named) => Object.keys(named).length <= RULES_MAX, {
      message: `more than ${RULES_MAX} rules`,
    })
    .describe('Rules of approval by name; of those that match a request, all must be satisfied.'),
})

/** What is written of one rule; times in milliseconds, sizes in bytes. */
export type ApprovalSpec = z.output<typeof rule>
