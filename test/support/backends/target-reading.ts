/** What a backend makes of a request target. */
import type { Dialect } from './dialects.ts'

/** A target as a backend sees it. */
export interface ReadTarget {
  readonly segments: readonly string[]
  /** Every value of every parameter, in order. */
  readonly query: ReadonlyMap<string, readonly string[]>
}

/** The reading, or `undefined` when the backend would answer 400. */
export function readTarget(target: string, dialect: Dialect): ReadTarget | undefined {
  const origin = target.replace(/^[a-z]+:\/\/[^/]*/i, '')
  const [withoutFragment = ''] = origin.split('#')
  const mark = withoutFragment.indexOf('?')
  const raw = mark === -1 ? withoutFragment : withoutFragment.slice(0, mark)
  const query = mark === -1 ? '' : withoutFragment.slice(mark + 1)
  const path = readPath(raw, dialect)
  if (!path.startsWith('/')) return undefined
  const segments = readSegments(path.slice(1).split('/'), dialect)
  return { segments, query: readQuery(query, dialect) }
}

/** What is done to a path as a whole, in the order in which it is done. */
const PATH_STEPS: readonly (readonly [keyof Dialect, (path: string) => string])[] = [
  ['backslashIsSlash', (path) => path.replaceAll('\\', '/')],
  ['cutsPathParameters', (path) => path.replace(/;[^/]*/g, '')],
  ['decodesFirst', decode],
  ['decodesTwice', decode],
  ['matchesTrailingNewline', (path) => path.replace(/\n$/, '')],
  ['mergesSlashes', (path) => path.replace(/\/{2,}/g, '/')],
]

function readPath(raw: string, dialect: Dialect): string {
  return PATH_STEPS.reduce((path, [key, step]) => (dialect[key] === true ? step(path) : path), raw)
}

function readSegments(raw: readonly string[], dialect: Dialect): readonly string[] {
  let segments = dialect.resolvesDots === true ? withoutDots(raw) : raw
  if (dialect.dropsTrailingSlash === true && segments.length > 1 && segments.at(-1) === '') {
    segments = segments.slice(0, -1)
  }
  return dialect.decodesSegments === true ? segments.map(decode) : segments
}

function withoutDots(segments: readonly string[]): string[] {
  const kept: string[] = []
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  return kept
}

/** As lenient servers decode: what is no escape stays, what is no UTF-8 is replaced. */
export function decode(text: string): string {
  const bytes = text.replace(/%[0-9a-f]{2}/gi, (escape) =>
    String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

function readQuery(query: string, { semicolonSeparates }: Dialect): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const parameter of query.split(semicolonSeparates === true ? /[&;]/ : '&')) {
    if (parameter === '') continue
    const equals = parameter.indexOf('=')
    const name = decode(
      (equals === -1 ? parameter : parameter.slice(0, equals)).replaceAll('+', ' '),
    )
    const value = equals === -1 ? '' : decode(parameter.slice(equals + 1).replaceAll('+', ' '))
    found.set(name, [...(found.get(name) ?? []), value])
  }
  return found
}
