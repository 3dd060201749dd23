/** The simplest strict readers of bodies, to compare the scanners with. Not bounded, not streaming. */

/**
 * The members of a JSON object, or `undefined` when two keys fold alike at the top or in a value
 * called `x`, or one folds like `model` but is spelt otherwise: what no two readers take alike.
 */
export function readJson(
  text: string,
  fold: (key: string) => string,
): Readonly<Record<string, unknown>> | undefined {
  const top = keysOf(text)
  const members = JSON.parse(text) as Record<string, unknown>
  if (!areGood(top.keys, fold)) return undefined
  return top.inner.every((keys) => areGood(keys, fold)) ? members : undefined
}

function areGood(keys: readonly string[], fold: (key: string) => string): boolean {
  const folded = keys.map(fold)
  const isTwin = keys.some((key, i) => folded[i] === 'model' && key !== 'model')
  return new Set(folded).size === keys.length && !isTwin
}

/** The keys of the object, repeated ones too, and those of the objects at `x`. */
function keysOf(text: string): { keys: string[]; inner: string[][] } {
  const keys: string[] = []
  const inner: string[][] = []
  let at = text.indexOf('{') + 1
  for (;;) {
    while (' ,'.includes(text[at] ?? '')) at++
    if (text[at] !== '"') return { keys, inner }
    const keyEnd = endOfValue(text, at)
    const key = JSON.parse(text.slice(at, keyEnd)) as string
    keys.push(key)
    at = text.indexOf(':', keyEnd) + 1
    const valueEnd = endOfValue(text, at)
    const value = text.slice(at, valueEnd).trim()
    if (key === 'x' && value.startsWith('{')) inner.push(keysOf(value).keys)
    at = valueEnd
  }
}

/** Where the value that starts at `from` ends: before the comma or bracket that is not its own. */
function endOfValue(text: string, from: number): number {
  let depth = 0
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^"{}[\],:]+/g
  tokens.lastIndex = from
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    const [written] = token
    if (depth === 0 && [',', '}', ']', ':'].includes(written)) return token.index
    if (written === '{' || written === '[') depth++
    if (written === '}' || written === ']') depth--
  }
  return text.length
}

/** A part of a form. */
export interface FormPart {
  readonly name: string
  readonly value: string
  readonly isFile: boolean
}

/** The parts of a well-formed multipart body, by splitting at its delimiters. */
export function readForm(body: string, boundary: string): FormPart[] {
  const [, ...parts] = `\r\n${body}`.split(`\r\n--${boundary}`)
  return parts.slice(0, -1).map((part) => {
    const headEnd = part.indexOf('\r\n\r\n')
    const head = part.slice(0, headEnd)
    const name = / name="([^"]*)"/.exec(head)?.[1] ?? ''
    return { name, value: part.slice(headEnd + 4), isFile: head.includes('filename=') }
  })
}

/** The pairs of an urlencoded body. */
export function readPairs(body: string): [string, string][] {
  return [...new URLSearchParams(body)]
}
