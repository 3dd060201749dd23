import { describe, expect, it } from '@jest/globals'
import { CompactRange } from '../../../../gateway/audit/tree/compact-range.ts'
import {
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  leafHashOf,
  nodeHash,
  rootAt,
  verifyConsistency,
  verifyInclusion,
} from '../../../../gateway/audit/tree/merkle.ts'

/** The reference leaves and roots of Certificate Transparency (RFC 6962). */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657'].concat(
  '606162636465666768696a6b6c6d6e6f',
)
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const leaves = LEAVES.map((hex) => leafHashOf(Buffer.from(hex, 'hex')))

/** The hashes of a tree over `leaves`, computed from below. */
const over = (all: readonly Buffer[]) => {
  const hashAt = (level: number, index: number): Buffer =>
    level === 0
      ? (all[index] ?? Buffer.alloc(0))
      : nodeHash(hashAt(level - 1, 2 * index), hashAt(level - 1, 2 * index + 1))
  return hashAt
}
const many = Array.from({ length: 70 }, (_, i) => leafHashOf(Buffer.from(String(i))))

describe('a tree', () => {
  it.each(ROOTS.map((root, size) => [size, root]))('of %d leaves has root %s', (size, root) => {
    expect(rootAt(Number(size), over(leaves)).toString('hex')).toBe(root)
    const range = new CompactRange()
    for (const leaf of leaves.slice(0, Number(size))) range.append(leaf)
    expect(range.root().toString('hex')).toBe(root)
    expect(range.size).toBe(size)
  })

  it('goes on from any size as if it had been there all the time', () => {
    for (let size = 0; size < many.length; size++) {
      const range = CompactRange.restore(size, over(many))
      expect(range.root()).toEqual(rootAt(size, over(many)))
      for (const leaf of many.slice(size)) range.append(leaf)
      expect(range.root()).toEqual(rootAt(many.length, over(many)))
    }
  })

  it('tells of every complete subtree once', () => {
    const told = new Map<string, Buffer>()
    const range = new CompactRange()
    for (const leaf of many) {
      range.append(leaf, (level, index, hash) => {
        expect(told.has(`${level}/${index}`)).toBe(false)
        told.set(`${level}/${index}`, hash)
      })
    }
    expect(told.size).toBe(70 + 35 + 17 + 8 + 4 + 2 + 1)
    for (const [place, hash] of told) {
      const [level = 0, index = 0] = place.split('/').map(Number)
      expect(hash).toEqual(over(many)(level, index))
    }
  })
})

describe('a proof of inclusion', () => {
  it('holds for every leaf of every size, and for no other leaf, place, size or root', () => {
    for (let size = 1; size <= 40; size++) {
      const root = rootAt(size, over(many))
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(index, size, over(many))
        const leaf = many[index] ?? EMPTY_ROOT
        const claim = { index, size, leaf, proof, root }
        expect(verifyInclusion(claim)).toBe(true)
        expect(verifyInclusion({ ...claim, leaf: many[index + 1] ?? EMPTY_ROOT })).toBe(false)
        expect(verifyInclusion({ ...claim, root: EMPTY_ROOT })).toBe(false)
        expect(verifyInclusion({ ...claim, proof: [...proof, EMPTY_ROOT] })).toBe(false)
        if (proof.length > 0) {
          expect(verifyInclusion({ ...claim, proof: proof.slice(1) })).toBe(false)
          expect(verifyInclusion({ ...claim, index: (index + 1) % size })).toBe(false)
        }
        if (proof.length > 1) {
          expect(verifyInclusion({ ...claim, proof: [...proof].reverse() })).toBe(false)
        }
      }
    }
  })

  it('does not hold for places and hashes that cannot be', () => {
    const leaf = many[0] ?? EMPTY_ROOT
    const claim = { index: 0, size: 1, leaf, proof: [], root: leaf }
    expect(verifyInclusion(claim)).toBe(true)
    for (const wrong of [
      { index: 1 },
      { index: -1 },
      { index: 0.5 },
      { size: 0 },
      { size: Number.NaN },
      { size: 2 ** 53 },
      { root: leaf.subarray(0, 31) },
      { size: 2, proof: [leaf.subarray(0, 31)] },
      { size: 2, proof: Array.from({ length: 64 }, () => leaf) },
    ]) {
      expect(verifyInclusion({ ...claim, ...wrong })).toBe(false)
    }
  })
})

describe('a proof of consistency', () => {
  it('holds for every pair of sizes, and for no other', () => {
    for (let to = 0; to <= 33; to++) {
      const toRoot = rootAt(to, over(many))
      for (let from = 0; from <= to; from++) {
        const fromRoot = rootAt(from, over(many))
        const proof = consistencyProof(from, to, over(many))
        const claim = { from, to, fromRoot, toRoot, proof }
        expect(verifyConsistency(claim)).toBe(true)
        expect(verifyConsistency({ ...claim, proof: [...proof, EMPTY_ROOT] })).toBe(false)
        const other = leafHashOf(Buffer.from('other'))
        expect(verifyConsistency({ ...claim, fromRoot: other })).toBe(false)
        if (from > 0) expect(verifyConsistency({ ...claim, toRoot: other })).toBe(false)
        if (proof.length > 0) {
          expect(verifyConsistency({ ...claim, proof: proof.slice(0, -1) })).toBe(false)
          expect(verifyConsistency({ ...claim, proof: proof.slice(1) })).toBe(false)
          expect(verifyConsistency({ ...claim, proof: [other, ...proof.slice(1)] })).toBe(false)
        }
      }
    }
  })

  it('does not hold for a tree that became smaller, or for sizes that cannot be', () => {
    const root = many[0] ?? EMPTY_ROOT
    const claim = { from: 1, to: 1, fromRoot: root, toRoot: root, proof: [] }
    expect(verifyConsistency(claim)).toBe(true)
    for (const wrong of [{ from: 2 }, { from: -1 }, { to: 1.5 }, { to: Infinity }]) {
      expect(verifyConsistency({ ...claim, ...wrong })).toBe(false)
    }
  })
})
