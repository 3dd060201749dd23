/** What is said to people when a call of the control API came to nothing. */
import { isDocument, textIn, type Document } from './document.ts'

/** A listener that answered, but not as the control API does. */
const OTHER_LISTENER =
  'Is this the control listener? --url URL or MODELGATE_CONTROL_URL names another.'

/** The option that says what the API has under a path such as `target.before`, if one does. */
export type OptionFor = (field: string) => string | undefined

/**
 * What was refused, why, what helps, and under which id it is in the ledger. Where the detail begins
 * with a field of the body, its option stands there.
 */
export function refusalText(
  status: number,
  problem: Document = {},
  optionFor: OptionFor = () => undefined,
): string {
  const code = textIn(problem, 'reason') ?? textIn(problem, 'code')
  if (code === undefined) return `refused with ${status}, and no reason given\n${OTHER_LISTENER}`
  const remedy = remedyIn(problem)
  const id = textIn(problem, 'decision_id')
  return [
    `refused with ${status} (${code}): ${detailIn(problem, optionFor)}`,
    ...findingsOf(problem),
    ...(remedy === undefined ? [] : [remedy]),
    ...(id === undefined ? [] : [`decision ${id}`]),
  ].join('\n')
}

function detailIn(problem: Document, optionFor: OptionFor): string {
  const detail = textIn(problem, 'detail') ?? textIn(problem, 'title') ?? ''
  const [, field = '', what = ''] = /^([a-z_]+(?:\.\w+)*): (.*)$/s.exec(detail) ?? []
  const option = field === '' ? undefined : optionFor(field)
  return option === undefined ? detail : `--${option}: ${what}`
}

/** The description of the API says nothing of options. */
function remedyIn(problem: Document): string | undefined {
  const remedy = textIn(problem, 'remedy')
  return remedy?.includes('/v1/openapi.json') === true
    ? 'With --help the verb says what its options take.'
    : remedy
}

function findingsOf({ findings }: Document): readonly string[] {
  return Array.isArray(findings) ? findings.filter((one) => typeof one === 'string') : []
}

/** An answer that is none of the control API: nothing in it may be taken for an empty list. */
export function strangeAnswerText(origin: string): string {
  return `${origin} did not answer as the control API does\n${OTHER_LISTENER}`
}

/** Codes of calls that certainly did not arrive. */
const UNSENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'])

/** No whole answer; `cause` is the error of the connection. */
export function unreachedText(
  { origin, method }: { readonly origin: string; readonly method: string },
  why: string,
  cause: unknown,
): string {
  const hint =
    method === 'GET' || UNSENT.has(codeOf(cause))
      ? 'Is the gateway running? --url URL or MODELGATE_CONTROL_URL names another control listener.'
      : 'Whether it was done is not known: look before you do it again.'
  return `${origin} was not reached: ${why}\n${hint}`
}

function codeOf(cause: unknown): string {
  return isDocument(cause) ? (textIn(cause, 'code') ?? '') : ''
}
