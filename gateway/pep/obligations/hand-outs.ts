/** What an answer of a caller without `export` may not hand out, besides the weights themselves. */
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { replaceErrors } from '../../egress/guard/error-answers.ts'
import { maskLinks, maskPolicyOf } from '../../egress/links/masked-response.ts'
import { established, type Exchange } from '../exchange.ts'
import { labelsOf } from '../labels.ts'
import type { Services } from '../runtime.ts'
import { upstreamError } from '../upstream-error.ts'

/** Whether the request itself was permitted as `export`: its answer is what was asked for. */
export function isExport({ decisions }: Exchange): boolean {
  return established(decisions, 'decisions').some(({ action }) => action === 'export')
}

/** A part of an object is asked for: the answer would hide the object's first bytes. */
export function refusePart(exchange: Exchange): Refusal | undefined {
  const { method, route } = established(exchange.admitted, 'admitted')
  const query = route?.target.query
  if (query === undefined || (method !== 'GET' && method !== 'HEAD')) return undefined
  if (!PART.test(query) || isExport(exchange)) return undefined
  return refuse('parameter_refused', { detail: 'A part of an object is given to an export alone.' })
}

/** `partNumber`, whichever of its letters are percent-encoded; fixed length, linear. */
const PART = new RegExp(
  `(?:^|&)${Array.from('partNumber', (one) => encodings(one)).join('')}(?:=|&|$)`,
  'i',
)

function encodings(letter: string): string {
  const codes = [letter.toLowerCase(), letter.toUpperCase()].map((one) =>
    one.charCodeAt(0).toString(16),
  )
  return `(?:${letter}|%${codes[0] ?? ''}|%${codes[1] ?? ''})`
}

/** Puts the gateway's own words in the place of what an upstream says of its failures. */
export function withholdErrors(exchange: Exchange, services: Services): void {
  if (exchange.transport !== 'http' || isExport(exchange)) return
  const { upstream } = labelsOf(exchange)
  const { errorShape } = established(exchange.classification, 'classification')
  exchange.guard = replaceErrors(established(exchange.guard, 'guard'), {
    bodyless: established(exchange.admitted, 'admitted').method === 'HEAD',
    document: (status) => upstreamError({ shape: errorShape, status, id: exchange.id }),
    onReplaced(status, why) {
      services.metrics.errorReplaced(upstream, why)
      const fields = { decisionId: exchange.id, upstream, status, why }
      services.log.debug(fields, 'an error answer of the upstream was replaced')
    },
  })
}

/** Puts the mask of links around what has been limited already. */
export function maskAnswer(exchange: Exchange, services: Services): void {
  if (exchange.transport !== 'http' || isExport(exchange)) return
  const { upstream } = labelsOf(exchange)
  const [{ action }] = established(exchange.classification, 'classification').operations
  exchange.guard = maskLinks(established(exchange.guard, 'guard'), maskPolicyOf(action), (kind) =>
    services.metrics.linkMasked(upstream, kind),
  )
}
