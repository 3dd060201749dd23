/** Treats the tagged fields of one JSON document; every other byte stays as it was written. */
import type { ChangingTreatment } from '../../domain/data-classes.ts'
import type { DataTokens } from '../../egress/tokens/data-tokens.ts'
import type { Edit } from '../obligations/json-edit.ts'
import { stricterRule, type FieldRule } from './field-rule.ts'
import { matchPaths } from './field-paths.ts'
import type { FieldRules } from './field-rules.ts'
import { readTape, type JsonTape } from './json-tape.ts'
import { Marks } from './marks.ts'
import { markNamedCells } from './named-cells.ts'
import { treatValue } from './treat-value.ts'

/** Each takes some ten microseconds, in which nobody else is served. */
const TOKENS_MAX = 100_000

/** What an edit needs besides the rules. */
export interface ClassEditOptions {
  readonly tokens: DataTokens | undefined
  /** Told of every value that was treated. */
  readonly onTreated: (treatment: ChangingTreatment) => void
  /** The document is one of several of an answer: columns it names may stand in the others. */
  readonly isPart: boolean
}

/**
 * The same buffer when nothing is tagged; `undefined` when it is not JSON that can be read (UTF-8,
 * 64 deep, two million values), names columns whose cells cannot be told, has more lists of names
 * than could be looked up, or would have more than 100,000 tokens.
 */
export function editClasses(
  document: Buffer,
  rules: FieldRules,
  options: ClassEditOptions,
): Buffer | undefined {
  const tape = readTape(document)
  if (tape === undefined) return undefined
  const marks = new Marks(tape.count)
  matchPaths(tape, rules.paths, (value, rule) => {
    const isElement = (tape.key[value] ?? -1) < 0
    marks.add(value, rule, isElement ? 'empty' : 'gone')
  })
  if (!markNamedCells(tape, { names: rules.names, marks, isPart: options.isPart })) return undefined
  if (marks.size === 0) return document
  const editor = new Editor(tape, marks, options)
  const edits = editor.run()
  return editor.tokens > TOKENS_MAX ? undefined : spliced(document, edits)
}

/** `document` with `edits`, which are in order; most of them are small, and there may be many. */
function spliced(document: Buffer, edits: readonly Edit[]): Buffer {
  let size = document.length
  for (const { start, end, text } of edits) size += Buffer.byteLength(text) - (end - start)
  const out = Buffer.allocUnsafe(size)
  let [from, at] = [0, 0]
  for (const { start, end, text } of edits) {
    at += document.copy(out, at, from, start)
    at += out.write(text, at)
    from = end
  }
  document.copy(out, at, from)
  return out
}

class Editor {
  tokens = 0
  private readonly edits: Edit[] = []
  private readonly tape: JsonTape
  private readonly marks: Marks
  private readonly options: ClassEditOptions

  constructor(tape: JsonTape, marks: Marks, options: ClassEditOptions) {
    this.tape = tape
    this.marks = marks
    this.options = options
  }

  run(): readonly Edit[] {
    this.visit(0, undefined)
    return this.edits
  }

  /** `above`: what becomes of the list that `value` is an element of. */
  private visit(value: number, above: FieldRule | undefined): void {
    const mark = this.marks.of(value)
    const rule =
      mark === undefined || above === undefined
        ? (mark?.rule ?? above)
        : stricterRule(above, mark.rule)
    const kind = this.tape.kind(value)
    if (kind === 'null') return
    const isRemoved = rule?.treatment === 'remove'
    if (rule !== undefined && (kind !== 'array' || isRemoved)) this.replace(value, kind, rule)
    else if (kind === 'array' || kind === 'object') this.descend(value, rule)
  }

  private replace(
    value: number,
    kind: Exclude<ReturnType<JsonTape['kind']>, 'null'>,
    rule: FieldRule,
  ): void {
    let strictest = rule
    // A token or the rest of a whole must not keep what is to go from within it.
    const { next, start, end } = this.tape
    if (kind === 'object') {
      for (const mark of this.marks.within(value, next[value] ?? 0)) {
        strictest = stricterRule(strictest, mark.rule)
      }
    }
    const standing = { kind, text: this.tape.text(value) }
    const treated = treatValue(standing, strictest, this.options.tokens)
    const text = treated.kind === 'string' ? JSON.stringify(treated.text) : treated.text || 'null'
    this.edits.push({ start: start[value] ?? 0, end: end[value] ?? 0, text })
    if (treated.as === 'tokenise') this.tokens++
    this.options.onTreated(treated.as)
  }

  private descend(value: number, rule: FieldRule | undefined): void {
    const { tape, marks } = this
    if (rule === undefined && !marks.isAnyWithin(value, tape.next[value] ?? 0)) return
    let [kept, lastEnd, removedFrom] = [0, 0, -1]
    const cut = (start: number, end: number): void => {
      if (start >= 0) this.edits.push({ start, end, text: '' })
    }
    for (const child of tape.children(value)) {
      const start = tape.itemStart(child)
      if (this.isGone(child)) {
        this.options.onTreated('remove')
        // An item goes together with one comma, so that what stays is still a list.
        if (kept > 0) cut(lastEnd, tape.end[child] ?? 0)
        else if (removedFrom < 0) removedFrom = start
      } else {
        cut(removedFrom, start)
        removedFrom = -1
        kept++
        this.visit(child, rule)
      }
      lastEnd = tape.end[child] ?? 0
    }
    cut(removedFrom, lastEnd)
  }

  private isGone(value: number): boolean {
    const mark = this.marks.of(value)
    return mark?.rule.treatment === 'remove' && mark.removed === 'gone'
  }
}
