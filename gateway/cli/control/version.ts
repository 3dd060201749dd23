/** `modelgate version …`: what came of retrainings, and whether it may be used. */
import { GatewayError } from '../../domain/errors.ts'
import type { Paint } from '../output/paint.ts'
import { textOption } from '../report.ts'
import {
  allItems,
  controlVerb,
  neededOption,
  onlyArgument,
  segment,
  type Shown,
} from './control-verb.ts'
import { textIn, type Document } from './document.ts'
import { fieldsText, tableText, type Column } from './table.ts'
import { reasonOption } from './reason-option.ts'
import { VERSION_STATUSES } from './words.ts'

/** `model:<name>@<version>`, of an argument with or without prefix. @throws ERR_USAGE */
export function versionId(positionals: readonly string[]): string {
  const given = onlyArgument(positionals, 'one version, such as model:fraud@4')
  const id = given.startsWith('model:') ? given : `model:${given}`
  if (/^model:[^@\s]+@[^@\s]+$/u.test(id)) return id
  throw new GatewayError('ERR_USAGE', 'name the model and its version: model:fraud@4')
}

/** Path of a version in the control API. */
export function versionPath(id: string): string {
  return `/v1/versions/${segment(id)}`
}

/** `version list` */
export const versionList = controlVerb({
  options: {
    model: { type: 'string', value: 'NAME', help: 'only versions of this model: model:fraud' },
    status: {
      type: 'string',
      value: 'STATUS',
      words: VERSION_STATUSES,
      help: VERSION_STATUSES.join(', '),
    },
  },
  examples: [
    'modelgate version list --status restricted',
    'modelgate version list --model model:fraud --format json',
  ],
  async show({ call, options }) {
    const model = textOption(options, 'model')
    const items = await allItems(call, '/v1/versions', {
      model: model === undefined || model.startsWith('model:') ? model : `model:${model}`,
      status: textOption(options, 'status'),
    })
    const none = 'No version came of a retraining.'
    return { document: { items }, text: (paint) => tableText(items, COLUMNS, { paint, none }) }
  },
})

/** `version show` */
export const versionShow = controlVerb({
  positionals: 'MODEL@VERSION',
  options: {},
  examples: ['modelgate version show model:fraud@4'],
  async show({ call, positionals }) {
    const path = versionPath(versionId(positionals))
    return one((await call({ method: 'GET', path })).document)
  },
})

/** `version release` */
export const versionRelease = controlVerb({
  positionals: 'MODEL@VERSION',
  options: { reason: reasonOption('why it may be used') },
  examples: ['modelgate version release model:fraud@4 --reason "evaluated, EVAL-31"'],
  async show({ call, options, positionals }) {
    const path = `${versionPath(versionId(positionals))}/release`
    const body = { reason: neededOption(options, 'reason', 'say why it may be used') }
    return one((await call({ method: 'POST', path, body })).document)
  },
})

function one(document: Document): Shown {
  return { document, text: (paint) => versionText(document, paint) }
}

function versionText(version: Document, paint: Paint): string {
  return fieldsText(
    [
      ['version', textIn(version, 'id')],
      ['status', textIn(version, 'status')],
      ['registered', textIn(version, 'registered_at')],
      ['registered by', textIn(version, 'registered_by')],
      ['training', textIn(version, 'run') ?? 'one of several'],
      ['released', textIn(version, 'released.at')],
      ['released by', textIn(version, 'released.by')],
      ['reason', textIn(version, 'released.reason')],
    ],
    paint,
  )
}

const COLUMNS: readonly Column<Document>[] = [
  { head: 'VERSION', cell: (version) => textIn(version, 'id') },
  { head: 'STATUS', cell: (version) => textIn(version, 'status') },
  { head: 'REGISTERED', cell: (version) => textIn(version, 'registered_at') },
  { head: 'BY', cell: (version) => textIn(version, 'registered_by') },
  { head: 'TRAINING', cell: (version) => textIn(version, 'run') ?? 'one of several' },
]
