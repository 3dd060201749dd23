/** Where in the YAML text of a document a value is written. */
import { isMap, isScalar, type Document, type LineCounter, type Pair, type YAMLMap } from 'yaml'
import type { Position } from '../domain/diagnostics.ts'
import type { Overlay } from './overlay.ts'
import type { DocumentPath } from './schema-walk.ts'

/** Where one value stands. */
export interface Location {
  readonly position: Position
  readonly keyPosition: Position
  /** The variable or flag that set the value, when the file did not. */
  readonly label?: string
}

/** Finds the place of a path; that of the nearest existing parent when it is not written. */
export type Locate = (path: DocumentPath) => Location

/** Values laid over the document are found where they came from. */
export function overlaid(locate: Locate, overlays: readonly Overlay[]): Locate {
  return (path) => {
    const overlay = overlays.findLast((o) => o.path.every((step, i) => step === path[i]))
    if (overlay === undefined) return locate(path)
    const file = overlay.source === 'flag' ? 'command line' : overlay.source
    const position = { file, line: 1, column: 1 }
    return { position, keyPosition: position, label: overlay.label }
  }
}

/** Places of `document`, which was parsed with `lines`. */
export function locator(file: string, document: Document, lines: LineCounter): Locate {
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { file, line, column: col }
  }
  const pairsOf = createPairIndex()
  return (path) => {
    let node: unknown = document.contents
    let offset = rangeStart(node) ?? 0
    let keyOffset = offset
    for (const step of path) {
      const next = child(node, step, pairsOf)
      if (next === undefined) break
      node = next.value
      keyOffset = next.keyOffset ?? rangeStart(node) ?? keyOffset
      offset = rangeStart(node) ?? keyOffset
    }
    return { position: at(offset), keyPosition: at(keyOffset) }
  }
}

type PairsOf = (map: YAMLMap) => ReadonlyMap<string, Pair>

/** The pairs of each map by key, worked out once: a file may hold thousands of named entries. */
function createPairIndex(): PairsOf {
  const known = new Map<YAMLMap, ReadonlyMap<string, Pair>>()
  return (map) => {
    const pairs = known.get(map) ?? new Map(map.items.map((pair) => [keyText(pair.key), pair]))
    known.set(map, pairs)
    return pairs
  }
}

function child(
  node: unknown,
  step: string | number,
  pairsOf: PairsOf,
): { value: unknown; keyOffset?: number } | undefined {
  if (isMap(node)) {
    const pair = pairsOf(node).get(String(step))
    if (pair === undefined) return undefined
    const keyOffset = rangeStart(pair.key)
    return keyOffset === undefined ? { value: pair.value } : { value: pair.value, keyOffset }
  }
  const items = (node as { items?: unknown } | null)?.items
  if (Array.isArray(items) && typeof step === 'number' && step < items.length) {
    return { value: items[step] as unknown }
  }
  return undefined
}

/** The text of a key; empty for one that is no scalar. */
export function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : ''
}

/** The offset at which a node begins. */
export function rangeStart(node: unknown): number | undefined {
  const range = (node as { range?: unknown } | null)?.range
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined
}
