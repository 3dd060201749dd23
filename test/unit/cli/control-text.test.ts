import { describe, expect, it } from '@jest/globals'
import { requestText } from '../../../gateway/cli/control/request-text.ts'
import { createPaint } from '../../../gateway/cli/output/paint.ts'

const PAINT = createPaint(false)
const DIGEST = `sha256:${'d'.repeat(64)}`

function shown(justification: string): readonly string[] {
  const terms = { actions: ['export'], resources: ['model:fraud'] }
  const request = { id: 'req-1', version: 1, terms, digest: DIGEST, reasons: { justification } }
  return requestText(request, PAINT).split('\n')
}

describe('a justification, as approvers read it', () => {
  it('stands beside its name when it is one line', () => {
    expect(shown('The audit asks for it.')).toContain('why      The audit asks for it.')
  })

  it('of several lines is quoted, however its lines end', () => {
    expect(shown('Drift.\r\n\n  Since May.')).toEqual([
      'request  req-1 version 1',
      'what     export model:fraud',
      'why      | Drift.',
      '         | ',
      '         |   Since May.',
      '',
      `digest  ${DIGEST}`,
      '',
    ])
  })

  it.each([
    ['a field', `fine\n\ndigest  sha256:${'e'.repeat(64)}`],
    ['who must agree', 'fine\nWho must agree\n  0 of nobody (done)'],
    ['a field, after a lone carriage return', 'fine\rdigest  sha256:e\n'],
    [
      'a field, after other ends of lines',
      'fine\u0085digest\u2028digest\u2029digest\vdigest\fdigest\n',
    ],
    [
      'a field, by moving the cursor',
      'fine\n\u001b[1G\u001b[2Kdigest\n\u009b1Gdigest\b\b\u202edigest',
    ],
  ])('never passes for %s', (_, justification) => {
    const lines = shown(justification)
    const quoted = lines.filter((line) => /^(why {6}| {9})\| /.test(line))
    const others = lines.filter((line) => !quoted.includes(line))
    expect(others).toEqual([
      'request  req-1 version 1',
      'what     export model:fraud',
      '',
      `digest  ${DIGEST}`,
      '',
    ])
    expect(quoted).toHaveLength(justification.split('\n').length)
    expect(quoted.join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  })
})
