/** The parts of `rules/limits.yaml` about use over time: budgets, and what looks like extraction. */
import { z } from 'zod'
import { BUDGET_SCOPES } from '../../domain/obligations.ts'
import { PARAMETER_NAMES, type ParameterName } from '../../domain/parameters.ts'
import { byteSize } from '../units.ts'
import { durationBetween } from './fields.ts'

const amount = z.int().min(1).max(Number.MAX_SAFE_INTEGER)
const size = z.union([amount, byteSize.refine((bytes) => bytes > 0, 'expected at least 1B')])

function windows<T extends z.ZodType>(most: T) {
  return z
    .strictObject({ minute: most.optional(), hour: most.optional(), day: most.optional() })
    .refine(isSaid, { message: 'says nothing; add minute, hour or day' })
}

/** A share of one, as a percentage of up to three decimals. */
export const percentage = z
  .string()
  .regex(/^\d{1,5}(\.\d{1,3})?%$/, 'expected a percentage such as 10% or 0.5%')
  .transform((text) => Number.parseFloat(text) / 100)
  .refine((share) => share > 0, 'expected more than 0%')

/** `budget` of a limit. */
export const budget = z
  .strictObject({
    per: z
      .enum(BUDGET_SCOPES)
      .prefault('subject')
      .describe('Whose use is counted together, of all that the limit is about.'),
    bytes: z
      .strictObject({
        request: size.optional(),
        minute: size.optional(),
        hour: size.optional(),
        day: size.optional(),
      })
      .refine(isSaid, { message: 'says nothing; add request, minute, hour or day' })
      .optional()
      .describe('Body bytes of answers, as they leave.'),
    requests: windows(amount).optional().describe('Requests, permitted ones.'),
    tokens: windows(amount).optional().describe('Tokens, as answers report them.'),
    vectors: windows(amount).optional().describe('Embeddings, as answers hold them.'),
    streams: z.int().min(1).max(1_000_000).optional().describe('Answers under way at once.'),
  })
  .refine((given) => isSaid({ ...given, per: undefined }), {
    message: 'limits nothing; add bytes, requests, tokens, vectors or streams',
  })

/** `apart` of a limit. */
export const apart = z
  .array(z.enum(PARAMETER_NAMES as [ParameterName, ...ParameterName[]]))
  .min(2)
  .max(PARAMETER_NAMES.length)
  .refine((names) => new Set(names).size === names.length, { message: 'names one twice' })

const share = (of: string) =>
  z.strictObject({
    share: percentage.refine((part) => part <= 1, 'expected at most 100%'),
    of: z.int().min(2).max(10_000_000).describe(`Judged from so many ${of} on.`),
  })

/** `detect` of a limit. */
export const detect = z
  .strictObject({
    window: durationBetween('1m', '7d').prefault('1h').describe('Looked at together; it slides.'),
    distinct_prompts: amount.max(10_000_000).optional().describe('Different prompts.'),
    vectors: amount.optional().describe('Inputs that embeddings were asked for.'),
    logits: share('requests')
      .optional()
      .describe('Share of requests that ask for log-probabilities or change them.'),
    sweep: share('requests')
      .optional()
      .describe('Share of requests that differ from one another in numbers or one word only.'),
  })
  .refine((given) => isSaid({ ...given, window: undefined }), {
    message: 'watches for nothing; add distinct_prompts, vectors, logits or sweep',
  })

/** `on_incident` of a limit. */
export const onIncident = z.strictObject({
  lock: durationBetween('1m', '30d').describe('How long the caller is kept out of everything.'),
})

/** `weights`, beside the limits. */
export const weights = z
  .strictObject({
    budget: z
      .union([percentage, z.literal('none')])
      .prefault('10%')
      .describe(
        'Share of the declared size of a model that one subject may have in answers, in any ' +
          'window, without the permission to export it; `none` for no such budget.',
      ),
    window: z.enum(['hour', 'day']).prefault('day').describe('The window; it slides.'),
  })
  .prefault({})
  .describe('The budget that models of a declared size have by themselves.')

function isSaid(given: object): boolean {
  return Object.values(given).some((value) => value !== undefined)
}

/** What is written of a budget. */
export type BudgetSpec = z.output<typeof budget>

/** What is written of detection. */
export type DetectSpec = z.output<typeof detect>
