import { stricterRule, type FieldRule } from './field-rule.ts'

/**
 * What becomes of a value: `gone`: a removed one leaves its object or list; `empty`: it is `null`, so
 * that the others keep their places.
 */
export interface Mark {
  readonly rule: FieldRule
  readonly removed: 'gone' | 'empty'
}

/**
 * The values that are to be treated, by their number. Rows of numbers, not a map: there may be a
 * mark on each of two million values, and nobody else is served meanwhile.
 */
export class Marks {
  size = 0
  /** Each mark there is, once; there are as many as there are rules. */
  private readonly kinds: Mark[] = []
  /** By value, one more than the place of its mark in `kinds`; 0 for none. */
  private readonly marked: Int32Array
  /** By value, the first marked one from there on; made when nothing is added any more. */
  private following: Int32Array | undefined

  /** `count`: of all values. */
  constructor(count: number) {
    this.marked = new Int32Array(count)
  }

  add(value: number, rule: FieldRule, removed: Mark['removed']): void {
    const before = this.of(value)
    if (before === undefined) this.size++
    this.following = undefined
    this.marked[value] = this.kindOf({
      rule: stricterRule(before?.rule, rule),
      removed: before?.removed === 'gone' ? 'gone' : removed,
    })
  }

  of(value: number): Mark | undefined {
    return this.kinds[(this.marked[value] ?? 0) - 1]
  }

  /** Whether there is a mark on what comes after `value` and before `next`. */
  isAnyWithin(value: number, next: number): boolean {
    return this.from(value + 1) < next
  }

  /** The marks on what comes after `value` and before `next`. */
  *within(value: number, next: number): Generator<Mark, void> {
    for (let at = this.from(value + 1); at < next; at = this.from(at + 1)) {
      const mark = this.of(at)
      if (mark !== undefined) yield mark
    }
  }

  private from(value: number): number {
    this.following ??= this.readFollowing()
    return this.following[value] ?? this.marked.length
  }

  private readFollowing(): Int32Array {
    const { marked } = this
    const following = new Int32Array(marked.length)
    let next = marked.length
    for (let at = marked.length - 1; at >= 0; at--) {
      if (marked[at] !== 0) next = at
      following[at] = next
    }
    return following
  }

  private kindOf({ rule, removed }: Mark): number {
    const { kinds } = this
    for (let at = kinds.length - 1; at >= 0; at--) {
      const one = kinds[at]
      if (one?.removed === removed && isSameRule(one.rule, rule)) return at + 1
    }
    return kinds.push({ rule, removed })
  }
}

function isSameRule(a: FieldRule, b: FieldRule): boolean {
  return (
    a === b ||
    (a.treatment === b.treatment && a.dataClass === b.dataClass && a.dataset === b.dataset)
  )
}
