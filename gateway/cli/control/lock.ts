/** `modelgate lock`, `unlock` and `drill`: access taken away at once, given back, and tried. */
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '../../domain/clock.ts'
import { GatewayError } from '../../domain/errors.ts'
import { ACTIONS } from '../../domain/vocabulary.ts'
import { EXIT } from '../io.ts'
import type { Paint } from '../output/paint.ts'
import { listOption, textOption } from '../report.ts'
import {
  allItems,
  controlVerb,
  given,
  neededOption,
  onlyArgument,
  segment,
  type Shown,
} from './control-verb.ts'
import { documentsIn, textIn, textsIn, type Document } from './document.ts'
import type { OptionValues } from '../verb.ts'
import { TARGET_FIELDS, TARGET_KINDS, TARGET_OPTIONS, targetOf } from './lock-target.ts'
import { changeOne } from './named-things.ts'
import { fieldsText, tableText, type Column } from './table.ts'
import { reasonOption } from './reason-option.ts'
import { LOCK_STATUSES } from './words.ts'

const LOCKS = { path: '/v1/locks', name: 'lock; `modelgate lock list` shows them' } as const

/** `lock` */
export const lock = controlVerb({
  options: {
    ...TARGET_OPTIONS,
    action: {
      type: 'string',
      value: 'ACTION',
      multiple: true,
      words: ACTIONS,
      help: 'only this action (repeatable; default: all of them)',
    },
    ttl: { type: 'string', value: 'TIME', help: 'how long: 30m, 8h (default: until it is lifted)' },
    reason: reasonOption('why; the one who is locked is not told'),
  },
  fields: { ...TARGET_FIELDS, actions: 'action' },
  examples: [
    'modelgate lock --user user:corp/mallory --reason "credentials on a paste site, INC-12"',
    'modelgate lock --version fraud@3 --ttl 8h --reason "poisoned data"',
    'modelgate lock --user user:corp/bob --issued-before now --reason "laptop stolen"',
    'modelgate lock --all --action export --reason "INC-12, until we know more"',
  ],
  async show({ call, options }) {
    const body = given({
      target: targetOf(options, () => systemClock.now()),
      actions: listOption(options, 'action'),
      ttl: textOption(options, 'ttl'),
      reason: neededOption(options, 'reason', 'say why; it is recorded'),
    })
    return one((await call({ method: 'POST', path: LOCKS.path, body })).document)
  },
})

/** `lock list` */
export const lockList = controlVerb({
  options: {
    status: {
      type: 'string',
      value: 'STATUS',
      words: LOCK_STATUSES,
      help: 'active, expired or lifted (default active)',
    },
    kind: {
      type: 'string',
      value: 'KIND',
      words: TARGET_KINDS,
      help: 'only those on: user, model, token, issued-before, …',
    },
    target: { type: 'string', value: 'ID', help: 'only those on this' },
  },
  examples: ['modelgate lock list', 'modelgate lock list --kind user --format json'],
  async show({ call, options }) {
    const items = await allItems(call, LOCKS.path, {
      status: textOption(options, 'status', 'active'),
      kind: textOption(options, 'kind'),
      target: textOption(options, 'target'),
    })
    return {
      document: { items },
      text: (paint) => tableText(items, LOCK_COLUMNS, { paint, none: 'No locks.' }),
    }
  },
})

/** `unlock` */
export const unlock = controlVerb({
  positionals: 'ID',
  options: { reason: reasonOption('why it can be lifted') },
  examples: ['modelgate unlock lock-… --reason "new credentials, INC-12 closed"'],
  async show(use) {
    const body = { reason: neededOption(use.options, 'reason', 'say why; it is recorded') }
    return one(await changeOne(use, LOCKS, { what: 'lift', body }))
  },
})

/** Between two looks at a drill. */
const LOOK_MS = 100

/** `drill` */
export const drill = controlVerb({
  positionals: '[ID]',
  options: {
    wait: { type: 'string', value: 'SECONDS', help: 'how long to wait for reports (default 10)' },
  },
  examples: [
    'modelgate drill',
    'modelgate drill --wait 30 --format json',
    'modelgate drill drill-…',
  ],
  async show({ call, options, positionals }) {
    waitMs(options)
    const known = positionals.length === 0 ? undefined : onlyArgument(positionals, 'one id')
    const begun =
      known ??
      textIn((await call({ method: 'POST', path: '/v1/drills', body: {} })).document, 'id') ??
      ''
    const path = `/v1/drills/${segment(begun)}`
    const deadline = systemClock.monotonicMs() + waitMs(options)
    let document = (await call({ method: 'GET', path })).document
    while (textIn(document, 'state') === 'running' && systemClock.monotonicMs() < deadline) {
      await pause(LOOK_MS)
      document = (await call({ method: 'GET', path })).document
    }
    const code = textIn(document, 'state') === 'passed' ? EXIT.ok : EXIT.failed
    return { document, code, text: (paint) => drillText(document, paint) }
  },
})

/** Before anything is begun. @throws ERR_USAGE when it is no number of seconds */
function waitMs(options: OptionValues): number {
  const text = textOption(options, 'wait', '10')
  if (/^\d{1,4}$/.test(text)) return Number(text) * 1_000
  throw new GatewayError('ERR_USAGE', '--wait takes whole seconds, at most 9999')
}

const LOCK_COLUMNS: readonly Column<Document>[] = [
  { head: 'LOCK', cell: (one) => textIn(one, 'id') },
  { head: 'ON', cell: targetText },
  { head: 'ACTIONS', cell: (one) => textsIn(one, 'actions').join('+') || 'all' },
  { head: 'SINCE', cell: (one) => textIn(one, 'at') },
  { head: 'UNTIL', cell: (one) => textIn(one, 'expires_at') ?? 'it is lifted' },
  { head: 'BY', cell: (one) => textIn(one, 'by') },
  { head: 'WHY', cell: (one) => textIn(one, 'reason') },
]

function targetText(one: Document): string {
  const name = ['target.cidr', 'target.subject', 'target.id']
    .map((path) => textIn(one, path))
    .find((text) => text !== undefined)
  const issuer = textIn(one, 'target.issuer')
  const before = textIn(one, 'target.before')
  return [
    textIn(one, 'target.kind') ?? '',
    ...(issuer === undefined ? [] : [issuer]),
    ...(name === undefined ? [] : [name]),
    ...(before === undefined ? [] : [before]),
  ].join(' ')
}

function one(document: Document): Shown {
  const askedBy = textIn(document, 'lift_asked.by')
  const isLifted = textIn(document, 'status') === 'lifted'
  const waits =
    askedBy === undefined || isLifted ? undefined : `${askedBy}; a second person must agree`
  return {
    document,
    text: (paint) =>
      fieldsText(
        [
          ['lock', textIn(document, 'id')],
          ['status', textIn(document, 'status')],
          ['on', targetText(document)],
          ['actions', textsIn(document, 'actions').join(', ')],
          ['until', textIn(document, 'expires_at')],
          ['by', textIn(document, 'by')],
          ['why', textIn(document, 'reason')],
          ['lift asked by', waits],
          ['lifted by', textsIn(document, 'lifted.by').join(', ')],
          ['warning', textIn(document, 'warning')],
        ],
        paint,
      ),
  }
}

function drillText(document: Document, paint: Paint): string {
  const state = textIn(document, 'state') ?? ''
  const colour = state === 'passed' ? paint.green : paint.red
  const missing = documentsIn(document, 'missing').map((one) => textIn(one, 'name') ?? '')
  const silent = missing.length === 0 ? '' : `No report from ${missing.join(', ')}\n`
  const rows = tableText(documentsIn(document, 'reports'), REPORT_COLUMNS, {
    paint,
    none: 'No reports.',
  })
  return `${colour(`${textIn(document, 'id') ?? 'The drill'} ${state}`)}\n${rows}${silent}`
}

const REPORT_COLUMNS: readonly Column<Document>[] = [
  { head: 'REPLICA', cell: (one) => textIn(one, 'name') },
  { head: 'OK', cell: (one) => (textIn(one, 'ok') === 'true' ? 'yes' : 'NO') },
  { head: 'REFUSED AFTER', cell: (one) => `${textIn(one, 'refused_ms') ?? '?'} ms` },
  { head: 'STREAM ENDED AFTER', cell: (one) => `${textIn(one, 'cut_ms') ?? '?'} ms` },
  { head: '', cell: (one) => textIn(one, 'detail') },
]
