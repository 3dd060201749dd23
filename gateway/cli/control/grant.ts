/** `modelgate grant …`: grants that came of requests. */
import { controlVerb, neededOption, type ControlUse, type Shown } from './control-verb.ts'
import type { Document } from './document.ts'
import { changeOne, getOne, listVerb } from './named-things.ts'
import { grantTable, grantText } from './request-text.ts'
import { reasonOption } from './reason-option.ts'
import { GRANT_STATUSES } from './words.ts'

const GRANTS = { path: '/v1/grants', name: 'grant' } as const

/** `grant list` */
export const grantList = listVerb(GRANTS, {
  statuses: GRANT_STATUSES,
  mine: 'only those that you hold',
  examples: ['modelgate grant list --status active', 'modelgate grant list --mine --format json'],
  table: grantTable,
})

/** `grant show` */
export const grantShow = controlVerb({
  positionals: 'ID',
  options: {},
  examples: ['modelgate grant show grant-…'],
  show: async (use) => one(await getOne(use, GRANTS)),
})

/** `grant revoke` */
export const grantRevoke = controlVerb({
  positionals: 'ID',
  options: { reason: reasonOption('why it is taken back') },
  examples: ['modelgate grant revoke grant-… --reason "the audit is over"'],
  show: (use) => changed(use, 'revoke', { reason: neededOption(use.options, 'reason', 'say why') }),
})

/** `grant open` */
export const grantOpen = controlVerb({
  positionals: 'ID',
  options: { reason: reasonOption('what the emergency is') },
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
  return one(await changeOne(use, GRANTS, { what, body }))
}

function one(document: Document): Shown {
  return { document, text: (paint) => grantText(document, paint) }
}
