/** The right edge of a growing tree: enough to append and to know the root, in O(log n) hashes. */
import { EMPTY_ROOT, nodeHash } from './merkle.ts'

/** Told of every complete subtree, once: its level, its place in that level from 0, its hash. */
export type OnNode = (level: number, index: number, hash: Buffer) => void

/** See the head of this file. */
export class CompactRange {
  /** One hash for each bit that is set in `size`, largest subtree first. */
  private readonly edge: Buffer[] = []
  private count = 0

  /** Leaves so far. */
  get size(): number {
    return this.count
  }

  /** The hashes of the edge, that of the largest subtree first. */
  get hashes(): readonly Buffer[] {
    return this.edge
  }

  /** Appends the hash of a leaf. Tells of the leaf itself (level 0) and of what it completes. */
  append(leaf: Buffer, onNode?: OnNode): void {
    let index = this.count
    let [level, hash] = [0, leaf]
    onNode?.(0, index, hash)
    while (index % 2 === 1) {
      hash = nodeHash(this.edge.pop() ?? EMPTY_ROOT, hash)
      level += 1
      index = (index - 1) / 2
      onNode?.(level, index, hash)
    }
    this.edge.push(hash)
    this.count += 1
  }

  /** The root of all leaves so far. */
  root(): Buffer {
    let root: Buffer | undefined
    for (let at = this.edge.length - 1; at >= 0; at--) {
      const left = this.edge[at] ?? EMPTY_ROOT
      root = root === undefined ? left : nodeHash(left, root)
    }
    return root ?? EMPTY_ROOT
  }

  /** The edge of a tree of `size` leaves, from the hashes of its complete subtrees. */
  static restore(size: number, hashAt: (level: number, index: number) => Buffer): CompactRange {
    const range = new CompactRange()
    let before = 0
    for (let level = Math.floor(Math.log2(Math.max(size, 1))); level >= 0; level--) {
      const span = 2 ** level
      if (size - before < span) continue
      range.edge.push(hashAt(level, before / span))
      before += span
    }
    range.count = size
    return range
  }
}
