/** `modelgate review …`: somebody looks at every privilege there is, and says whether it stays. */
import { GatewayError } from '../../domain/errors.ts'
import { systemClock } from '../../domain/clock.ts'
import { plainLines } from '../../domain/plain-text.ts'
import { instantIn } from '../instant.ts'
import { EXIT, type CliIo } from '../io.ts'
import type { Paint } from '../output/paint.ts'
import { formatOf, textOption } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { CONTROL_OPTIONS, controlClient } from './client.ts'
import {
  allItems,
  controlVerb,
  given,
  neededOption,
  onlyArgument,
  segment,
  type Shown,
} from './control-verb.ts'
import { isDocument, textIn, textsIn, type Document } from './document.ts'
import { fieldsText, tableText, type Column } from './table.ts'

/** What of the privileges. */
const SCOPE_OPTIONS = {
  resource: { type: 'string', value: 'NAME', help: 'only what reaches it: model:fraud' },
  action: { type: 'string', value: 'ACTION', help: 'only what gives this' },
  holder: { type: 'string', value: 'NAME', help: 'only what this one has: group:auditors' },
} as const

/** `review start` */
export const reviewStart = controlVerb({
  options: {
    ...SCOPE_OPTIONS,
    title: { type: 'string', value: 'TEXT', help: 'what it is called' },
    due: {
      type: 'string',
      value: 'TIME',
      help: 'what nobody has decided by then is taken away: 30d, or a time',
    },
    kind: { type: 'string', value: 'KIND', help: 'only standing privileges, or only grants' },
    assignee: { type: 'string', value: 'NAME', help: 'who is to decide' },
  },
  examples: [
    'modelgate review start --title "Q4" --due 30d',
    'modelgate review start --title "who exports" --due 2026-12-31T18:00:00Z --action export',
  ],
  async show({ call, options }) {
    const scope = given({
      resource: textOption(options, 'resource'),
      action: textOption(options, 'action'),
      holder: textOption(options, 'holder'),
      kind: textOption(options, 'kind'),
    })
    const body = given({
      title: neededOption(options, 'title', 'say what it is called'),
      due_at: dueAt(options),
      scope: Object.keys(scope).length === 0 ? undefined : scope,
      assignee: textOption(options, 'assignee'),
    })
    const { document } = await call({ method: 'POST', path: '/v1/reviews', body })
    const review = document['review']
    return {
      document,
      text: (paint) =>
        isDocument(review)
          ? reviewText(review, paint)
          : 'There is nothing to review; no review was started.\n',
    }
  },
})

function dueAt(options: OptionValues): string {
  const text = neededOption(options, 'due', 'say until when, such as --due 30d')
  const days = /^([1-9]\d{0,2})d$/.exec(text)?.[1]
  if (days === undefined) return new Date(instantIn(text, '--due', ', or days: 30d')).toISOString()
  return new Date(systemClock.now() + Number(days) * 86_400_000).toISOString()
}

/** `review list` */
export const reviewList = controlVerb({
  options: {},
  examples: ['modelgate review list'],
  async show({ call }) {
    const items = await allItems(call, '/v1/reviews', {})
    return {
      document: { items },
      text: (paint) => tableText(items, REVIEW_COLUMNS, { paint, none: 'No reviews.' }),
    }
  },
})

/** `review show` */
export const reviewShow = controlVerb({
  positionals: 'ID',
  options: {
    status: {
      type: 'string',
      value: 'STATUS',
      help: 'only lines that are open, certified, revoked, lapsed or abandoned',
    },
    assignee: { type: 'string', value: 'NAME', help: 'only lines that this one is to decide' },
  },
  examples: ['modelgate review show review-… --status open'],
  async show({ call, options, positionals }) {
    const path = reviewPath(onlyArgument(positionals, 'the id of one review'))
    const { document } = await call({ method: 'GET', path })
    const lines = await allItems(call, `${path}/lines`, {
      status: textOption(options, 'status'),
      assignee: textOption(options, 'assignee'),
      order: 'oldest',
    })
    return {
      document: { ...document, lines },
      text: (paint) => {
        const table = tableText(lines, LINE_COLUMNS, { paint, none: 'No lines.' })
        return `${reviewText(document, paint)}\n${table}`
      },
    }
  },
})

/** `review certify` */
export const reviewCertify = decision('certify', 'why it stays')

/** `review revoke` */
export const reviewRevoke = decision('revoke', 'why it goes')

function decision(verdict: 'certify' | 'revoke', why: string): Verb {
  return controlVerb({
    positionals: 'ID LINE',
    options: { comment: { type: 'string', value: 'TEXT', help: why } },
    examples: [`modelgate review ${verdict} review-… 12`],
    async show({ call, options, positionals }) {
      const body = given({ comment: textOption(options, 'comment') })
      const path = `${linePath(positionals)}/${verdict}`
      return line((await call({ method: 'POST', path, body })).document)
    },
  })
}

/** `review delegate` */
export const reviewDelegate = controlVerb({
  positionals: 'ID LINE',
  options: { to: { type: 'string', value: 'NAME', help: 'who is to decide: user:…, group:…' } },
  examples: ['modelgate review delegate review-… 12 --to group:model-owners'],
  async show({ call, options, positionals }) {
    const body = { to: neededOption(options, 'to', 'say who is to decide') }
    const path = `${linePath(positionals)}/delegate`
    return line((await call({ method: 'POST', path, body })).document)
  },
})

/** `review close` */
export const reviewClose = controlVerb({
  positionals: 'ID',
  options: {},
  examples: ['modelgate review close review-…'],
  async show({ call, positionals }) {
    const path = `${reviewPath(onlyArgument(positionals, 'the id of one review'))}/close`
    const { document } = await call({ method: 'POST', path, body: {} })
    return { document, text: (paint) => reviewText(document, paint) }
  },
})

/** `review export` */
export const reviewExport: Verb = {
  positionals: 'ID',
  options: CONTROL_OPTIONS,
  formats: ['markdown', 'json', 'csv'],
  examples: [
    'modelgate review export review-… > review.md',
    'modelgate review export review-… --format csv > review.csv',
  ],
  async run(options, positionals, io: CliIo) {
    const call = await controlClient(options, io)
    const format = formatOf(options)
    const path = `${reviewPath(onlyArgument(positionals, 'the id of one review'))}/export`
    const asked = format === 'json' ? path : `${path}.${format === 'csv' ? 'csv' : 'md'}`
    const { document } = await call({ method: 'GET', path: asked })
    const text = textIn(document, 'text')
    io.out(plainLines(text ?? `${JSON.stringify(document, null, 2)}\n`))
    return EXIT.ok
  },
}

/** `who-has` */
export const whoHas = controlVerb({
  positionals: '[RESOURCE]',
  options: { action: SCOPE_OPTIONS.action, holder: SCOPE_OPTIONS.holder },
  examples: [
    'modelgate who-has model:fraud --action export',
    'modelgate who-has --holder group:auditors --format json',
  ],
  async show({ call, options, positionals }) {
    const [resource] = positionals
    if (positionals.length > 1) throw new GatewayError('ERR_USAGE', 'expected one resource')
    const asked = { resource, action: textOption(options, 'action') }
    const items = await allItems(call, '/v1/privileges', {
      ...asked,
      holder: textOption(options, 'holder'),
    })
    const none = 'Nobody.'
    return {
      document: { items },
      text: (paint) => tableText(items, PRIVILEGE_COLUMNS, { paint, none }),
    }
  },
})

function reviewPath(id: string): string {
  return `/v1/reviews/${segment(id)}`
}

function linePath(positionals: readonly string[]): string {
  const [id, number, ...more] = positionals
  if (id === undefined || number === undefined || more.length > 0) {
    throw new GatewayError('ERR_USAGE', 'expected the id of a review and the number of a line')
  }
  return `${reviewPath(id)}/lines/${segment(number)}`
}

function reviewText(one: Document, paint: Paint): string {
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
    ],
    paint,
  )
}

function line(document: Document): Shown {
  return {
    document,
    text: (paint) =>
      fieldsText(
        [
          ['line', textIn(document, 'id')],
          ['status', textIn(document, 'status')],
          ['holder', textIn(document, 'holder')],
          ['privilege', textIn(document, 'privilege')],
          ['to be decided by', textIn(document, 'assignee')],
          ['decided by', textIn(document, 'decision.by')],
        ],
        paint,
      ),
  }
}

const REVIEW_COLUMNS: readonly Column<Document>[] = [
  { head: 'REVIEW', cell: (one) => textIn(one, 'id') },
  { head: 'STATUS', cell: (one) => textIn(one, 'status') },
  { head: 'OPEN', cell: (one) => textIn(one, 'counts.open') },
  { head: 'DUE', cell: (one) => textIn(one, 'due_at') },
  { head: 'TITLE', cell: (one) => textIn(one, 'title') },
]

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

const PRIVILEGE_COLUMNS: readonly Column<Document>[] = [
  { head: 'HOLDER', cell: (one) => textIn(one, 'holder') },
  { head: 'ACTIONS', cell: (one) => textsIn(one, 'actions').join('+') },
  { head: 'RESOURCES', cell: (one) => textsIn(one, 'resources').join(' ') },
  { head: 'BY', cell: (one) => `${textIn(one, 'by') ?? ''} ${textIn(one, 'source') ?? ''}` },
  { head: 'ENDS', cell: (one) => textIn(one, 'expires_at') ?? '' },
  { head: 'LAST USE', cell: (one) => textIn(one, 'last_used_at') ?? 'never' },
]
