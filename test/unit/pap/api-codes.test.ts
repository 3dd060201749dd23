/** docs/api.md lists every code that the control API refuses with, as the code has it. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { DECLINES, type DeclineCode } from '../../../gateway/access/command.ts'
import { REASONS } from '../../../gateway/domain/reasons.ts'
import { API_PROBLEMS, declinedProblem } from '../../../gateway/pap/v1/api-problems.ts'

const rows = new Map(
  [
    ...readFileSync('docs/api.md', 'utf8').matchAll(/^\| `([a-z_]+)` +\| (\d{3}) +\| (.+) \|$/gm),
  ].map(([, code = '', status, rest = '']) => [code, { status: Number(status), rest }] as const),
)

describe('the table of codes', () => {
  it.each(Object.keys(DECLINES) as DeclineCode[])('has %s, and what helps', (code) => {
    const { status, remedy = '' } = declinedProblem({ declined: code, detail: '' })
    expect(rows.get(code)?.status).toBe(status)
    expect(rows.get(code)?.rest).toContain(remedy.replace(/\.$/, ''))
  })

  it.each(Object.entries(API_PROBLEMS))('has %s', (code, { status }) => {
    expect(rows.get(code)?.status).toBe(status)
  })

  it('has every refusal of a token, and no status that the code does not have', () => {
    const missing = Object.entries(REASONS)
      .filter(([code, { stage }]) => stage === 'authenticate' && code !== 'authn_query_token')
      .filter(([code]) => !rows.has(code))
    expect(missing).toEqual([])
    for (const [code, { status }] of rows) {
      const reason = Object.entries(REASONS).find(([name]) => name === code)?.[1]
      if (reason !== undefined) expect([code, status]).toEqual([code, reason.status])
    }
  })

  it('says when it is worth asking again, where that is known', () => {
    const declined = { declined: 'too_many', detail: '' } as const
    expect(declinedProblem(declined)).toMatchObject({ status: 429, retryAfter: 60 })
    expect(declinedProblem({ ...declined, retryAfterS: 7_200 }).retryAfter).toBe(7_200)
  })
})
