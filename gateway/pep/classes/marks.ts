import { stricterRule, type FieldRule } from './field-rule.ts'

/**
 * What becomes of a value: `gone`: a removed one leaves its object or list; `empty`: it is `null`, so
 * that the others keep their places.
 */
export interface Mark {
  readonly rule: FieldRule
  readonly removed: 'gone' | 'empty'
}

/** The values that are to be treated, by their number. */
export class Marks {
  private readonly marked = new Map<number, Mark>()
  private sorted: readonly number[] | undefined

  get size(): number {
    return this.marked.size
  }

  add(value: number, rule: FieldRule, removed: Mark['removed']): void {
    const before = this.marked.get(value)
    this.sorted = undefined
    this.marked.set(value, {
      rule: stricterRule(before?.rule, rule),
      removed: before?.removed === 'gone' ? 'gone' : removed,
    })
  }

  of(value: number): Mark | undefined {
    return this.marked.get(value)
  }

  /** The marks on what comes after `value` and before `next`. */
  *within(value: number, next: number): Generator<Mark, void> {
    this.sorted ??= [...this.marked.keys()].sort((a, b) => a - b)
    for (let at = this.firstAfter(value); at < this.sorted.length; at++) {
      const one = this.sorted[at] ?? next
      if (one >= next) return
      const mark = this.marked.get(one)
      if (mark !== undefined) yield mark
    }
  }

  private firstAfter(value: number): number {
    const { sorted = [] } = this
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sorted[middle] ?? 0) <= value) low = middle + 1
      else high = middle
    }
    return low
  }
}
