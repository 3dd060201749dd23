/** Values that several bodies and answers of the control API share. */
import { z } from 'zod'
import { ACTIONS } from '../../domain/vocabulary.ts'

/** One line for people: no control characters, nothing that turns text around. */
export const line = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(
      /^[^\p{Cc}\p{Bidi_Control}\p{Surrogate}]+$/u,
      'expected one line of text without control characters',
    )

/** Text for people that may have lines: nothing that turns text around, no other control characters. */
export const prose = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(
      /^(?:[\n\t]|[^\p{Cc}\p{Bidi_Control}\p{Surrogate}])+$/u,
      'expected text without control characters other than line breaks and tabs',
    )

/** Why something is done. */
export const reason = line(500).describe('Why, for the ledger and whoever looks at it later.')

/** One of the eight actions. */
export const action = z.enum(ACTIONS)

/** `sha256:<hex>`. */
export const sha256 = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 hexadecimal digits in lower case')

/** A moment with its zone, such as `2026-11-22T18:00:00Z`; the parsed value is milliseconds. */
export const moment = z.iso
  .datetime({ offset: true, error: 'expected a time such as 2026-11-22T18:00:00Z' })
  .transform((text) => Date.parse(text))

/** How answers write moments. */
export const instant = z.iso.datetime().describe('ISO 8601, UTC.')

/** Milliseconds. */
export const milliseconds = z.int().min(0)

/** A page of `item`s: `next` is the cursor of the page behind it, absent on the last one. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    items: z.array(item),
    next: z.string().optional().describe('`cursor` of the next page; absent on the last one.'),
  })

/** How much of a list is asked for, and where to go on. */
export const paging = {
  limit: z
    .string()
    .regex(/^(?:[1-9][0-9]?|1[0-9]{2}|200)$/, 'expected a number from 1 to 200')
    .transform(Number)
    .optional()
    .describe('Entries of one page, 1 to 200; 50 when absent.'),
  cursor: z
    .string()
    .max(512)
    .regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/, 'expected the `next` of an earlier page')
    .optional()
    .describe('`next` of the page before; every other parameter must be the same.'),
  order: z.enum(['newest', 'oldest']).optional().describe('Which come first; newest when absent.'),
} as const

/** Nothing may be said. */
export const nothing = z.strictObject({})
