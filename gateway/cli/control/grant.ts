/** `modelgate grant …`: grants that came of requests. */
import { textOption } from '../report.ts'
import {
  allItems,
  controlVerb,
  neededOption,
  onlyArgument,
  segment,
  type ControlUse,
  type Shown,
} from './control-verb.ts'
import type { Document } from './document.ts'
import { grantTable, grantText } from './request-text.ts'

/** `grant list` */
export const grantList = controlVerb({
  options: {
    status: { type: 'string', value: 'STATUS', help: 'sealed, waiting, active, expired, revoked' },
    mine: { type: 'boolean', help: 'only those that you hold' },
    model: { type: 'string', value: 'NAME', help: 'only those for this model' },
  },
  examples: ['modelgate grant list --status active', 'modelgate grant list --mine --format json'],
  async show({ call, options }) {
    const items = await allItems(call, '/v1/grants', {
      status: textOption(options, 'status'),
      mine: options['mine'] === true ? 'true' : undefined,
      model: textOption(options, 'model'),
    })
    return { document: { items }, text: (paint) => grantTable(items, paint) }
  },
})

/** `grant show` */
export const grantShow = controlVerb({
  positionals: 'ID',
  options: {},
  examples: ['modelgate grant show grant-…'],
  async show({ call, positionals }) {
    const id = onlyArgument(positionals, 'the id of one grant')
    return one((await call({ method: 'GET', path: `/v1/grants/${segment(id)}` })).document)
  },
})

/** `grant revoke` */
export const grantRevoke = controlVerb({
  positionals: 'ID',
  options: { reason: { type: 'string', value: 'TEXT', help: 'why it is taken back' } },
  examples: ['modelgate grant revoke grant-… --reason "the audit is over"'],
  show: (use) => changed(use, 'revoke', { reason: neededOption(use.options, 'reason', 'say why') }),
})

/** `grant open` */
export const grantOpen = controlVerb({
  positionals: 'ID',
  options: { reason: { type: 'string', value: 'TEXT', help: 'what the emergency is' } },
  examples: ['modelgate grant open grant-… --reason "fraud model answers nonsense, INC-12"'],
  show: (use) => changed(use, 'open', { reason: neededOption(use.options, 'reason', 'say why') }),
})

/** `grant review` */
export const grantReview = controlVerb({
  positionals: 'ID',
  options: { findings: { type: 'string', value: 'TEXT', help: 'what was found' } },
  examples: ['modelgate grant review grant-… --findings "used as agreed, version 4 rolled back"'],
  show: (use) => {
    const findings = neededOption(use.options, 'findings', 'say what was found')
    return changed(use, 'review', { findings })
  },
})

async function changed(use: ControlUse, what: string, body: object): Promise<Shown> {
  const id = onlyArgument(use.positionals, 'the id of one grant')
  const path = `/v1/grants/${segment(id)}/${what}`
  return one((await use.call({ method: 'POST', path, body })).document)
}

function one(document: Document): Shown {
  return { document, text: (paint) => grantText(document, paint) }
}
