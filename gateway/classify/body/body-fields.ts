/**
 * Finds the few fields of a JSON body that decide a request, without building objects from it. The
 * whole text is checked against the grammar (RFC 8259), so that what was judged is what any strict
 * parser reads; at every object on the way to a field, repeated keys are refused, because parsers
 * disagree on which one wins.
 */
import { isUtf8 } from 'node:buffer'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { consume, skipNumber, skipSpace, skipString, skipWord, type Cursor } from './json-scan.ts'
import { foldFieldName } from '../names.ts'

/** The value of a field. `null` counts as absent. Strings past 4096 bytes are `other`. */
export type FieldValue =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'other' }

/** The fields to find, as a tree; built by {@link compileFieldTree}. */
export interface FieldTree {
  /** By folded name. */
  readonly children: ReadonlyMap<string, FieldBranch>
}

interface FieldBranch {
  /** The only spelling that is taken. */
  readonly name: string
  /** The dotted path, where the value here is wanted. */
  readonly path: string | undefined
  readonly below: FieldTree | undefined
}

const DEPTH_MAX = 64
const KEYS_MAX = 1024
const KEY_BYTES_MAX = 512
const VALUE_BYTES_MAX = 4096

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a

/** Builds the tree for dotted paths such as `model` or `parameters.config`. */
export function compileFieldTree(paths: readonly string[], above = ''): FieldTree {
  const tails = new Map<string, string[]>()
  for (const path of paths) {
    const dot = path.indexOf('.')
    const name = dot === -1 ? path : path.slice(0, dot)
    tails.set(name, [...(tails.get(name) ?? []), dot === -1 ? '' : path.slice(dot + 1)])
  }
  const children = new Map<string, FieldBranch>()
  for (const [name, rests] of tails) {
    const here = above === '' ? name : `${above}.${name}`
    const deeper = rests.filter((rest) => rest !== '')
    const below = deeper.length === 0 ? undefined : compileFieldTree(deeper, here)
    const path = rests.includes('') ? here : undefined
    children.set(foldFieldName(name), { name, path, below })
  }
  return { children }
}

interface FieldCursor extends Cursor {
  readonly found: Map<string, FieldValue>
}

/**
 * The wanted fields of a body, by dotted path. Refuses with `body_unparsable` unless the body is
 * one UTF-8 JSON object, at most 64 deep, without a byte order mark, and with, at each object on
 * the way, at most 1024 keys, no two of which fold alike, and none that folds like a wanted one
 * but is spelt otherwise (`Model`, `run-id`).
 *
 * @param body the whole body; untrusted
 */
export function readJsonFields(
  body: Buffer,
  tree: FieldTree,
): ReadonlyMap<string, FieldValue> | Refusal {
  // A byte order mark and UTF-16 fall through the grammar: neither starts with `{`.
  if (!isUtf8(body)) return refuse('body_unparsable')
  const cursor: FieldCursor = { bytes: body, at: 0, found: new Map() }
  skipSpace(cursor)
  if (body[cursor.at] !== 0x7b) return refuse('body_unparsable')
  if (!readObject(cursor, tree, 1)) return refuse('body_unparsable')
  skipSpace(cursor)
  return cursor.at === body.length ? cursor.found : refuse('body_unparsable')
}

/** At `{`. Without a tree the object is only skipped. */
function readObject(cursor: FieldCursor, tree: FieldTree | undefined, depth: number): boolean {
  if (depth > DEPTH_MAX) return false
  const seen = tree === undefined ? undefined : new Set<string>()
  cursor.at++
  skipSpace(cursor)
  if (consume(cursor, 0x7d)) return true
  do {
    skipSpace(cursor)
    const start = cursor.at
    if (!skipString(cursor)) return false
    const branch = readKey(cursor, start, tree, seen)
    if (branch === false) return false
    skipSpace(cursor)
    if (!consume(cursor, COLON) || !readValue(cursor, branch, depth)) return false
    skipSpace(cursor)
  } while (consume(cursor, COMMA))
  return consume(cursor, 0x7d)
}

/** The wanted branch under the key that ends here, `undefined` for none, `false` to refuse. */
function readKey(
  cursor: FieldCursor,
  start: number,
  tree: FieldTree | undefined,
  seen: Set<string> | undefined,
): FieldBranch | undefined | false {
  if (tree === undefined || seen === undefined) return undefined
  if (cursor.at - start > KEY_BYTES_MAX || seen.size === KEYS_MAX) return false
  const key = stringAt(cursor, start)
  // Libraries in C end a key at NUL, so that `model\u0000x` would be `model` to them.
  if (key?.includes('\0') !== false) return false
  const folded = foldFieldName(key)
  if (seen.has(folded)) return false
  seen.add(folded)
  const branch = tree.children.get(folded)
  return branch === undefined || branch.name === key ? branch : false
}

function readValue(cursor: FieldCursor, branch: FieldBranch | undefined, depth: number): boolean {
  skipSpace(cursor)
  const start = cursor.at
  const first = cursor.bytes[start]
  let read: boolean
  if (first === QUOTE) read = skipString(cursor)
  else if (first === 0x7b) read = readObject(cursor, branch?.below, depth + 1)
  else if (first === 0x5b) read = skipArray(cursor, depth + 1)
  else read = skipWord(cursor) || skipNumber(cursor)
  if (read && branch?.path !== undefined) keep(cursor, branch.path, start)
  return read
}

function keep(cursor: FieldCursor, path: string, start: number): void {
  const first = cursor.bytes[start] ?? 0
  if (first === 0x6e) return // null
  if (cursor.at - start > VALUE_BYTES_MAX) {
    cursor.found.set(path, { kind: 'other' })
  } else if (first === QUOTE) {
    const text = stringAt(cursor, start)
    cursor.found.set(path, text === undefined ? { kind: 'other' } : { kind: 'string', text })
  } else if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
    cursor.found.set(path, {
      kind: 'number',
      text: cursor.bytes.toString('latin1', start, cursor.at),
    })
  } else {
    cursor.found.set(path, { kind: 'other' })
  }
}

/** The text of the string token from `start` to the cursor. */
function stringAt(cursor: FieldCursor, start: number): string | undefined {
  const inner = cursor.bytes.toString('utf8', start + 1, cursor.at - 1)
  if (!inner.includes('\\')) return inner
  // A string token alone, of bounded length and already checked: there is no object to build.
  const parsed: unknown = JSON.parse(`"${inner}"`)
  return typeof parsed === 'string' ? parsed : undefined
}

function skipArray(cursor: FieldCursor, depth: number): boolean {
  if (depth > DEPTH_MAX) return false
  cursor.at++
  skipSpace(cursor)
  if (consume(cursor, 0x5d)) return true
  do {
    if (!readValue(cursor, undefined, depth)) return false
    skipSpace(cursor)
  } while (consume(cursor, COMMA))
  return consume(cursor, 0x5d)
}
