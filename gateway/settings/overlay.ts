/**
 * Values laid over a document before it is validated: command-line flags over the environment over
 * the file (design §6). Each remembers where it came from, so that a message can name it.
 */
import type { Diagnostic } from '../domain/diagnostics.ts'
import { unwrap, type DocumentPath } from './schema-walk.ts'

/** Where a value came from. */
export type Source = 'file' | 'environment' | 'flag' | 'default'

/** One value from outside the file. */
export interface Overlay {
  readonly path: DocumentPath
  readonly value: unknown
  readonly source: 'environment' | 'flag'
  /** The variable or the flag, as the operator wrote it. */
  readonly label: string
}

/** A diagnostic about an overlay; it has no line, so that the label is in the message. */
export function overlayDiagnostic(
  overlay: Pick<Overlay, 'source' | 'label'>,
  code: string,
  message: string,
  remedy: string,
): Diagnostic {
  const file = overlay.source === 'flag' ? 'command line' : overlay.source
  const text = `${overlay.label}: ${message}`
  return { file, line: 1, column: 1, severity: 'error', code, message: text, remedy }
}

/**
 * Reads `text` as the type that `schema` wants: numbers, `true`/`false`, comma-separated lists;
 * anything else stays text, for the schema to judge.
 */
export function valueFor(schema: unknown, text: string): unknown {
  const types = new Set(unwrap(schema).map((node) => node.def.type))
  if (types.has('array') && (!types.has('string') || text.includes(','))) {
    return text === '' ? [] : text.split(',').map((item) => item.trim())
  }
  if (types.has('number') && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (types.has('boolean') && /^(?:true|false)$/.test(text)) return text === 'true'
  return text
}

/**
 * Lays `overlays` over `root`, later ones over earlier ones, and returns the new root and what
 * could not be laid. A list may be added to at its end; an index past it is refused, because the
 * entries between would be missing.
 */
export function layOver(
  root: unknown,
  overlays: readonly Overlay[],
): { readonly root: unknown; readonly diagnostics: readonly Diagnostic[] } {
  const holder = { root: structuredClone(root) }
  const diagnostics = overlays.flatMap((overlay) => {
    const problem = put(holder, ['root', ...overlay.path], overlay.value)
    return problem === undefined
      ? []
      : [overlayDiagnostic(overlay, 'list-index', problem, 'Number list entries from 0.')]
  })
  return { root: holder.root, diagnostics }
}

function put(holder: object, path: DocumentPath, value: unknown): string | undefined {
  let node = holder as Record<string | number, unknown>
  for (const [index, step] of path.entries()) {
    if (Array.isArray(node) && typeof step === 'number' && step > node.length) {
      return `the list has ${node.length} entries, so that index ${step} would leave a gap`
    }
    if (index === path.length - 1) node[step] = value
    else {
      node[step] ??= typeof path[index + 1] === 'number' ? [] : {}
      const next = node[step]
      // A value of the wrong type in the file is the file's error, which the schema reports.
      if (typeof next !== 'object' || next === null) return undefined
      if (Array.isArray(next) !== (typeof path[index + 1] === 'number')) return undefined
      node = next as Record<string | number, unknown>
    }
  }
  return undefined
}
