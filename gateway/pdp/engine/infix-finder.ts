/**
 * Which of many literals occur anywhere in a text: the automaton of Aho and Corasick (1975). One
 * pass over the text, whatever the number of literals.
 */
import { BitFilter } from './bit-filter.ts'
import type { IntList } from './int-list.ts'
import type { LiteralFinder } from './literal-table.ts'

/** Patterns are made of ASCII; anything else in a text can be part of no literal. */
const CODES = 128

/** Nodes by number; 0 is the root and "none", since no edge leads to the root. */
interface Trie {
  /** The node behind an edge. */
  readonly next: (node: number, code: number) => number
  readonly size: number
  readonly parents: Int32Array
  readonly codes: Uint8Array
  readonly depths: Uint16Array
  /** One more than the number of the literal that ends here, or 0. */
  readonly ends: Int32Array
}

/** Builds the automaton. `literals` are distinct, not empty, and ASCII. */
export function createInfixFinder(literals: readonly string[]): LiteralFinder {
  const trie = buildTrie(literals)
  const { fallbacks, shorter } = linksOf(trie)
  // A literal can occur twice: the turn in which it was last seen tells.
  const seenIn = new Float64Array(literals.length)
  let turn = 0
  const report = (node: number, found: IntList): void => {
    for (let at = node; at > 0; at = shorter[at] ?? 0) {
      const id = (trie.ends[at] ?? 0) - 1
      if (id < 0 || seenIn[id] === turn) continue
      seenIn[id] = turn
      found.push(id)
    }
  }
  return {
    find(text, found) {
      turn++
      let node = 0
      for (let i = 0; i < text.length; i++) {
        node = advance(trie, fallbacks, node, text.charCodeAt(i))
        if (node !== 0) report(node, found)
      }
    },
  }
}

function advance(trie: Trie, fallbacks: Int32Array, from: number, code: number): number {
  if (code >= CODES) return 0
  for (let node = from; ; node = fallbacks[node] ?? 0) {
    const to = trie.next(node, code)
    if (to !== 0 || node === 0) return to
  }
}

function buildTrie(literals: readonly string[]): Trie {
  const nodesMax = literals.reduce((sum, { length }) => sum + length, 1)
  const parents = new Int32Array(nodesMax)
  const codes = new Uint8Array(nodesMax)
  const depths = new Uint16Array(nodesMax)
  const ends = new Int32Array(nodesMax)
  const edges = createEdges(nodesMax)
  let size = 1
  for (const [id, literal] of literals.entries()) {
    let node = 0
    for (let i = 0; i < literal.length; i++) {
      const code = literal.charCodeAt(i)
      let child = edges.next(node, code)
      if (child === 0) {
        child = size++
        parents[child] = node
        codes[child] = code
        depths[child] = i + 1
        edges.add(node, code, child)
      }
      node = child
    }
    ends[node] = id + 1
  }
  return { next: edges.next, size, parents, codes, depths, ends }
}

/** Edges of up to `nodesMax` nodes. Those of the root are apart, as most steps start and end there. */
function createEdges(nodesMax: number) {
  const fromRoot = new Int32Array(CODES)
  // Pairs of key and node, at most half full, so that a search ends soon.
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(nodesMax * 2)) * 2)
  const mask = slots.length - 1
  const filter = new BitFilter(nodesMax)
  const find = (key: number, hash: number): number => {
    for (let at = (hash << 1) & mask; ; at = (at + 2) & mask) {
      if (slots[at + 1] === 0 || slots[at] === key) return at
    }
  }
  return {
    next: (node: number, code: number): number => {
      if (node === 0) return fromRoot[code] ?? 0
      const key = node * CODES + code
      const hash = hashOf(key)
      return filter.mayHave(hash) ? (slots[find(key, hash) + 1] ?? 0) : 0
    },
    add(node: number, code: number, child: number): void {
      if (node === 0) {
        fromRoot[code] = child
        return
      }
      const key = node * CODES + code
      const hash = hashOf(key)
      filter.add(hash)
      const at = find(key, hash)
      slots[at] = key
      slots[at + 1] = child
    },
  }
}

function hashOf(key: number): number {
  const hash = Math.imul(key, 0x9e3779b1)
  return hash ^ (hash >>> 15)
}

/**
 * For each node: the node of its longest proper suffix, and the nearest one of those where a literal
 * ends. Shallow nodes first, because each looks at shallower ones only.
 */
function linksOf(trie: Trie): { fallbacks: Int32Array; shorter: Int32Array } {
  const { parents, codes, ends } = trie
  const fallbacks = new Int32Array(trie.size)
  const shorter = new Int32Array(trie.size)
  for (const node of byDepth(trie)) {
    const parent = parents[node] ?? 0
    const fallback =
      parent === 0 ? 0 : advance(trie, fallbacks, fallbacks[parent] ?? 0, codes[node] ?? 0)
    fallbacks[node] = fallback
    shorter[node] = ends[fallback] === 0 ? (shorter[fallback] ?? 0) : fallback
  }
  return { fallbacks, shorter }
}

/** Every node but the root, shallowest first. */
function byDepth({ size, depths }: Trie): Int32Array {
  const nodes = new Int32Array(size - 1)
  let count = 0
  for (let depth = 1; count < nodes.length; depth++) {
    for (let node = 1; node < size; node++) if (depths[node] === depth) nodes[count++] = node
  }
  return nodes
}
