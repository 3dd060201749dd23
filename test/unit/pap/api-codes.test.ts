/** Every code that the control API refuses with has a title in words, and stands in docs/api.md. */
import { readFileSync } from 'node:fs'
import type { Response } from 'express'
import { describe, expect, it } from '@jest/globals'
import { DECLINES } from '../../../gateway/access/command.ts'
import { REASONS } from '../../../gateway/domain/reasons.ts'
import { refuse } from '../../../gateway/domain/refusal.ts'
import { CONTROL_CODES, CONTROL_PROBLEMS, PROBLEMS } from '../../../gateway/pap/problem-codes.ts'
import type { ProblemCode } from '../../../gateway/pap/problem-codes.ts'
import {
  declinedProblem,
  problem,
  problemOf,
  sendProblem,
  type Problem,
} from '../../../gateway/pap/problem.ts'

const rows = new Map(
  [
    ...readFileSync('docs/api.md', 'utf8').matchAll(
      /^\| `([a-z_]+)` +\| (\d{3}) +\| (.+?) +\| (.+?) +\|$/gm,
    ),
  ].map(([, code = '', ...cells]) => [code, cells.join(' | ')] as const),
)

/** As the table has them: without the full stop, and so that no markup is read into them. */
function rowOf(code: ProblemCode): string {
  const { status, title, remedy } = PROBLEMS[code]
  return `${status} | ${title} | ${remedy.replace(/\.$/, '')}`.replaceAll('<', '&lt;')
}

/** What is sent of a problem. */
function sent(seen: Problem): Readonly<Record<string, unknown>> {
  let text = ''
  const response = {
    set: () => response,
    status: () => response,
    type: () => response,
    send: (body: string) => (text = body),
  }
  sendProblem(response as unknown as Response, seen)
  return JSON.parse(text) as Record<string, unknown>
}

describe('the table of codes', () => {
  it.each(CONTROL_CODES)('has %s, its title and what helps', (code) => {
    expect(rows.get(code)).toBe(rowOf(code))
  })

  it('has every refusal of a token, and nothing that the code does not have', () => {
    const missing = Object.entries(REASONS)
      .filter(([code, { stage }]) => stage === 'authenticate' && code !== 'authn_query_token')
      .filter(([code]) => !rows.has(code))
    expect(missing).toEqual([])
    for (const [code, row] of rows) expect([code, row]).toEqual([code, rowOf(code as ProblemCode)])
  })

  it('has one owner for each code', () => {
    const owned = [REASONS, DECLINES, CONTROL_PROBLEMS].flatMap((table) => Object.keys(table))
    expect(owned).toHaveLength(new Set(owned).size)
    expect(Object.keys(PROBLEMS).sort()).toEqual(owned.sort())
  })
})

// RFC 9457 §3.1.3: a short summary for people, which does not change from one occurrence to the next.
describe('the title of a problem', () => {
  it.each(Object.keys(PROBLEMS) as ProblemCode[])('is a sentence for %s', (code) => {
    const { title, reason, type, detail } = sent(problem(code))
    expect(title).toMatch(/^[A-Z][^_]{5,78}[^_.]$/)
    expect([reason, type]).toEqual([code, `urn:modelgate:problem:${code}`])
    expect(detail).toBe(`${String(title)}.`)
  })

  it('is the same whatever happened', () => {
    const detail = 'It is about something else this time.'
    const { title } = PROBLEMS.body_invalid
    expect(sent(problem('body_invalid', { detail }))).toMatchObject({ title, detail })
    const declined = declinedProblem({ declined: 'closed', detail })
    expect(sent(declined)).toMatchObject({ title: DECLINES.closed.title, detail })
    const refused = problemOf(refuse('no_rule', { detail }))
    expect(sent(refused)).toMatchObject({ title: REASONS.no_rule.title, detail })
  })
})

it('says when it is worth asking again, where that is known', () => {
  const declined = { declined: 'too_many', detail: '' } as const
  expect(declinedProblem(declined)).toMatchObject({ status: 429, retryAfter: 60 })
  expect(declinedProblem({ ...declined, retryAfterS: 7_200 }).retryAfter).toBe(7_200)
  expect(declinedProblem({ declined: 'closed', detail: '' })).not.toHaveProperty('retryAfter')
})
