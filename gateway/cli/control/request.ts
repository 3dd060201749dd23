/** `modelgate request …`: extra privilege asked for, agreed to or refused. */
import { textOption } from '../report.ts'
import { controlVerb, given, neededOption, type ControlUse, type Shown } from './control-verb.ts'
import { textIn, type Document } from './document.ts'
import { changeOne, getOne, listVerb } from './named-things.ts'
import {
  narrowingOf,
  NARROWING_FIELDS,
  REQUEST_FIELDS,
  REQUEST_OPTIONS,
  requestBody,
} from './request-body.ts'
import { requestTable, requestText } from './request-text.ts'
import { reasonOption } from './reason-option.ts'
import { REQUEST_STATUSES } from './words.ts'

const REQUESTS = { path: '/v1/requests', name: 'request' } as const

/** `request create` */
export const requestCreate = controlVerb({
  options: REQUEST_OPTIONS,
  fields: REQUEST_FIELDS,
  examples: [
    'modelgate request create --action export --resource model:fraud@3 --for 4h --uses 1 --reason "audit of Q3"',
    'modelgate request create --action retrain --resource model:fraud --for 8h --dataset cards=sha256:… --into model:fraud --reason "drift"',
    'modelgate request create --break-glass --action deploy --resource model:fraud --for 1h --reason "on call"',
  ],
  async show({ call, options }) {
    const { document } = await call({
      method: 'POST',
      path: REQUESTS.path,
      body: requestBody(options),
    })
    return one(document)
  },
})

/** `request list` */
export const requestList = listVerb(REQUESTS, {
  statuses: REQUEST_STATUSES,
  mine: 'only those that you made',
  examples: ['modelgate request list --status pending', 'modelgate request list --mine'],
  table: requestTable,
})

/** `request show` */
export const requestShow = controlVerb({
  positionals: 'ID',
  options: {},
  examples: ['modelgate request show req-…', 'modelgate request show req-… --format json'],
  show: async (use) => one(await getOne(use, REQUESTS)),
})

/** `request approve` */
export const requestApprove = controlVerb({
  positionals: 'ID',
  options: {
    digest: {
      type: 'string',
      value: 'SHA256',
      help: 'digest of the request as you saw it: what your word is on',
    },
    comment: { type: 'string', value: 'TEXT', help: 'for whoever looks at it later' },
    for: { type: 'string', value: 'TIME', help: 'let the grant live no longer than this' },
    uses: { type: 'string', value: 'N', help: 'let it be used no more often than this' },
    bytes: { type: 'string', value: 'SIZE', help: 'let no more bytes pass than this' },
    network: {
      type: 'string',
      value: 'CIDR',
      multiple: true,
      help: 'only from there (repeatable)',
    },
    device: { type: 'string', value: 'ID', multiple: true, help: 'only from it (repeatable)' },
  },
  fields: NARROWING_FIELDS,
  examples: [
    'modelgate request approve req-… --digest sha256:…',
    'modelgate request approve req-… --digest sha256:… --for 1h --comment "as agreed"',
  ],
  async show(use) {
    const digest = neededOption(use.options, 'digest', DIGEST_WHY)
    const comment = textOption(use.options, 'comment')
    return said(use, 'approve', given({ digest, comment, narrowing: narrowingOf(use.options) }))
  },
})

const DIGEST_WHY =
  'look at the request with `modelgate request show`, and repeat the digest that is shown there'

/** `request deny` */
export const requestDeny = controlVerb({
  positionals: 'ID',
  options: {
    digest: { type: 'string', value: 'SHA256', help: 'digest of the request as you saw it' },
    reason: reasonOption('why not'),
  },
  fields: { comment: 'reason' },
  examples: ['modelgate request deny req-… --digest sha256:… --reason "not without a ticket"'],
  async show(use) {
    const digest = neededOption(use.options, 'digest', DIGEST_WHY)
    const comment = neededOption(use.options, 'reason', 'say why; who asked reads it')
    return said(use, 'deny', { digest, comment })
  },
})

/** `request cancel` */
export const requestCancel = controlVerb({
  positionals: 'ID',
  options: { reason: reasonOption('why it is not needed any more') },
  examples: ['modelgate request cancel req-… --reason "found another way"'],
  async show(use) {
    return said(use, 'cancel', { reason: neededOption(use.options, 'reason', 'say why') })
  },
})

async function said(use: ControlUse, what: string, body: object): Promise<Shown> {
  return one(await changeOne(use, REQUESTS, { what, body }))
}

function one(document: Document): Shown {
  return {
    document,
    text: (paint) => {
      const grant = textIn(document, 'grant')
      const use =
        grant === undefined ? '' : `\nUse it with the header X-Modelgate-Grant: ${grant}\n`
      return `${requestText(document, paint)}${use}`
    },
  }
}
