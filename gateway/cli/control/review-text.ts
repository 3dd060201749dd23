/** Reviews and their lines for people. */
import type { Paint } from '../output/paint.ts'
import { textIn, textsIn, type Document } from './document.ts'
import { fieldsText, tableText, type Column } from './table.ts'

/** One review, how much of it is decided, and what was warned of. */
export function reviewText(one: Document, paint: Paint, warning?: string): string {
  const counts = ['open', 'certified', 'revoked', 'lapsed', 'abandoned']
    .map((name) => `${textIn(one, `counts.${name}`) ?? '0'} ${name}`)
    .join(', ')
  return fieldsText(
    [
      ['review', textIn(one, 'id')],
      ['title', textIn(one, 'title')],
      ['status', textIn(one, 'status')],
      ['due', textIn(one, 'due_at')],
      ['lines', counts],
      ['rules', textIn(one, 'revision')],
      ['warning', warning],
    ],
    paint,
  )
}

/** A list of reviews. */
export function reviewTable(items: readonly Document[], paint: Paint): string {
  return tableText(items, REVIEW_COLUMNS, { paint, none: 'No reviews.' })
}

const REVIEW_COLUMNS: readonly Column<Document>[] = [
  { head: 'REVIEW', cell: (one) => textIn(one, 'id') },
  { head: 'STATUS', cell: (one) => textIn(one, 'status') },
  { head: 'OPEN', cell: (one) => textIn(one, 'counts.open') },
  { head: 'DUE', cell: (one) => textIn(one, 'due_at') },
  { head: 'TITLE', cell: (one) => textIn(one, 'title') },
]

/** The lines of a review. */
export function lineTable(lines: readonly Document[], paint: Paint): string {
  return tableText(lines, LINE_COLUMNS, { paint, none: 'No lines.' })
}

const LINE_COLUMNS: readonly Column<Document>[] = [
  { head: 'LINE', cell: (one) => textIn(one, 'id') },
  { head: 'STATUS', cell: (one) => textIn(one, 'status') },
  { head: 'HOLDER', cell: (one) => textIn(one, 'holder') },
  { head: 'ACTIONS', cell: (one) => textsIn(one, 'actions').join('+') },
  { head: 'RESOURCES', cell: (one) => textsIn(one, 'resources').join(' ') },
  { head: 'LAST USE', cell: (one) => textIn(one, 'last_used_at') ?? 'never' },
  { head: 'GHOST', cell: (one) => (textIn(one, 'ghost') === 'true' ? 'yes' : '') },
  { head: 'SOURCE', cell: (one) => textIn(one, 'source') },
]
