/**
 * Lines of reviews against the decision point: a line is there exactly when its holder alone makes
 * its rule permit something, and to revoke it refuses what this rule gave this holder, nothing else.
 */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { namesOf } from '../../gateway/access/reviews/names.ts'
import { createRevocations } from '../../gateway/access/reviews/revocations.ts'
import type { Subject } from '../../gateway/domain/subject.ts'
import { ACTIONS } from '../../gateway/domain/vocabulary.ts'
import { standingPrivileges } from '../../gateway/pdp/analysis/standing-privileges.ts'
import { createDecisionPoint } from '../../gateway/pdp/decision/decision-point.ts'
import { policyOf, requestOf, subjectOf } from '../support/policy.ts'
import { campaignOf, lineOf, stateWith } from '../support/reviews.ts'

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 60)
const TIMEOUT_MS = 300_000

const CONDITIONS = `
conditions:
  net: { kind: network, cidrs: [203.0.113.0/24] }
`
const ASSERTED = new Set(['role:r', 'role:s'])
const HOLDERS = ['user:kc/u', 'group:g', 'group:h', ...ASSERTED]
const RESOURCES = ['model:a', 'model:a@1', 'model:b', 'dataset:a', 'server:s']

const row = fc
  .tuple(
    fc.constantFrom('role:anyone', 'role:r', 'role:s', 'role:t', 'role:v', 'group:g', 'user:kc/u'),
    fc.constantFrom('read', 'export', '*'),
    fc.constantFrom('model:*', 'model:a', 'model:a@1', 'dataset:*', '*', 'server:s'),
    fc.constantFrom('always', 'net'),
    fc.constantFrom('allow', 'allow', 'allow', 'deny'),
  )
  .map((cells) => `p, ${cells.join(', ')}`)

/** Upwards only, so that no chain is a circle. */
const link = fc
  .constantFrom(
    ['group:g', 'role:r'],
    ['group:h', 'role:s'],
    ['user:kc/u', 'role:s'],
    ['role:r', 'role:s'],
    ['role:s', 'role:t'],
    ['role:anyone', 'role:t'],
    ['role:anyone', 'role:r'],
  )
  .map((cells) => `g, ${cells.join(', ')}`)

const policies = fc.record({
  rows: fc.uniqueArray(row, { minLength: 1, maxLength: 5 }),
  links: fc.uniqueArray(link, { maxLength: 4 }),
})

function callerOf(names: readonly string[]): Subject {
  return subjectOf({
    id: names.find((name) => name.startsWith('user:')) ?? 'user:kc/somebody',
    groups: names.filter((name) => name.startsWith('group:')),
    roles: names.filter((name) => name.startsWith('role:')),
  })
}

type Decide = (subject: Subject, operation: string) => string | undefined

/** The text of the rule that permits. */
async function decider(rows: readonly string[], links: readonly string[]): Promise<Decide> {
  const policy = await policyOf(`${[...rows, ...links].join('\n')}\n`, CONDITIONS)
  const point = createDecisionPoint(policy)
  return (subject, operation) => {
    const decision = point.decide(requestOf(operation, { subject }))
    return decision.effect === 'permit' ? decision.rule?.text : undefined
  }
}

const OPERATIONS = ACTIONS.flatMap((action) => RESOURCES.map((what) => `${action} ${what}`))

async function linesOf(rows: readonly string[], links: readonly string[]) {
  const policy = await policyOf(`${[...rows, ...links].join('\n')}\n`, CONDITIONS)
  return standingPrivileges(policy.table, { asserted: ASSERTED, max: 10_000 })
}

describe('lines of reviews', () => {
  it(
    'are the holders that alone make a rule permit something',
    () =>
      fc.assert(
        fc.asyncProperty(policies, async ({ rows, links }) => {
          const lines = await linesOf(rows, links)
          for (const rule of rows) {
            const listed = lines
              .filter((line) => line.rule.reference.text === rule)
              .map(({ holder }) => holder)
            const expected = rule.endsWith('deny') ? [] : await holdersByTrial(rule, links)
            expect(listed.sort()).toEqual(expected.sort())
          }
        }),
        { numRuns: RUNS },
      ),
    TIMEOUT_MS,
  )

  it(
    'that are revoked refuse what the rule gave their holder, and nothing else',
    () =>
      fc.assert(
        fc.asyncProperty(
          policies,
          fc.subarray(HOLDERS, { maxLength: 2 }),
          async ({ rows, links }, held) => {
            const lines = await linesOf(rows, links)
            const decide = await decider(rows, links)
            const caller = callerOf(held)
            for (const operation of OPERATIONS) {
              const by = decide(caller, operation)
              if (by === undefined) continue
              const mine = lines.filter(
                ({ rule, holder }) => rule.reference.text === by && namesOf(caller).has(holder),
              )
              // Whatever is permitted, some line of the caller says so.
              expect(mine.length).toBeGreaterThan(0)
              for (const line of lines) {
                const revocations = createRevocations(
                  stateWith(
                    campaignOf('1', [lineOf('1', line.holder, line.rule.reference.text, 'revoke')]),
                  ),
                )
                const refused = revocations.find(by, namesOf(caller), 10_000) !== undefined
                expect(refused).toBe(mine.includes(line))
              }
            }
          },
        ),
        { numRuns: RUNS },
      ),
    TIMEOUT_MS,
  )
})

/** One rule alone, and callers that have one name each. */
async function holdersByTrial(rule: string, links: readonly string[]): Promise<string[]> {
  const permits = async (given: readonly string[], names: readonly string[]) => {
    const decide = await decider([rule], given)
    return OPERATIONS.some((operation) => decide(callerOf(names), operation) !== undefined)
  }
  // What comes with being somebody is the line of everybody.
  const own = links.filter((text) => !text.startsWith('g, role:anyone'))
  const isForAll = rule.startsWith('p, role:anyone')
  const found: string[] = []
  for (const holder of HOLDERS) {
    if (!isForAll && (await permits(own, [holder]))) found.push(holder)
  }
  if (await permits(links, [])) found.push('role:anyone')
  return found.length > 0 ? found : [/^p, ([^,]+)/.exec(rule)?.[1] ?? '']
}
