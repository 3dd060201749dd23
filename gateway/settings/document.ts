/**
 * Reads one YAML file an operator edits into a typed value, or says exactly where and why not.
 * Every file of the project (gateway.yaml, conditions, resources, route packs, policy tests) comes
 * through here, so that all of them have the same strictness and the same kind of message.
 */
import { LineCounter, parseDocument, visit, type Document } from 'yaml'
import type { z } from 'zod'
import type { Diagnostic, Loaded, Position } from '../domain/diagnostics.ts'
import { issueDiagnostics } from './document-issues.ts'
import { keyText, locator, overlaid, rangeStart } from './document-places.ts'
import { layOver, type Overlay } from './overlay.ts'
import type { DocumentPath } from './schema-walk.ts'

export type { DocumentPath } from './schema-walk.ts'

/** A validated document. */
export interface LoadedDocument<T> {
  readonly value: T
  /** The document as it was validated, overlays laid over, before defaults and transforms. */
  readonly written: unknown
  /** Where the value at `path` is written; the nearest existing parent when it is not written. */
  positionOf(path: DocumentPath): Position
  /** Where the key at `path` is written. */
  keyPositionOf(path: DocumentPath): Position
}

/** Files past this size are refused (I17). */
const DOCUMENT_BYTES_MAX = 8 * 1024 * 1024

/**
 * Parses `text` as one YAML 1.2 document (no duplicate keys, no custom tags, aliases bounded) and
 * validates it with `schema`. Unknown keys are errors with a suggestion. `overlays` are laid over
 * the document first; what is wrong with one of them is reported where it came from.
 */
export function loadDocument<S extends z.ZodType>(
  source: { readonly file: string; readonly text: string },
  schema: S,
  overlays: readonly Overlay[] = [],
): Loaded<LoadedDocument<z.output<S>>> {
  const { file, text } = source
  if (Buffer.byteLength(text) > DOCUMENT_BYTES_MAX)
    return { ok: false, diagnostics: [tooLarge(file)] }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true })
  const locate = overlaid(locator(file, document, lines), overlays)
  const broken = [...document.errors, ...document.warnings]
  if (broken.length > 0) {
    return { ok: false, diagnostics: broken.map((error) => syntaxDiagnostic(file, lines, error)) }
  }
  const prototype = prototypeKey(document)
  if (prototype !== undefined) {
    const { line, col } = lines.linePos(prototype)
    return { ok: false, diagnostics: [{ ...PROTOTYPE_KEY, file, line, column: col }] }
  }
  const plain = toPlain(document)
  if (plain === undefined) return { ok: false, diagnostics: [badAlias(file)] }
  const written = layOver(plain.root, overlays)
  const parsed = schema.safeParse(written.root)
  if (!parsed.success || written.diagnostics.length > 0) {
    const issues = parsed.error?.issues ?? []
    const found = issues.flatMap((issue) => issueDiagnostics(issue, schema, locate))
    return { ok: false, diagnostics: [...found, ...written.diagnostics] }
  }
  return {
    ok: true,
    value: {
      value: parsed.data,
      written: written.root,
      positionOf: (path) => locate(path).position,
      keyPositionOf: (path) => locate(path).keyPosition,
    },
    warnings: [],
  }
}

/** Where a key `__proto__` stands: validation would pass it over, and what it says would be lost. */
function prototypeKey(document: Document): number | undefined {
  let found: number | undefined
  visit(document, {
    Pair(_, pair) {
      if (keyText(pair.key) !== '__proto__') return undefined
      found = rangeStart(pair.key) ?? 0
      return visit.BREAK
    },
  })
  return found
}

const PROTOTYPE_KEY = {
  severity: 'error',
  code: 'unknown-key',
  message: 'unknown key `__proto__`',
  remedy: 'Remove it; nothing can have this name.',
} as const

function toPlain(document: Document): { readonly root: unknown } | undefined {
  try {
    // Aliases multiply: 100 expansions are plenty for people and stop a billion-laughs file (I17).
    return { root: document.toJS({ maxAliasCount: 100 }) as unknown }
  } catch (error) {
    // The library throws this for an alias without anchor, in a circle or past the bound.
    if (error instanceof ReferenceError) return undefined
    throw error
  }
}

function badAlias(file: string): Diagnostic {
  return {
    file,
    line: 1,
    column: 1,
    severity: 'error',
    code: 'alias-invalid',
    message: 'an alias (*name) has no anchor, or aliases are expanded more than 100 times',
    remedy: 'Write the values out instead of using aliases.',
  }
}

function tooLarge(file: string): Diagnostic {
  return {
    file,
    line: 1,
    column: 1,
    severity: 'error',
    code: 'file-too-large',
    message: `the file is larger than ${DOCUMENT_BYTES_MAX} bytes`,
    remedy: 'Split the file or remove what is not needed.',
  }
}

function syntaxDiagnostic(
  file: string,
  lines: LineCounter,
  error: { code: string; message: string; pos: [number, number] },
): Diagnostic {
  const { line, col } = lines.linePos(error.pos[0])
  const message = error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? ''
  const code = error.code.toLowerCase().replaceAll('_', '-')
  const remedy = 'Write valid YAML 1.2, with each key once and without custom tags.'
  return { file, line, column: col, severity: 'error', code, message, remedy }
}
