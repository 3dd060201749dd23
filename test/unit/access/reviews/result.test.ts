import { describe, expect, it } from '@jest/globals'
import { reviewCsv, reviewMarkdown } from '../../../../gateway/access/reviews/result-text.ts'
import { reviewResult } from '../../../../gateway/access/reviews/result.ts'
import { campaignOf, DAY_MS, lineOf } from '../../../support/reviews.ts'

const ROW = 'p, role:r, export, model:*, always, allow'
const OTHER = 'p, role:s, read, model:*, always, allow'
const ANSI = `${String.fromCharCode(27)}[31m`

function commented(comment: string) {
  const line = lineOf('1', 'group:g', ROW, 'revoke')
  return campaignOf('1', [
    line.decision === undefined ? line : { ...line, decision: { ...line.decision, comment } },
  ])
}

describe('the result of a review', () => {
  it('says which rows nobody keeps, and who loses the others', () => {
    const lines = [
      lineOf('1', 'group:g', ROW, 'revoke'),
      lineOf('2', 'group:h', ROW),
      lineOf('3', 'group:g', OTHER, 'certify'),
      lineOf('4', 'group:h', OTHER, 'revoke'),
      { ...lineOf('5', 'user:kc/a', 'grant-1', 'revoke'), kind: 'grant' as const, source: 'req-1' },
    ]
    const review = campaignOf('1', lines)
    expect(reviewResult(review, 1_000 + DAY_MS).edits).toEqual([
      { source: 'policy.csv:1', text: ROW, whole: true, holders: ['group:g', 'group:h'] },
      { source: 'policy.csv:1', text: OTHER, whole: false, holders: ['group:h'] },
    ])
    // Before the day a line that is open keeps its row.
    expect(reviewResult(review, 5_000).edits[0]).toMatchObject({ whole: false })
    // A campaign about one holder does not know of the others.
    const narrow = { ...review, scope: { holder: 'group:g' } }
    expect(reviewResult(narrow, 1_000 + DAY_MS).edits[0]).toMatchObject({ whole: false })
  })

  it('is a text for people with the rows to remove', () => {
    const text = reviewMarkdown(reviewResult(commented('left'), 5_000))
    expect(text).toContain('1 lines: 0 certified, 1 revoked, 0 lapsed, 0 open.')
    expect(text).toContain(`\`\`\`\n# policy.csv:1\n${ROW}\n\`\`\``)
    expect(text).toContain('| 1 | revoked, unused | group:g |')
  })

  // 280
  it.each([
    ['=HYPERLINK("http://evil")'],
    ['+1'],
    ['-1'],
    ['@SUM(A1)'],
    ['\t=1'],
    ['\r=1'],
    ['a;=1'],
  ])('holds no formula for a spreadsheet: %j', (comment) => {
    const csv = reviewCsv(reviewResult(commented(comment), 5_000))
    const [, row = ''] = csv.split('\r\n')
    expect(csv.split('\r\n')).toHaveLength(3)
    expect(row).not.toMatch(/(?:^|[,;])"?\s*[=+\-@]/)
  })

  // 280
  it.each([[`${ANSI}red`], ['a\nb'], ['a | b'], ['<script>'], ['[x](http://evil)'], ['`code`']])(
    'holds nothing that a terminal or a page would act on: %j',
    (comment) => {
      const text = reviewMarkdown(reviewResult(commented(comment), 5_000))
      const last = text.trimEnd().split('\n').at(-1) ?? ''
      expect(text).not.toContain(ANSI)
      expect(text).not.toContain('<script>')
      expect(text).not.toMatch(/(?<!\\)\[x(?<!\\)\]/)
      expect(last.match(/(?<!\\)\|/g)).toHaveLength(10)
    },
  )
})
