/** The table of docs/weights.md is what the scanner does. `UPDATE_GOLDEN=1` writes it anew. */
import { expect, it } from '@jest/globals'
import { readFileSync, writeFileSync } from 'node:fs'
import { foundTable } from '../../../support/artifacts/found-table.ts'

const PAGE = 'docs/weights.md'
const [BEGIN, END] = ['<!-- found-table -->', '<!-- /found-table -->']
/** Compressed sizes differ by a few bytes between versions of zlib. */
const TOLERANCE_BYTES = 24

it('docs/weights.md says after how many bytes each format is found', () => {
  const page = readFileSync(PAGE, 'utf8')
  const [from, to] = [page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)]
  expect(from).toBeLessThan(to)
  const table = foundTable()
  if (process.env['UPDATE_GOLDEN'] === '1') {
    writeFileSync(PAGE, `${page.slice(0, from)}\n\n${table.join('\n')}\n\n${page.slice(to)}`)
    return
  }
  const written = page.slice(from, to).trim().split('\n')
  expect(written.length).toBe(table.length)
  for (const [row, line] of table.entries()) {
    const cells = line.split(' | ')
    const old = (written[row] ?? '').split(' | ')
    expect(old.length).toBe(cells.length)
    for (const [at, cell] of cells.entries()) {
      const difference = Math.abs(Number.parseInt(cell, 10) - Number.parseInt(old[at] ?? '', 10))
      if (Number.isNaN(difference)) expect(old[at]).toBe(cell)
      else expect(difference).toBeLessThanOrEqual(TOLERANCE_BYTES)
    }
  }
})
