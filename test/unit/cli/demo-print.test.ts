import { describe, expect, it } from '@jest/globals'
import type { Got } from '../../../gateway/cli/demo/attempt.ts'
import { differencesOf } from '../../../gateway/cli/demo/differences.ts'
import { curlLines } from '../../../gateway/cli/demo/http.ts'
import { createPaint } from '../../../gateway/cli/output/paint.ts'
import { stepText, summaryText, wrap } from '../../../gateway/cli/demo/print.ts'
import { reportJson } from '../../../gateway/cli/demo/report-json.ts'
import type { Expectation } from '../../../gateway/cli/demo/step.ts'
import { STEPS } from '../../../gateway/cli/demo/steps.ts'
import type { StepResult } from '../../../gateway/cli/demo/walk.ts'

const expected: Expectation = {
  status: 403,
  reason: 'condition_failed',
  rule: 'p, role:inference, infer,',
  failed: ['office-hours'],
  arrives: false,
}

const got: Got = {
  status: 403,
  effect: 'deny',
  reason: 'condition_failed',
  rule: 'rules/policy.csv:14',
  ruleText: 'p, role:inference, infer, model:*, office-hours, allow',
  failed: [{ name: 'office-hours', is: 'false', why: 'outside 08:00-18:00' }],
  arrived: [],
  body: { detail: 'It is late.', decision_id: 'x' },
}

const step: StepResult = {
  number: 9,
  name: 'The application works late',
  story: 'The rules know office hours.',
  before: ['It is evening now.'],
  request: { method: 'GET', path: '/v2', curl: ['curl -i "$GATE/v2" \\', "  -H 'A: b'"] },
  outcome: { kind: 'request', expected, got, spellings: [] },
  differences: [],
}

const plain = createPaint(false)

describe('a step on paper', () => {
  it('holds the request, the answer and why', () => {
    expect(stepText(step, 16, plain)).toBe(`
 9/16  The application works late
    The rules know office hours.

    first    It is evening now.
    $ curl -i "$GATE/v2" \\
      -H 'A: b'
    answer   403 Forbidden
             It is late.
    why      condition_failed: A rule would allow this, but its conditions are not met
    rule     rules/policy.csv:14
             p, role:inference, infer, model:*, office-hours, allow
             office-hours is not met: outside 08:00-18:00
    arrived  nothing, says the model server
    ✓ as expected: 403 condition_failed (office-hours), nothing reaches the model server
`)
  })

  it('says what differed', () => {
    const text = stepText({ ...step, differences: ['status: expected 403, got 200'] }, 16, plain)
    expect(text).toContain('✗ expected: 403 condition_failed')
    expect(text).toContain('status: expected 403, got 200')
    expect(text).not.toContain('✓')
  })

  it('is coloured only where colour is wanted, and reads the same', () => {
    const coloured = stepText(step, 16, createPaint(true))
    expect(coloured).toContain('\u001b[31m403 Forbidden\u001b[39m')
    // eslint-disable-next-line no-control-regex -- escapes are what this is about
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(stepText(step, 16, plain))
  })

  it('shows facts with a mark each', () => {
    const facts = [
      { name: 'records', expected: 3, got: 3 },
      { name: 'chain', expected: true, got: false },
    ]
    const text = stepText({ ...step, outcome: { kind: 'facts', facts } }, 16, plain)
    expect(text).toMatch(/✓ records +3\n/)
    expect(text).toMatch(/✗ chain +false\n/)
  })

  it('counts what went as expected', () => {
    const bad = { ...step, differences: ['status'] }
    expect(summaryText([step, bad], 2, plain)).toBe('\n1 of 2 steps as expected\n')
  })
})

describe('what differs', () => {
  it('is nothing when all is as expected', () => {
    expect(differencesOf(expected, got, true)).toEqual([])
  })

  it.each<[string, Partial<Got>]>([
    ['status', { status: 200 }],
    ['reason', { reason: 'no_rule' }],
    ['rule', { ruleText: 'p, role:reader, read, model:*, always, allow' }],
    ['conditions not met', { failed: [] }],
    ['reached the model server', { arrived: ['GET /v2'] }],
  ])('names the %s', (what, changed) => {
    const differences = differencesOf(expected, { ...got, ...changed }, true)
    expect(differences).toHaveLength(1)
    expect(differences[0]).toMatch(new RegExp(`^${what}: expected .*, got `))
  })

  it('looks for texts in body and challenge, and at the bytes', () => {
    const holds = { ...expected, holds: ['late', 'Bearer'] }
    expect(differencesOf(holds, { ...got, challenge: 'Bearer realm="x"' }, true)).toEqual([])
    expect(differencesOf(holds, got, false)).toEqual([
      expect.stringContaining('answer: expected "Bearer"'),
      'the bytes are not those of the weight file',
    ])
  })
})

describe('the curl line', () => {
  it.each(STEPS.map((one) => [one.name, one.ask] as const))('of "%s" fits a terminal', (_, ask) => {
    for (const line of curlLines(ask)) expect(line.length).toBeLessThanOrEqual(96)
  })

  it('leaves variables to the shell and everything else alone', () => {
    const text = curlLines({
      method: 'HEAD',
      path: '/a/../b',
      caller: 'rita',
      network: '10.20.0.7',
    }).join('\n')
    expect(text).toBe(
      'curl -I "$GATE/a/../b" --path-as-is -H "Authorization: Bearer $RITA" \\\n' +
        "  -H 'X-Forwarded-For: 10.20.0.7'",
    )
  })
})

it('breaks lines between words only', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three'])
  expect(wrap('a-very-long-word x', 4)).toEqual(['a-very-long-word', 'x'])
})

it('gives machines the same as people', () => {
  const urls = { gateway: 'g', control: 'c', issuer: 'i', model: 'm' }
  expect(reportJson({ folder: '/f', urls }, [step], true)).toMatchObject({
    ok: true,
    steps: [
      { number: 9, expected, got, ok: true, request: { curl: step.request.curl.join('\n') } },
    ],
  })
})
