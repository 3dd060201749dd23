/** `modelgate review …`: somebody looks at every privilege there is, and says whether it stays. */
import { systemClock } from '../../domain/clock.ts'
import { plainLines } from '../../domain/plain-text.ts'
import { instantIn } from '../instant.ts'
import { EXIT, type CliIo } from '../io.ts'
import { formatOf, textOption } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { CONTROL_OPTIONS, controlClient } from './client.ts'
import { allItems, controlVerb, given, neededOption } from './control-verb.ts'
import { isDocument, textIn } from './document.ts'
import { lineTable, reviewTable, reviewText } from './review-text.ts'
import { reviewPath, SCOPE_OPTIONS } from './review-scope.ts'
import { LINE_STATUSES, PRIVILEGE_KINDS } from './words.ts'

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
    kind: {
      type: 'string',
      value: 'KIND',
      words: PRIVILEGE_KINDS,
      help: 'only standing privileges (standing), or only grants (grant)',
    },
    assignee: { type: 'string', value: 'NAME', help: 'who is to decide' },
  },
  fields: {
    due_at: 'due',
    'scope.resource': 'resource',
    'scope.action': 'action',
    'scope.holder': 'holder',
    'scope.kind': 'kind',
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
          ? reviewText(review, paint, textIn(document, 'warning'))
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
    return { document: { items }, text: (paint) => reviewTable(items, paint) }
  },
})

/** `review show` */
export const reviewShow = controlVerb({
  positionals: 'ID',
  options: {
    status: {
      type: 'string',
      value: 'STATUS',
      words: LINE_STATUSES,
      help: 'only lines that are open, certified, revoked, lapsed or abandoned',
    },
    assignee: { type: 'string', value: 'NAME', help: 'only lines that this one is to decide' },
  },
  examples: ['modelgate review show review-… --status open'],
  async show({ call, options, positionals }) {
    const path = reviewPath(positionals)
    const { document } = await call({ method: 'GET', path })
    const lines = await allItems(call, `${path}/lines`, {
      status: textOption(options, 'status'),
      assignee: textOption(options, 'assignee'),
      order: 'oldest',
    })
    return {
      document: { ...document, lines },
      text: (paint) => `${reviewText(document, paint)}\n${lineTable(lines, paint)}`,
    }
  },
})

/** `review close` */
export const reviewClose = controlVerb({
  positionals: 'ID',
  options: {},
  examples: ['modelgate review close review-…'],
  async show({ call, positionals }) {
    const path = `${reviewPath(positionals)}/close`
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
    const path = `${reviewPath(positionals)}/export`
    const asked = format === 'json' ? path : `${path}.${format === 'csv' ? 'csv' : 'md'}`
    const asText = format !== 'json'
    const { document } = await call({ method: 'GET', path: asked, asText })
    const text = asText
      ? (textIn(document, 'text') ?? '')
      : `${JSON.stringify(document, null, 2)}\n`
    // Lines of CSV end as RFC 4180 wants it, and stay so.
    io.out(text.split('\r\n').map(plainLines).join('\r\n'))
    return EXIT.ok
  },
}
