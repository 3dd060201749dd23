/**
 * Reads the wanted fields of every line of an NDJSON body: one JSON object per line, in UTF-8. What
 * some readers take for the end of a line and others do not is refused within one.
 */
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { Operation } from '../../domain/vocabulary.ts'
import type { FieldTree, FieldValue } from './body-fields.ts'
import { NO_VALUES, tooFarBack, type BodyScanner, type JudgeRecord } from './body-scanner.ts'
import { JsonFieldScanner } from './json-fields.ts'

const LINE_END = 0x0a
const CARRIAGE_RETURN = 0x0d
const ABSENT: FieldValue = { kind: 'absent' }
const BAD = refuse('body_unparsable')

/** U+0085, U+2028, U+2029: ends of lines to Python's `str.splitlines`. */
const OTHER_LINE_ENDS = ['\u0085', '\u2028', '\u2029'].map((text) => Buffer.from(text))
const OTHER_BYTES_MAX = 3

/** Values are lists, with one or more items for every line; `absent` where a line has none. */
export class NdjsonScanner implements BodyScanner {
  readonly form = NO_VALUES
  judge: JudgeRecord | undefined
  private readonly lists = new Map<string, FieldValue[]>()
  private readonly line: JsonFieldScanner
  private lines = 0
  private endsInReturn = false
  /** The last bytes of the piece before. */
  private seam: Buffer = Buffer.alloc(0)
  private isLate = false
  private operations: Operation[] = []
  private readonly paths: readonly string[]

  constructor(tree: FieldTree) {
    this.line = new JsonFieldScanner({ children: tree.children, hashes: tree.hashes })
    this.paths = [...tree.children.values()].flatMap(({ paths }) => paths)
  }

  get body(): ReadonlyMap<string, FieldValue> {
    return new Map([...this.lists].map(([path, items]) => [path, { kind: 'list', items }]))
  }

  push(chunk: Buffer): Refusal | readonly Operation[] | undefined {
    if (this.hasOtherLineEnd(chunk)) return BAD
    let from = 0
    for (;;) {
      const end = chunk.indexOf(LINE_END, from)
      const piece = chunk.subarray(from, end === -1 ? chunk.length : end)
      if (!this.feed(piece, end !== -1)) return BAD
      if (end === -1) return this.takeOperations()
      const refusal = this.endLine()
      if (refusal !== undefined) return refusal
      from = end + 1
    }
  }

  end(): Refusal | readonly Operation[] | undefined {
    if (this.endsInReturn) return BAD
    return this.endLine() ?? this.takeOperations()
  }

  suspend(): boolean {
    this.isLate = true
    return this.lines > 0
  }

  /** Lines that come later are judged when they do. */
  isOpen(): boolean {
    return false
  }

  private hasOtherLineEnd(chunk: Buffer): boolean {
    const seam = Buffer.concat([this.seam, chunk.subarray(0, OTHER_BYTES_MAX)])
    this.seam = Buffer.from(chunk.subarray(-OTHER_BYTES_MAX))
    return OTHER_LINE_ENDS.some((bytes) => chunk.includes(bytes) || seam.includes(bytes))
  }

  /** A carriage return stands only before the end of a line. */
  private feed(piece: Buffer, isLast: boolean): boolean {
    if (piece.length === 0) return true
    const at = piece.indexOf(CARRIAGE_RETURN)
    if (this.endsInReturn || (at !== -1 && at !== piece.length - 1)) return false
    this.endsInReturn = at !== -1 && !isLast
    return this.line.push(at === -1 ? piece : piece.subarray(0, at))
  }

  private endLine(): Refusal | undefined {
    this.endsInReturn = false
    const { line } = this
    if (line.isBlank) return undefined
    if (!line.end()) return BAD
    this.lines++
    let refusal: Refusal | undefined
    if (this.isLate) refusal = this.judgeLine()
    else this.collect(this.lists)
    line.restart()
    return refusal
  }

  private collect(lists: Map<string, FieldValue[]>): void {
    for (const path of this.paths) {
      const list = lists.get(path) ?? []
      lists.set(path, list)
      const value = this.line.found.get(path) ?? ABSENT
      if (value.kind !== 'list') list.push(value)
      else if (value.items.length === 0) list.push(ABSENT)
      else for (const item of value.items) list.push(item)
    }
  }

  private judgeLine(): Refusal | undefined {
    const lists = new Map<string, FieldValue[]>()
    this.collect(lists)
    const values = new Map<string, FieldValue>()
    for (const [path, items] of lists) values.set(path, { kind: 'list', items })
    const said = this.judge === undefined ? tooFarBack(undefined) : this.judge(values)
    if (isRefusal(said)) return said
    this.operations.push(...(said ?? []))
    return undefined
  }

  private takeOperations(): readonly Operation[] | undefined {
    const { operations } = this
    if (operations.length === 0) return undefined
    this.operations = []
    return operations
  }
}
