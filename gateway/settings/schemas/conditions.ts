/**
 * The shape of `rules/conditions.yaml`: named contexts that the `when` column of the permission
 * matrix composes. What a value means is checked here too (zones exist, hours are hours, networks
 * are canonical), so that a mistake is reported where it is written. Names that refer to zones and
 * calendars are looked up when conditions are compiled.
 */
import { z } from 'zod'
import { approval, grant } from './condition-agreement.ts'
import { device, mfa, token } from './condition-caller.ts'
import { described, list, NAME_PATTERN, NAME_PROBLEM, testsSomething } from './condition-fields.ts'
import { geo, network, zones } from './condition-network.ts'
import { calendars, time } from './condition-time.ts'

const resource = z
  .strictObject({
    kind: z.literal('resource').describe('What resources.yaml says of the resource.'),
    ...described,
    classification: list.optional().describe('Any of these classifications.'),
    environment: list.optional().describe('Any of these environments.'),
    owner: list.optional().describe('Any of these owners.'),
    tags_any: list.optional().describe('At least one of these tags.'),
    tags_all: list.optional().describe('Every one of these tags.'),
  })
  .refine(testsSomething, {
    message: 'tests nothing; add classification, environment, owner, tags_any or tags_all',
  })

/** One condition, by its `kind`. */
const conditionSchema = z.discriminatedUnion(
  'kind',
  [time, network, geo, device, mfa, token, resource, grant, approval],
  {
    error: 'expected one of: time, network, geo, device, mfa, token, resource, grant, approval',
  },
)

/** Names of conditions: what the `when` column may say. `always` is built in. */
const conditionName = z
  .string()
  .regex(NAME_PATTERN)
  .refine((name) => name !== 'always')

/** `rules/conditions.yaml`. */
export const conditionsSchema = z.strictObject({
  conditions: z
    .record(conditionName, conditionSchema, {
      error: (issue) =>
        issue.code === 'invalid_key'
          ? `${NAME_PROBLEM}; \`always\` is built in and cannot be redefined`
          : undefined,
    })
    .describe('Named conditions, for the `when` column of policy.csv.'),
  zones: zones
    .prefault({})
    .describe('Named networks, for `zones` of network conditions: a list of CIDRs each.'),
  calendars: calendars
    .prefault({})
    .describe('Named days, for `only` and `except` of time conditions: a list of dates each.'),
})

/** One condition as written, durations in milliseconds and hours as a list. */
export type ConditionSpec = z.output<typeof conditionSchema>

/** The spec of one kind. */
export type SpecOf<K extends ConditionSpec['kind']> = Extract<ConditionSpec, { kind: K }>

/** The whole file, defaults filled in. */
export type ConditionsDocument = z.output<typeof conditionsSchema>
