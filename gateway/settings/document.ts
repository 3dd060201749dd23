/**
 * Reads one YAML file an operator edits into a typed value, or says exactly where and why not.
 * Every file of the project (gateway.yaml, conditions, resources, route packs, policy tests) comes
 * through here, so that all of them have the same strictness and the same kind of message.
 */
import {
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Pair,
  type YAMLMap,
} from 'yaml'
import type { z } from 'zod'
import { closest, type Diagnostic, type Loaded, type Position } from '../domain/diagnostics.ts'
import { layOver, type Overlay } from './overlay.ts'
import { keysAt, type DocumentPath } from './schema-walk.ts'

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

interface Location {
  readonly position: Position
  readonly keyPosition: Position
  /** The variable or flag that set the value, when the file did not. */
  readonly label?: string
}

type Locate = (path: DocumentPath) => Location

/** Values laid over the document are found where they came from. */
function overlaid(locate: Locate, overlays: readonly Overlay[]): Locate {
  return (path) => {
    const overlay = overlays.findLast((o) => o.path.every((step, i) => step === path[i]))
    if (overlay === undefined) return locate(path)
    const file = overlay.source === 'flag' ? 'command line' : overlay.source
    const position = { file, line: 1, column: 1 }
    return { position, keyPosition: position, label: overlay.label }
  }
}

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

function locator(file: string, document: Document, lines: LineCounter): Locate {
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

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : ''
}

function rangeStart(node: unknown): number | undefined {
  const range = (node as { range?: unknown } | null)?.range
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined
}

function issueDiagnostics(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  locate: Locate,
): Diagnostic[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? step.toString() : step))
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(key, path, schema, locate))
  }
  const meant = issue.code === 'invalid_union' ? branchMeant(issue) : undefined
  if (meant !== undefined) {
    return meant.flatMap((inner) =>
      issueDiagnostics({ ...inner, path: [...path, ...inner.path] }, schema, locate),
    )
  }
  const { position, label } = locate(path)
  const key = path.length === 0 ? 'the document' : path.join('.')
  const where = label === undefined ? key : `${label} (${key})`
  const missing =
    'input' in issue ? issue.input === undefined : issue.message.endsWith('received undefined')
  return [
    {
      ...position,
      severity: 'error',
      code: missing ? 'missing-key' : 'invalid-value',
      message: missing ? `${where}: this key is required` : `${where}: ${issue.message}`,
      remedy: remedyFor(issue),
    },
  ]
}

/**
 * Of a choice between a short and a long form, what is wrong with the one that was written: the only
 * one of the right type. Its findings say where and why; the choice as a whole could not.
 */
function branchMeant(issue: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | undefined {
  const possible = issue.errors.filter(
    (branch) => !branch.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  )
  return possible.length === 1 ? possible[0] : undefined
}

function unknownKey(
  key: string,
  path: (string | number)[],
  schema: z.ZodType,
  locate: Locate,
): Diagnostic {
  const known = keysAt(schema, path)
  const near = closest(key, known)
  const remedy =
    near === undefined
      ? `Remove it, or use one of: ${known.slice(0, 24).join(', ')}.`
      : `Did you mean \`${near}\`?`
  return {
    ...locate([...path, key]).keyPosition,
    severity: 'error',
    code: 'unknown-key',
    message: `unknown key \`${key}\`${path.length === 0 ? '' : ` in ${path.join('.')}`}`,
    remedy,
  }
}

function remedyFor(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `Use one of: ${issue.values.map(String).join(', ')}.`
  if (issue.code === 'invalid_type') return `Write a value of type ${issue.expected}.`
  return 'See the reference of this file in docs/reference.'
}
