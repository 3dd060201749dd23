/** What `request create` sends, from its options. */
import { GatewayError } from '../../domain/errors.ts'
import { ACTIONS } from '../../domain/vocabulary.ts'
import { byteSize } from '../../settings/units.ts'
import { listOption, textOption } from '../report.ts'
import type { OptionValues, VerbOption } from '../verb.ts'
import { given, neededOption, type OptionFields } from './control-verb.ts'
import { reasonOption } from './reason-option.ts'

/** Options that say what is asked for. */
export const REQUEST_OPTIONS = {
  action: {
    type: 'string',
    value: 'ACTION',
    multiple: true,
    words: ACTIONS,
    help: 'what is to be done (repeatable)',
  },
  resource: {
    type: 'string',
    value: 'NAME',
    multiple: true,
    help: 'by its whole name: model:fraud@3, dataset:cards (repeatable)',
  },
  for: { type: 'string', value: 'TIME', help: 'how long the grant lives: 30m, 4h, 2d' },
  reason: reasonOption('why it is needed'),
  start: { type: 'string', value: 'TIME', help: 'when it begins (default: on approval)' },
  uses: { type: 'string', value: 'N', help: 'how often it may be used' },
  bytes: { type: 'string', value: 'SIZE', help: 'bytes of all transfers together: 20GiB' },
  digest: { type: 'string', value: 'SHA256', help: 'of the one artifact an export is for' },
  dataset: {
    type: 'string',
    value: 'NAME=SHA256',
    multiple: true,
    help: 'retrain: a dataset and its digest (repeatable)',
  },
  base: { type: 'string', value: 'MODEL', help: 'retrain: model:NAME@VERSION it begins from' },
  into: { type: 'string', value: 'MODEL', help: 'retrain: model:NAME the result is a version of' },
  network: { type: 'string', value: 'CIDR', multiple: true, help: 'only from there (repeatable)' },
  device: { type: 'string', value: 'ID', multiple: true, help: 'only from it (repeatable)' },
  ticket: { type: 'string', value: 'ID', help: 'the ticket, where the rule demands one' },
  risk: { type: 'string', value: 'TEXT', help: 'the risk assessment, where it is demanded' },
  criterion: {
    type: 'string',
    value: 'NAME=TEXT',
    multiple: true,
    help: 'the answer to a criterion (repeatable)',
  },
  'break-glass': {
    type: 'boolean',
    help: 'a sealed grant for emergencies, opened later with: grant open',
  },
} as const satisfies Record<string, VerbOption>

const NARROWED = {
  duration: 'for',
  uses_max: 'uses',
  bytes_max: 'bytes',
  networks: 'network',
  devices: 'device',
} as const

/** Where {@link requestBody} has the options. */
export const REQUEST_FIELDS: OptionFields = {
  ...NARROWED,
  actions: 'action',
  resources: 'resource',
  starts_at: 'start',
  'training.datasets': 'dataset',
  'training.base': 'base',
  'training.destination': 'into',
  justification: 'reason',
  risk_assessment: 'risk',
  criteria: 'criterion',
}

/** Where {@link narrowingOf} has the options, in `narrowing`. */
export const NARROWING_FIELDS: OptionFields = Object.fromEntries(
  Object.entries(NARROWED).map(([field, option]) => [`narrowing.${field}`, option]),
)

/** The body of `POST /v1/requests`. @throws ERR_USAGE */
export function requestBody(options: OptionValues): object {
  const uses = textOption(options, 'uses')
  const bytes = textOption(options, 'bytes')
  const criteria = pairs(options, 'criterion')
  return given({
    kind: options['break-glass'] === true ? 'break-glass' : undefined,
    actions: needed(options, 'action', 'say what is to be done, such as --action export'),
    resources: needed(options, 'resource', 'say on what, such as --resource model:fraud@3'),
    starts_at: textOption(options, 'start'),
    duration: neededOption(options, 'for', 'say for how long, such as --for 4h'),
    uses_max: uses === undefined ? undefined : wholeNumber(uses, 'uses'),
    bytes_max: bytes === undefined ? undefined : sizeOf(bytes),
    digest: textOption(options, 'digest'),
    training: trainingOf(options),
    networks: listOption(options, 'network'),
    devices: listOption(options, 'device'),
    justification: neededOption(options, 'reason', 'say why; who approves reads it'),
    ticket: textOption(options, 'ticket'),
    risk_assessment: textOption(options, 'risk'),
    criteria: criteria.length === 0 ? undefined : Object.fromEntries(criteria),
  })
}

/** What an approver makes less of it. @throws ERR_USAGE */
export function narrowingOf(options: OptionValues): object | undefined {
  const uses = textOption(options, 'uses')
  const bytes = textOption(options, 'bytes')
  const narrowing = given({
    duration: textOption(options, 'for'),
    uses_max: uses === undefined ? undefined : wholeNumber(uses, 'uses'),
    bytes_max: bytes === undefined ? undefined : sizeOf(bytes),
    networks: listOption(options, 'network'),
    devices: listOption(options, 'device'),
  })
  return Object.keys(narrowing).length === 0 ? undefined : narrowing
}

function trainingOf(options: OptionValues): object | undefined {
  const datasets = pairs(options, 'dataset').map(([name, digest]) => ({
    name: name.replace(/^dataset:/, ''),
    digest,
  }))
  const destination = textOption(options, 'into')
  const base = textOption(options, 'base')
  if (datasets.length === 0 && destination === undefined && base === undefined) return undefined
  if (datasets.length === 0 || destination === undefined) {
    throw new GatewayError('ERR_USAGE', 'a retraining needs --dataset NAME=SHA256 and --into MODEL')
  }
  return given({ datasets, base, destination })
}

function needed(options: OptionValues, name: string, why: string): readonly string[] {
  const values = listOption(options, name)
  if (values.length > 0) return values
  throw new GatewayError('ERR_USAGE', `--${name} is missing: ${why}`)
}

function pairs(options: OptionValues, name: string): readonly (readonly [string, string])[] {
  return listOption(options, name).map((text) => {
    const at = text.indexOf('=')
    if (at < 1) throw new GatewayError('ERR_USAGE', `--${name} takes NAME=VALUE, not ${text}`)
    return [text.slice(0, at), text.slice(at + 1)] as const
  })
}

function wholeNumber(text: string, name: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new GatewayError('ERR_USAGE', `--${name} takes a whole number, not ${text}`)
}

function sizeOf(text: string): number {
  const read = byteSize.safeParse(text)
  if (read.success) return read.data
  throw new GatewayError('ERR_USAGE', `--bytes takes a size such as 20GiB, not ${text}`)
}
