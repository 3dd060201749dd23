import { describe, expect, it } from '@jest/globals'
import { csvLine } from '../../../gateway/domain/csv.ts'

describe('a line of CSV', () => {
  it.each([
    [['a', 1, true, undefined], 'a,1,true,'],
    [['a,b', 'say "x"'], '"a,b","say ""x"""'],
    [['=HYPERLINK("x")'], `"'=HYPERLINK(""x"")"`],
    [['+1', '-1', '@x', -1], `"'+1","'-1","'@x",-1`],
    [['a\u001b[2J\nb\u202e'], 'a\\u001b[2J\\u000ab\\u202e'],
  ])('of %j is safe in a spreadsheet and on a terminal', (values, line) => {
    expect(csvLine(values)).toBe(`${line}\r\n`)
  })
})
