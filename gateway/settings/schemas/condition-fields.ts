/** What the kinds of conditions in rules/conditions.yaml share. */
import { z } from 'zod'

/** Entries of a list in one condition. */
export const LIST_MAX = 256

/** A value that is compared byte for byte. */
export const text = z.string().min(1).max(512)

/** Values, any of which will do. */
export const list = z.array(text).min(1).max(LIST_MAX)

/** The key every kind has. */
export const described = {
  description: z.string().max(500).optional().describe('What it is for, for people.'),
}

/** `false` would read as "is known not to be"; `!name` in the matrix says that. */
export const demanded = z.literal(true)

/** Names of conditions, zones and calendars. */
export const NAME_PATTERN = /^[a-z][a-z0-9-]{0,63}$/

/** What a bad name is told. */
export const NAME_PROBLEM =
  'names are up to 64 lower-case letters, digits and hyphens, starting with a letter'

/** A name that is defined elsewhere in the same file. */
export const reference = z.string().regex(NAME_PATTERN, NAME_PROBLEM)

/** Definitions by name, at most 1024. */
export function namedMap<T extends z.ZodType>(value: T) {
  return z
    .record(z.string().regex(NAME_PATTERN), value, {
      error: (issue) => (issue.code === 'invalid_key' ? NAME_PROBLEM : undefined),
    })
    .refine((map) => Object.keys(map).length <= 1024, { message: 'holds more than 1024 entries' })
}

const NOT_A_TEST: ReadonlySet<string> = new Set(['kind', 'description', 'zone', 'sources'])

/** Whether a condition tests anything; one that does not would hold for everybody. */
export function testsSomething(condition: object): boolean {
  return Object.entries(condition).some(([key, v]) => v !== undefined && !NOT_A_TEST.has(key))
}

/** Reports every value that was there before. */
export function refuseRepeats(
  values: readonly string[],
  issue: (index: number, message: string) => void,
): void {
  const seen = new Set<string>()
  values.forEach((value, index) => {
    if (seen.has(value)) issue(index, `${value} is in the list twice`)
    seen.add(value)
  })
}
