/** A media type, lower case, and its parameters as written, quotes removed. */
export interface MediaType {
  readonly essence: string
  readonly parameters: ReadonlyMap<string, string>
}

const PARAMETERS_MAX = 8
const TEXT_MAX = 512

/**
 * Parses a `Content-Type` (RFC 9110 §8.3.1) strictly: no repeated parameters, no escapes in quoted
 * values, no `;` inside them, at most 8. `undefined` when it is anything else.
 */
export function parseMediaType(text: string): MediaType | undefined {
  if (text.length > TEXT_MAX) return undefined
  const [type = '', ...rest] = text.split(';')
  if (rest.length > PARAMETERS_MAX) return undefined
  const parameters = new Map<string, string>()
  for (const part of rest) {
    const parameter = parseParameter(part.trim())
    if (parameter === undefined || parameters.has(parameter.name)) return undefined
    parameters.set(parameter.name, parameter.value)
  }
  return { essence: type.trim().toLowerCase(), parameters }
}

/** `name=value` or `name="value"`, the name lower-cased; `undefined` for anything else. */
export function parseParameter(text: string): { name: string; value: string } | undefined {
  const equals = text.indexOf('=')
  if (equals < 1) return undefined
  const name = text.slice(0, equals).toLowerCase()
  const value = unquote(text.slice(equals + 1))
  return value === undefined || name.includes(' ') ? undefined : { name, value }
}

function unquote(raw: string): string | undefined {
  const quoted = raw.length >= 2 && raw.startsWith('"') && raw.endsWith('"')
  const value = quoted ? raw.slice(1, -1) : raw
  if (value.includes('"') || value.includes('\\')) return undefined
  return !quoted && (value === '' || value.includes(' ')) ? undefined : value
}

/** Whether a body of this type is JSON in UTF-8: `application/json` or `application/*+json`. */
export function isJson(media: MediaType): boolean {
  const { essence } = media
  const json =
    essence === 'application/json' ||
    (essence.startsWith('application/') && essence.endsWith('+json'))
  return json && isUtf8(media)
}

/** None of them is registered. */
const NDJSON: ReadonlySet<string> = new Set([
  'application/jsonl',
  'application/jsonlines',
  'application/ndjson',
  'application/x-jsonlines',
  'application/x-ndjson',
])

/** Whether a body of this type is JSON in lines, in UTF-8. */
export function isNdjson(media: MediaType): boolean {
  return NDJSON.has(media.essence) && isUtf8(media)
}

function isUtf8({ parameters }: MediaType): boolean {
  const charset = parameters.get('charset')
  return charset === undefined || charset.toLowerCase() === 'utf-8'
}
