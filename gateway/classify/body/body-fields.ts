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

/**
 * The value of a field. `null` counts as absent. Strings past 4096 bytes are `other`. `list`: the
 * values of a field of every element of an array, in order; where an element has none, `absent`.
 */
export type FieldValue =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly FieldValue[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'other'; readonly isEmpty?: boolean }

/** The fields to find, as a tree; built by {@link compileFieldTree}. */
export interface FieldTree {
  /** By folded name. */
  readonly children: ReadonlyMap<string, FieldBranch>
  /** Present when the body is an array of such objects. */
  readonly items?: FieldBranch
}

interface FieldBranch {
  /** The only spelling that is taken. */
  readonly name: string
  /** The dotted path, where the value here is wanted. */
  readonly path: string | undefined
  readonly below: FieldTree | undefined
  /** What is wanted of every element, where an array is expected. */
  readonly items: FieldBranch | undefined
  /** The paths in `items` and below: those of which every element has a value. */
  readonly listPaths: readonly string[]
}

const DEPTH_MAX = 64
const KEYS_MAX = 1024
const KEY_BYTES_MAX = 512
const VALUE_BYTES_MAX = 4096

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b

/** Builds the tree for paths such as `model`, `parameters.config`, `instances[].model`, `[].id`. */
export function compileFieldTree(paths: readonly string[]): FieldTree {
  const inArray = paths.filter((path) => path.startsWith('[]'))
  const named = paths.filter((path) => !path.startsWith('[]'))
  const children = compileChildren(named, '')
  return inArray.length === 0 ? { children } : { children, items: compileBranch('', inArray, '') }
}

/** `[]` behind a name takes the part of the path up to there with it. */
function compileChildren(paths: readonly string[], above: string): Map<string, FieldBranch> {
  const tails = new Map<string, string[]>()
  for (const path of paths) {
    const [, name = '', rest = ''] = /^([^.[]+)\.?(.*)$/.exec(path) ?? []
    tails.set(name, [...(tails.get(name) ?? []), rest])
  }
  const children = new Map<string, FieldBranch>()
  for (const [name, rests] of tails) {
    const here = above === '' ? name : `${above}.${name}`
    children.set(foldFieldName(name), compileBranch(name, rests, here))
  }
  return children
}

function compileBranch(name: string, rests: readonly string[], here: string): FieldBranch {
  const ofItems = rests.filter((rest) => rest.startsWith('[]'))
  const deeper = rests.filter((rest) => rest !== '' && !rest.startsWith('[]'))
  const itemRests = ofItems.map((rest) => rest.slice(2).replace(/^\./, ''))
  return {
    name,
    path: rests.includes('') ? here : undefined,
    below: deeper.length === 0 ? undefined : { children: compileChildren(deeper, here) },
    items: ofItems.length === 0 ? undefined : compileBranch('', itemRests, `${here}[]`),
    listPaths: itemRests.map((rest) => (rest === '' ? `${here}[]` : `${here}[].${rest}`)),
  }
}

interface FieldCursor extends Cursor {
  readonly found: Map<string, FieldValue>
  /** The lists in `found`, while they are being filled. */
  readonly lists: Map<string, FieldValue[]>
}

/**
 * The wanted fields of a body, by path. Refuses with `body_unparsable` unless the body is
 * one UTF-8 JSON object (or array, where its elements are wanted), at most 64 deep, without a byte order mark, and with, at each object on
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
  const cursor: FieldCursor = { bytes: body, at: 0, found: new Map(), lists: new Map() }
  skipSpace(cursor)
  if (!readRoot(cursor, tree)) return refuse('body_unparsable')
  skipSpace(cursor)
  if (cursor.at !== body.length) return refuse('body_unparsable')
  for (const [path, items] of cursor.lists) cursor.found.set(path, { kind: 'list', items })
  return cursor.found
}

function readRoot(cursor: FieldCursor, tree: FieldTree): boolean {
  const first = cursor.bytes[cursor.at]
  if (first === OPEN_OBJECT) return readObject(cursor, tree, 1)
  if (first !== OPEN_ARRAY || tree.items === undefined) return false
  return readItems(cursor, tree.items, 1)
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
  else if (first === OPEN_OBJECT) read = readObject(cursor, branch?.below, depth + 1)
  else if (first === OPEN_ARRAY) {
    read =
      branch?.items === undefined
        ? skipArray(cursor, depth + 1)
        : readItems(cursor, branch, depth + 1)
  } else read = skipWord(cursor) || skipNumber(cursor)
  if (read && branch !== undefined) keep(cursor, branch, start)
  return read
}

function keep(cursor: FieldCursor, branch: FieldBranch, start: number): void {
  const { path, items, listPaths } = branch
  if (path === undefined && items === undefined) return
  const value = valueAt(cursor, start)
  if (value === undefined) return
  if (path !== undefined) {
    const list = cursor.lists.get(path)
    if (list === undefined) cursor.found.set(path, value)
    else list.push(value)
  }
  // An object or a word where an array is expected: some upstream may take it for one element.
  if (items === undefined || cursor.bytes[start] === OPEN_ARRAY) return
  for (const listPath of listPaths) cursor.found.set(listPath, { kind: 'other' })
}

/** The value from `start` to the cursor; `undefined` for `null`. */
function valueAt(cursor: FieldCursor, start: number): FieldValue | undefined {
  const { bytes, at } = cursor
  const first = bytes[start] ?? 0
  if (first === 0x6e) return undefined
  if (first === QUOTE) {
    const text = at - start > VALUE_BYTES_MAX ? undefined : stringAt(cursor, start)
    return text === undefined ? { kind: 'other' } : { kind: 'string', text }
  }
  if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
    if (at - start > VALUE_BYTES_MAX) return { kind: 'other' }
    return { kind: 'number', text: bytes.toString('latin1', start, at) }
  }
  return isEmptyAt(cursor, start) ? EMPTY : { kind: 'other' }
}

const EMPTY: FieldValue = { kind: 'other', isEmpty: true }

/** Whether it is `[]` or `{}`. */
function isEmptyAt({ bytes, at }: FieldCursor, start: number): boolean {
  const first = bytes[start]
  if (first !== OPEN_ARRAY && first !== OPEN_OBJECT) return false
  const inside: Cursor = { bytes, at: start + 1 }
  skipSpace(inside)
  return inside.at === at - 1
}

/** At `[`: what is wanted of every element. */
function readItems(cursor: FieldCursor, array: FieldBranch, depth: number): boolean {
  if (depth > DEPTH_MAX) return false
  const lists = array.listPaths.map((path) => {
    const list = cursor.lists.get(path) ?? []
    cursor.lists.set(path, list)
    return list
  })
  cursor.at++
  skipSpace(cursor)
  if (consume(cursor, 0x5d)) return true
  do {
    const before = lists.map((list) => list.length)
    if (!readValue(cursor, array.items, depth)) return false
    lists.forEach((list, at) => {
      if (list.length === before[at]) list.push({ kind: 'absent' })
    })
    skipSpace(cursor)
  } while (consume(cursor, COMMA))
  return consume(cursor, 0x5d)
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
