import { refuse, type Refusal } from '../../domain/refusal.ts'
import { foldFieldName } from '../names.ts'

/**
 * The values of the wanted query parameters. Refuses with `model_conflict` when one is repeated,
 * also in another spelling (upstreams take the first, the last, or both spellings), and with
 * `target_invalid` when the query holds a raw `;` (a separator to some, CVE-2021-23336) or text
 * that is not UTF-8.
 *
 * @param query as received, without `?`; printable ASCII with valid percent-encoding
 * @param wanted exact names by folded name
 */
export function readQueryFields(
  query: string | undefined,
  wanted: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> | Refusal {
  const found = new Map<string, string>()
  if (query === undefined || query === '') return found
  if (query.includes(';')) return refuse('target_invalid')
  for (const parameter of query.split('&')) {
    const equals = parameter.indexOf('=')
    const key = decode(equals === -1 ? parameter : parameter.slice(0, equals))
    if (key === undefined) return refuse('target_invalid')
    const name = wanted.get(foldFieldName(key))
    if (name === undefined) continue
    const value = equals === -1 ? '' : decode(parameter.slice(equals + 1))
    if (value === undefined) return refuse('target_invalid')
    if (name !== key || found.has(name)) return refuse('model_conflict')
    found.set(name, value)
  }
  return found
}

/**
 * Whether a query has more than one of these parameters, or one of them in another spelling:
 * whichever the upstream looks at first decides what it does, and upstreams differ.
 *
 * @param exclusive exact names by folded name
 */
export function saysTwice(query: string, exclusive: ReadonlyMap<string, string>): boolean {
  let found = 0
  for (const parameter of query.split('&')) {
    const key = decode(parameter.split('=', 1)[0] ?? '')
    if (key === undefined) return true
    const name = exclusive.get(foldFieldName(key))
    if (name !== undefined && name !== key) return true
    if (name !== undefined) found += 1
  }
  return found > 1
}

/**
 * Whether a query has a parameter that is not `known`: where the names of parameters say what is
 * done, one that nobody has looked at could say anything.
 */
export function hasStranger(query: string, known: (name: string) => boolean): boolean {
  return query.split('&').some((parameter) => {
    const key = decode(parameter.split('=', 1)[0] ?? '')
    return key === undefined || (key !== '' && !known(key))
  })
}

/** WHATWG form decoding of one part, or `undefined` when it is not UTF-8. */
function decode(text: string): string | undefined {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return undefined
  }
}
