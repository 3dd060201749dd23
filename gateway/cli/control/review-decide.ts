/** `modelgate review certify`, `revoke` and `delegate`: what becomes of one line. */
import { GatewayError } from '../../domain/errors.ts'
import { textOption } from '../report.ts'
import type { Verb } from '../verb.ts'
import { controlVerb, given, neededOption, segment, type Shown } from './control-verb.ts'
import { textIn, type Document } from './document.ts'
import { reviewPath } from './review-scope.ts'
import { fieldsText } from './table.ts'

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

function linePath(positionals: readonly string[]): string {
  const [id, number, ...more] = positionals
  if (id === undefined || number === undefined || more.length > 0) {
    throw new GatewayError('ERR_USAGE', 'expected the id of a review and the number of a line')
  }
  return `${reviewPath([id])}/lines/${segment(number)}`
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
          ['warning', textIn(document, 'warning')],
        ],
        paint,
      ),
  }
}
