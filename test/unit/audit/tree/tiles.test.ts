import { describe, expect, it } from '@jest/globals'
import { leafHashOf, nodeHash } from '../../../../gateway/audit/tree/merkle.ts'
import {
  hashesOfTiles,
  partialTiles,
  subtreeHash,
  tilePath,
} from '../../../../gateway/audit/tree/tiles.ts'

describe('tiles', () => {
  it('have the paths of C2SP tlog-tiles', () => {
    expect(tilePath(0, 0)).toBe('tile/0/000')
    expect(tilePath(0, 999)).toBe('tile/0/999')
    expect(tilePath(1, 1000)).toBe('tile/1/x001/000')
    expect(tilePath(0, 1_234_067)).toBe('tile/0/x001/x234/067')
    expect(tilePath(3, 5, 17)).toBe('tile/3/005.p/17')
    expect(tilePath(0, 2 ** 40)).toBe('tile/0/x001/x099/x511/x627/776')
  })

  it('that are not full are one of each level at most', () => {
    expect(partialTiles(0)).toEqual([])
    expect(partialTiles(255)).toEqual([{ level: 0, index: 0, width: 255 }])
    expect(partialTiles(256)).toEqual([{ level: 1, index: 0, width: 1 }])
    expect(partialTiles(65_536)).toEqual([{ level: 2, index: 0, width: 1 }])
    expect(partialTiles(70_000)).toEqual([
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ])
  })

  it('give the hashes of all complete subtrees', () => {
    const hashes = Array.from({ length: 256 }, (_, i) => leafHashOf(Buffer.from([i])))
    const tile = Buffer.concat(hashes)
    const pair = nodeHash(hashes[4] ?? tile, hashes[5] ?? tile)
    expect(subtreeHash(tile, 4, 2)).toEqual(pair)
    const asked: string[] = []
    const hashAt = hashesOfTiles((level, index) => {
      asked.push(`${level}/${index}`)
      return tile
    })
    expect(hashAt(0, 256 + 7)).toEqual(hashes[7])
    expect(hashAt(1, 2)).toEqual(pair)
    expect(hashAt(9, 128 + 2)).toEqual(pair)
    expect(asked).toEqual(['0/1', '0/0', '1/1'])
  })
})
