/** Conditions on what people agreed to: kinds `approval` and `grant`. */
import { z } from 'zod'
import { duration } from '../units.ts'
import { described, LIST_MAX } from './condition-fields.ts'

const count = z.int().min(1).max(16)

const from = z
  .array(z.string().regex(/^(group|role|user):\S{1,500}$/, 'expected group:, role: or user:'))
  .min(1)
  .max(LIST_MAX)

const part = z.strictObject({
  from: from.describe('Who may approve.'),
  count: count.prefault(1).describe('How many different people; 1 when absent.'),
})

/** Kind `approval`. */
export const approval = z
  .strictObject({
    kind: z
      .literal('approval')
      .describe('Other people have agreed; unknown as long as no approvals are kept.'),
    ...described,
    count: count.optional().describe('How many different people; the caller never counts.'),
    from: from.optional().describe('Who may approve; anyone entitled when absent.'),
    each: z
      .array(part)
      .min(1)
      .max(8)
      .optional()
      .describe('Instead of count and from: so many of each, and nobody counts for two of them.'),
    max_age: duration.optional().describe('Longest time since somebody agreed.'),
  })
  .refine((c) => c.count !== undefined || c.each !== undefined, {
    message: 'tests nothing; add count, or each',
  })
  .refine((c) => c.each === undefined || (c.count === undefined && c.from === undefined), {
    message: 'each says who and how many; remove count and from',
    path: ['each'],
  })

/** Kind `grant`. */
export const grant = z.strictObject({
  kind: z
    .literal('grant')
    .describe('The request makes use of a grant that is in force; unknown when there is none.'),
  ...described,
  max_remaining: duration.optional().describe('Longest time until the grant ends.'),
})
