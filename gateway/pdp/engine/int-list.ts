/**
 * A list of integers that keeps its memory when it is emptied, so that one can serve every request.
 * It never grows past the number of rules it is filled from.
 */
export class IntList {
  size = 0
  #items = new Int32Array(16)

  /** The item at `index`, which must be below {@link size}. */
  at(index: number): number {
    return this.#items[index] ?? 0
  }

  push(item: number): void {
    if (this.size === this.#items.length) {
      const larger = new Int32Array(this.size * 2)
      larger.set(this.#items)
      this.#items = larger
    }
    this.#items[this.size++] = item
  }

  /** A copy, ascending. */
  sorted(): Int32Array {
    return this.copy().sort()
  }

  copy(): Int32Array {
    return this.#items.slice(0, this.size)
  }

  clear(): void {
    this.size = 0
  }
}
