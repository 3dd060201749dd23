import type { Got } from './attempt.ts'
import type { Expectation } from './step.ts'

/** How an answer differs from what was expected, one sentence each. */
export function differencesOf(expect: Expectation, got: Got, sameBytes: boolean): string[] {
  const differences: string[] = []
  const compare = (what: string, expected: unknown, seen: unknown): void => {
    if (JSON.stringify(expected) === JSON.stringify(seen)) return
    differences.push(`${what}: expected ${show(expected)}, got ${show(seen)}`)
  }
  compare('status', expect.status, got.status)
  compare('reason', expect.reason, got.reason)
  const { rule, failed = [], holds = [] } = expect
  if (rule !== undefined) compare('rule', rule, got.ruleText?.slice(0, rule.length))
  compare(
    'conditions not met',
    failed,
    got.failed.map((one) => one.name),
  )
  compare('reached the model server', expect.arrives ? 1 : 0, got.arrived.length)
  const text = `${JSON.stringify(got.body ?? '')}${got.challenge ?? ''}`
  for (const part of holds) compare('answer', part, text.includes(part) ? part : text)
  if (!sameBytes) differences.push('the bytes are not those of the weight file')
  return differences
}

/** A value in a difference. */
export function show(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value)
}
