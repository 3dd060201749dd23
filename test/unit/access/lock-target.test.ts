import { describe, expect, it } from '@jest/globals'
import { canonicalTarget } from '../../../gateway/access/locks/target.ts'

describe('a lock on a network', () => {
  it.each([
    ['0.0.0.0/0', 'covers every address; lock everybody instead: `--all`'],
    ['::/0', 'covers every address; lock everybody instead: `--all`'],
    ['10.0.0.0/33', 'needs a prefix length from 1 to 32'],
    ['10.0.0.0/00', 'needs a prefix length from 1 to 32'],
    ['10.0.0.1/8', 'has host bits set; write 10.0.0.0/8'],
  ])('on %s says what to write', (cidr, problem) => {
    expect(canonicalTarget({ kind: 'network', cidr })).toEqual({
      problem: expect.stringContaining(`the network ${problem}`),
    })
  })

  it.each([
    ['10.0.0.1', '10.0.0.1/32'],
    ['2001:DB8::/32', '2001:db8::/32'],
  ])('on %s is on %s', (cidr, canonical) => {
    expect(canonicalTarget({ kind: 'network', cidr })).toEqual({ kind: 'network', cidr: canonical })
  })
})
