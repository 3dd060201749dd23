/** The path patterns of route packs: parsed once at load, compared segment by segment, no regex. */

/** What one segment of a pattern matches. */
export type PatternSegment =
  | { readonly kind: 'literal'; readonly text: string }
  /** `{model}:predict`: at least one character between prefix and suffix. */
  | {
      readonly kind: 'affix'
      readonly prefix: string
      readonly suffix: string
      readonly name: string
    }
  | { readonly kind: 'parameter'; readonly name: string }
  /** `{path*}`: one or more segments, at the end or with something behind them. */
  | { readonly kind: 'rest'; readonly name: string }

/** A parsed pattern. */
export interface RoutePattern {
  readonly text: string
  /** A last literal `''` says that the pattern ends in `/`. */
  readonly segments: readonly PatternSegment[]
  /** Names of the parameters, in order of their captures. */
  readonly parameters: readonly string[]
  /** Equal for two patterns when they match exactly the same paths. */
  readonly shape: string
}

const SEGMENTS_MAX = 32
// Only characters that `parseRequestTarget` refuses in encoded form, so that a literal has exactly
// one spelling in a request.
const LITERAL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:'

/** Parses a pattern such as `/v2/models/{model}/infer`, or says in a sentence what is wrong. */
export function parsePattern(text: string): RoutePattern | string {
  if (!text.startsWith('/')) return 'a path starts with /'
  const parts = text.slice(1).split('/')
  if (parts.length > SEGMENTS_MAX) return `a path has at most ${SEGMENTS_MAX} segments`
  const segments: PatternSegment[] = []
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1
    if (part === '' && !last) return 'a path has no empty segments'
    const segment = parseSegment(part)
    if (typeof segment === 'string') return segment
    segments.push(segment)
  }
  if (segments.filter(({ kind }) => kind === 'rest').length > 1)
    return 'a path has at most one {x*}'
  const parameters = segments.flatMap((segment) => ('name' in segment ? [segment.name] : []))
  if (new Set(parameters).size < parameters.length) return 'a parameter is named twice'
  return { text, segments, parameters, shape: segments.map(shapeOf).join('/') }
}

function parseSegment(text: string): PatternSegment | string {
  const open = text.indexOf('{')
  if (open === -1) return isLiteral(text) ? { kind: 'literal', text } : wrongCharacters(text)
  const close = text.indexOf('}', open)
  const inner = text.slice(open + 1, close)
  const rest = inner.endsWith('*')
  const name = rest ? inner.slice(0, -1) : inner
  const prefix = text.slice(0, open)
  const suffix = text.slice(close + 1)
  if (close === -1 || !isParameterName(name)) return `malformed parameter in \`${text}\``
  if (!isLiteral(prefix) || !isLiteral(suffix)) return wrongCharacters(text)
  if (text.length === inner.length + 2) return { kind: rest ? 'rest' : 'parameter', name }
  return rest ? `{${name}*} must stand alone` : { kind: 'affix', prefix, suffix, name }
}

function wrongCharacters(text: string): string {
  return `\`${text}\`: use letters, digits, - . _ ~ : and at most one {parameter} per segment`
}

function isLiteral(text: string): boolean {
  for (const character of text) {
    if (!LITERAL.includes(character)) return false
  }
  return text !== '.' && text !== '..'
}

function isParameterName(name: string): boolean {
  return /^[a-z][a-z0-9_]{0,63}$/.test(name)
}

function shapeOf(segment: PatternSegment): string {
  if (segment.kind === 'literal') return segment.text
  if (segment.kind === 'affix') return `${segment.prefix}{}${segment.suffix}`
  return segment.kind === 'rest' ? '{*}' : '{}'
}

/** Higher is more specific: literal, then affix by length of its literal parts, parameter, rest. */
function rankOf(segment: PatternSegment): number {
  if (segment.kind === 'literal') return Number.MAX_SAFE_INTEGER
  if (segment.kind === 'affix') return 1 + segment.prefix.length + segment.suffix.length
  return segment.kind === 'parameter' ? 1 : 0
}

/**
 * Which of two patterns takes a path that both match: positive when `a`, negative when `b`, 0 when
 * neither is more specific. The first segment in which they differ decides; of two that are alike up
 * to a rest, the one with something behind it.
 */
export function compareSpecificity(a: RoutePattern, b: RoutePattern): number {
  for (const [index, segment] of a.segments.entries()) {
    const other = b.segments[index]
    if (other === undefined) return endsInRest(b) ? 1 : 0
    if (shapeOf(segment) !== shapeOf(other)) return rankOf(segment) - rankOf(other)
  }
  return b.segments.length > a.segments.length && endsInRest(a) ? -1 : 0
}

function endsInRest({ segments }: RoutePattern): boolean {
  return segments.at(-1)?.kind === 'rest'
}

/** Whether some path matches both patterns. */
export function overlaps(a: RoutePattern, b: RoutePattern): boolean {
  const length = Math.max(a.segments.length, b.segments.length)
  for (let index = 0; index < length; index++) {
    const one = a.segments[index]
    const two = b.segments[index]
    if (one === undefined || two === undefined) return false
    if (one.kind === 'rest' || two.kind === 'rest') return tailsOverlap(a, b)
    if (!segmentsOverlap(one, two)) return false
  }
  return true
}

/** Compared from the end, as far as neither has its rest: what is between can be anything. */
function tailsOverlap(a: RoutePattern, b: RoutePattern): boolean {
  for (let back = 1; ; back++) {
    const one = a.segments.at(-back)
    const two = b.segments.at(-back)
    if (one === undefined || two === undefined) return true
    if (one.kind === 'rest' || two.kind === 'rest') return true
    if (!segmentsOverlap(one, two)) return false
  }
}

function segmentsOverlap(a: PatternSegment, b: PatternSegment): boolean {
  if (a.kind === 'literal' && b.kind === 'literal') return a.text === b.text
  if (a.kind === 'literal') return matchesSegment(b, a.text)
  if (b.kind === 'literal') return matchesSegment(a, b.text)
  if (a.kind !== 'affix' || b.kind !== 'affix') return true
  const prefixes = a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix)
  return prefixes && (a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix))
}

/** Whether one decoded request segment is matched; parameters take at least one character. */
export function matchesSegment(pattern: PatternSegment, segment: string): boolean {
  if (pattern.kind === 'literal') return pattern.text === segment
  if (pattern.kind !== 'affix') return segment !== ''
  const { prefix, suffix } = pattern
  const longEnough = segment.length > prefix.length + suffix.length
  return longEnough && segment.startsWith(prefix) && segment.endsWith(suffix)
}
