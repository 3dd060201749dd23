/** `modelgate who-has`: who has what, by a rule, by a grant, by a request that is open. */
import { GatewayError } from '../../domain/errors.ts'
import { textOption } from '../report.ts'
import { allItems, controlVerb } from './control-verb.ts'
import { textIn, textsIn, type Document } from './document.ts'
import { SCOPE_OPTIONS } from './review-scope.ts'
import { tableText, type Column } from './table.ts'

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

const PRIVILEGE_COLUMNS: readonly Column<Document>[] = [
  { head: 'HOLDER', cell: (one) => textIn(one, 'holder') },
  { head: 'ACTIONS', cell: (one) => textsIn(one, 'actions').join('+') },
  { head: 'RESOURCES', cell: (one) => textsIn(one, 'resources').join(' ') },
  { head: 'BY', cell: (one) => `${textIn(one, 'by') ?? ''} ${textIn(one, 'source') ?? ''}` },
  { head: 'ENDS', cell: (one) => textIn(one, 'expires_at') ?? '' },
  { head: 'LAST USE', cell: (one) => textIn(one, 'last_used_at') ?? 'never' },
]
