/**
 * Finds the few fields of a JSON body that decide a request, without building objects from it. The
 * whole text is checked against the grammar (RFC 8259), so that what was judged is what any strict
 * parser reads; at every object on the way to a field, repeated keys are refused, because parsers
 * disagree on which one wins.
 */
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { foldFieldName } from '../names.ts'
import type { FieldBranch, FieldTree, FieldValue } from './body-fields.ts'
import { NO_VALUES, tooFarBack, type BodyScanner } from './body-scanner.ts'
import { arrayFrame, objectFrame, OTHER, scalarValue, type Frame } from './json-frames.ts'
import { JsonMachine } from './json-machine.ts'
import { unescaped } from './json-token.ts'
import type { ScalarKind } from './json-tokens.ts'
import { hashOfKey } from './seen-keys.ts'

const NOTHING: Buffer = Buffer.alloc(0)
const EMPTY: FieldValue = { kind: 'other', isEmpty: true }
const ABSENT: FieldValue = { kind: 'absent' }

/**
 * The wanted fields of a body, by path. Refuses with `body_unparsable` unless the body is one UTF-8
 * JSON object (or array, where its elements are wanted), at most 64 deep, without a byte order mark,
 * and with, at each object on the way, at most 1024 keys, no two of which fold alike, and none that
 * folds like a wanted one but is spelt otherwise (`Model`, `run-id`).
 *
 * @param body the whole body; untrusted
 */
export function readJsonFields(
  body: Buffer,
  tree: FieldTree,
): ReadonlyMap<string, FieldValue> | Refusal {
  const scanner = new JsonFieldScanner(tree)
  return scanner.push(body) && scanner.end() ? scanner.found : refuse('body_unparsable')
}

/** As {@link readJsonFields}, of a text that comes in pieces. */
export class JsonFieldScanner extends JsonMachine {
  /** By path. Lists are complete only at the end. */
  readonly found = new Map<string, FieldValue>()
  /** The wanted field that came after {@link suspend}. */
  late: string | undefined
  private isLate = false
  private piece = NOTHING
  /** What is wanted of the value that comes next. */
  private branch: FieldBranch | undefined
  private readonly frames: Frame[] = []
  private readonly lists = new Map<string, FieldValue[]>()
  private readonly settled: FieldBranch[] = []
  private readonly tree: FieldTree

  constructor(tree: FieldTree) {
    super()
    this.tree = tree
  }

  override push(chunk: Buffer): boolean {
    this.piece = chunk
    const isGood = super.push(chunk)
    for (const { seen } of this.frames) seen?.settle(chunk)
    this.piece = NOTHING
    return isGood
  }

  /** Makes ready for another text, after a whole one. */
  override restart(): void {
    super.restart()
    this.found.clear()
    this.lists.clear()
    this.settled.length = 0
    this.branch = undefined
  }

  /** Whether the text is one whole JSON text. */
  override end(): boolean {
    for (const [path, items] of this.lists) this.found.set(path, { kind: 'list', items })
    return super.end()
  }

  /**
   * The request is to be judged by what is here, and the rest only watched: from now on a wanted
   * field is {@link late}, and refused. False when that cannot be: an array is not all here of
   * which every element counts.
   */
  suspend(): boolean {
    this.isLate = true
    for (const [at, frame] of this.frames.entries()) {
      if (frame.items !== undefined) return false
      // What is not all here, but neither empty nor a text.
      if (frame.branch?.path === undefined || !this.hasContent(at + 1)) continue
      this.found.set(frame.branch.path, OTHER)
      frame.branch = undefined
    }
    if (this.isLong && this.branch?.path !== undefined) {
      this.found.set(this.branch.path, OTHER)
      this.branch = undefined
    }
    for (const [path, items] of this.lists) this.found.set(path, { kind: 'list', items })
    return true
  }

  /** Whether a value of that path could still come. */
  isOpen(path: string): boolean {
    return !this.found.has(path) && !this.settled.some(({ paths }) => paths.includes(path))
  }

  protected override wantsText(): boolean {
    return this.branch?.path !== undefined
  }

  protected override onKey(key: string): boolean {
    const { tree, seen } = this.frames.at(-1) ?? {}
    // Libraries in C end a key at NUL, so that `model\u0000x` would be `model` to them.
    if (tree === undefined || seen === undefined || key.includes('\0')) return false
    const folded = foldFieldName(key)
    if (!seen.takeText(folded, this.piece)) return false
    this.branch = tree.children.get(folded)
    return this.branch === undefined || this.branch.name === key
  }

  protected override onKeyAt(piece: Buffer, from: number, to: number): boolean {
    const { tree, seen } = this.frames.at(-1) ?? {}
    const hash = hashOfKey(piece, from, to)
    const isPlain = hash !== -1 && tree?.hashes.has(hash) === false
    if (!isPlain || seen?.takeHash(hash, from, to) !== true) {
      return this.onKey(unescaped(piece.toString('utf8', from - 1, to + 1)))
    }
    this.branch = undefined
    return true
  }

  protected override onScalar(kind: ScalarKind, text: string | undefined): boolean {
    const { branch } = this
    if (branch !== undefined) {
      if (kind !== 'null' && !this.keep(branch, scalarValue(kind, text), false)) return false
      this.settled.push(branch)
    }
    this.endValue()
    return true
  }

  protected override onOpen(isArray: boolean): 'tell' | 'skip' | 'refuse' {
    const branch = this.depth === 0 ? undefined : this.branch
    if (isArray) return this.openArray(branch)
    const tree = this.depth === 0 ? this.tree : branch?.below
    this.frames.push(objectFrame(branch, tree))
    this.branch = undefined
    return tree === undefined ? 'skip' : 'tell'
  }

  private openArray(branch: FieldBranch | undefined): 'tell' | 'skip' | 'refuse' {
    const array = this.depth === 0 ? this.tree.items : branch
    const items = array?.items
    this.branch = items
    if (array === undefined || items === undefined) {
      this.frames.push(arrayFrame(branch))
      return this.depth === 0 ? 'refuse' : 'skip'
    }
    if (this.isLate) {
      this.late = array.listPaths[0]
      return 'refuse'
    }
    const lists = array.listPaths.map((path) => this.listOf(path))
    this.frames.push(arrayFrame(branch, items, lists))
    return 'tell'
  }

  protected override onClose(isEmpty: boolean): boolean {
    const frame = this.frames.pop()
    const branch = frame?.branch
    if (branch !== undefined) {
      if (!this.keep(branch, isEmpty ? EMPTY : OTHER, frame?.isArray === true)) return false
      this.settled.push(branch)
    }
    this.endValue()
    return true
  }

  private keep(branch: FieldBranch, value: FieldValue, isArray: boolean): boolean {
    const { path, items, listPaths } = branch
    if (path !== undefined && !this.put(path, value)) return false
    // An object or a word where an array is expected: some upstream may take it for one element.
    if (items === undefined || isArray) return true
    return listPaths.every((listPath) => this.put(listPath, OTHER))
  }

  private put(path: string, value: FieldValue): boolean {
    if (this.isLate) {
      this.late = path
      return false
    }
    const list = this.lists.get(path)
    if (list === undefined) this.found.set(path, value)
    else list.push(value)
    return true
  }

  /** A value has ended: an element that had nothing of what is wanted says so. */
  private endValue(): void {
    const frame = this.frames.at(-1)
    this.branch = frame?.items
    if (frame === undefined || frame.lists.length === 0) return
    for (const [at, list] of frame.lists.entries()) {
      if (list.length === frame.lengths[at]) list.push(ABSENT)
      frame.lengths[at] = list.length
    }
  }

  private listOf(path: string): FieldValue[] {
    const list = this.lists.get(path) ?? []
    this.lists.set(path, list)
    return list
  }
}

/** As {@link readJsonFields}, of a body that comes in pieces. */
export class JsonBodyScanner implements BodyScanner {
  readonly form = NO_VALUES
  private readonly text: JsonFieldScanner

  constructor(tree: FieldTree) {
    this.text = new JsonFieldScanner(tree)
  }

  get body(): ReadonlyMap<string, FieldValue> {
    return this.text.found
  }

  push(chunk: Buffer): Refusal | undefined {
    return this.text.push(chunk) ? undefined : this.refusal()
  }

  end(): Refusal | undefined {
    return this.text.end() ? undefined : this.refusal()
  }

  suspend(): boolean {
    return this.text.suspend()
  }

  isOpen(path: string): boolean {
    return this.text.isOpen(path)
  }

  private refusal(): Refusal {
    const { late } = this.text
    return late === undefined ? refuse('body_unparsable') : tooFarBack(late)
  }
}
