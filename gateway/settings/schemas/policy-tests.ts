/**
 * The shape of `rules/tests/*_test.yaml`: what the rules must answer. What a reference means (does
 * the fixture exist, is the case in the matrix) is checked where the files are put together.
 */
import { z } from 'zod'
import { ACTIONS } from '../../domain/vocabulary.ts'
import { described, fixtures, name, text, time } from './policy-fixtures.ts'

const LIST_MAX = 256

const options = z.strictObject({
  now: time.optional().describe('Time of every request; RFC 3339.'),
})

/** What a case must come to, in one word. */
const OUTCOMES = ['permit', 'deny', 'step-up'] as const

const outcome = z.union(
  [
    z.enum(OUTCOMES),
    z.strictObject({
      effect: z.enum(OUTCOMES).describe('What is answered.'),
      reason: text.optional().describe('Reason code of the refusal.'),
      rule: text
        .optional()
        .describe('The deciding rule: policy.csv:<line>, or the row as it is written.'),
      obligations: z
        .array(z.looseObject({ type: text.describe('Type of the obligation.') }))
        .max(64)
        .optional()
        .describe('Exactly these, in any order; parameters that are left out may be anything.'),
    }),
  ],
  { error: `expected ${OUTCOMES.join(', ')}, or a map with effect, reason, rule, obligations` },
)

const names = z.array(name).min(1).max(LIST_MAX)
const someNames = z.union([name, names], { error: 'expected a name, or a list of names' })
const action = z.enum(ACTIONS)

const input = z.strictObject({
  principals: names.describe('Names of fixtures.'),
  resources: names.describe('Names of fixtures.'),
  actions: z
    .union([z.literal('all'), z.array(action).min(1).max(ACTIONS.length)], {
      error: `expected all, or a list of: ${ACTIONS.join(', ')}`,
    })
    .describe('Actions, or all for the eight.'),
  environments: names
    .optional()
    .describe('Names of fixtures; one without any facts when left out.'),
})

const expectation = z.strictObject({
  principal: someNames.describe('One name of the input, or several.'),
  resource: someNames.describe('One name of the input, or several.'),
  environment: someNames
    .optional()
    .describe('One or several; every one of the input when left out.'),
  actions: z.partialRecord(action, outcome).describe('What each action must come to.'),
})

const test = z
  .strictObject({
    name: name.describe('What is being said of the rules.'),
    description: described.describe('Why, for people.'),
    skip: z.boolean().optional().describe('true: it is not run.'),
    skip_reason: text.optional().describe('Why it is skipped.'),
    options: options.optional(),
    input: input.describe('The matrix: each principal, resource, action and environment.'),
    expected: z
      .array(expectation)
      .max(1024)
      .optional()
      .describe('What must be answered; cases that are not listed must be refused.'),
  })
  .refine((t) => t.skip !== true || t.skip_reason !== undefined, {
    message: 'says nothing about why it is skipped; add skip_reason',
    path: ['skip'],
  })

/** `rules/tests/*_test.yaml`. */
export const policyTestsSchema = z.strictObject({
  name: name.describe('What the tests of this file are about.'),
  description: described.describe('More of it.'),
  options: options.optional(),
  ...fixtures,
  tests: z.array(test).min(1).max(512).describe('The tests.'),
})

/** One file of tests, times and durations in milliseconds. */
export type PolicyTestsSpec = z.output<typeof policyTestsSchema>
/** One test as written. */
export type PolicyTestSpec = z.output<typeof test>
/** What one case must come to. */
export type OutcomeSpec = z.output<typeof outcome>
