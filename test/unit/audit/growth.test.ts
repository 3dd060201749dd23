import { describe, expect, it } from '@jest/globals'
import {
  growthBody,
  NOTHING,
  parseGrowth,
  parseTreeHead,
  refusedGrowth,
} from '../../../gateway/audit/signing/growth.ts'
import { growingLog } from '../../support/witnessing.ts'

const log = growingLog()
const fork = growingLog('other')
const head = (size: number, of = log) => ({ size, root: of.rootAt(size) })
const parse = (text: string) => parseGrowth(Buffer.from(text))
const HASH = log.rootAt(1).toString('base64')

describe('the body of add-checkpoint', () => {
  it('is read as it is written', () => {
    const proof = log.proof(5, 9)
    expect(parse(growthBody(5, proof, 'the rest\n\nwith lines\n'))).toEqual({
      from: 5,
      proof,
      rest: Buffer.from('the rest\n\nwith lines\n'),
    })
    expect(parse('old 0\n\n')).toEqual({ from: 0, proof: [], rest: Buffer.alloc(0) })
  })

  it.each([
    ['nothing', ''],
    ['no empty line', `old 1\n${HASH}\n`],
    ['no old size', `${HASH}\n\nrest`],
    ['a leading zero', 'old 01\n\nrest'],
    ['a sign', 'old +1\n\nrest'],
    ['a fraction', 'old 1.0\n\nrest'],
    ['hex', 'old 0x1\n\nrest'],
    ['two spaces', 'old  1\n\nrest'],
    ['a size beyond what counts exactly', 'old 9007199254740993\n\nrest'],
    ['a space behind it', 'old 1 \n\nrest'],
    ['CRLF', `old 1\r\n${HASH}\r\n\r\nrest`],
    ['CRLF behind the old size', `old 1\r\n\n`],
    ['a hash without padding', `old 1\n${HASH.slice(0, -1)}\n\nrest`],
    ['a hash of URL base64', `old 1\n${'_'.repeat(43)}=\n\nrest`],
    ['a hash with a space', `old 1\n${HASH} \n\nrest`],
    ['a short hash', `old 1\n${Buffer.alloc(31).toString('base64')}\n\nrest`],
    ['a long hash', `old 1\n${Buffer.alloc(33).toString('base64')}\n\nrest`],
    ['64 lines of proof', `old 1\n${`${HASH}\n`.repeat(64)}\nrest`],
    ['capitals', 'OLD 1\n\nrest'],
  ])('is refused with %s', (_what, text) => {
    expect(parse(text)).toEqual(expect.any(String))
  })

  it('is refused when it is no UTF-8 or too long', () => {
    expect(parseGrowth(Buffer.from('old 1\n\n\xff', 'latin1'))).toEqual(expect.any(String))
    expect(parse(`old 1\n\n${'x'.repeat(64 * 1024)}`)).toEqual(expect.any(String))
    expect(parse(`old 1\n${`${HASH}\n`.repeat(63)}\nrest`)).toMatchObject({ from: 1 })
  })
})

describe('growth', () => {
  it('is what appends, from every size to every size', () => {
    for (let from = 0; from <= 17; from++) {
      for (let to = from; to <= 17; to++) {
        const proof = log.proof(from, to)
        expect(refusedGrowth(head(from), { from, proof }, head(to))).toBeUndefined()
      }
    }
  })

  it('is refused as the protocol says', () => {
    const judge = (known: number, from: number, to: number, of = log) =>
      refusedGrowth(head(known), { from, proof: of.proof(Math.min(from, to), to) }, head(to, of))
    expect(judge(5, 9, 8)).toMatchObject({ status: 400 })
    const conflict = { status: 409, body: '5\n', type: 'text/x.tlog.size' }
    expect([judge(5, 4, 8), judge(5, 6, 8), judge(5, 0, 8)]).toEqual([conflict, conflict, conflict])
    // The same size with another root, and a smaller one.
    expect([judge(5, 5, 5, fork), judge(5, 4, 4)]).toEqual([conflict, conflict])
    expect(judge(5, 5, 8, fork)).toMatchObject({ status: 422 })
  })

  it('is not shown by a proof with anything wrong', () => {
    const proof = log.proof(5, 9)
    const [first = Buffer.alloc(0), second = Buffer.alloc(0), ...rest] = proof
    for (const wrong of [
      [],
      proof.slice(1),
      proof.slice(0, -1),
      [...proof, first],
      [second, first, ...rest],
      [Buffer.from(first).fill(0, 0, 1), second, ...rest],
      proof.map(() => Buffer.alloc(32)),
    ]) {
      expect(refusedGrowth(head(5), { from: 5, proof: wrong }, head(9))?.status).toBe(422)
    }
    // Nothing is proven from nothing, and to where one stands: then there must be no proof.
    expect(refusedGrowth(NOTHING, { from: 0, proof }, head(9))?.status).toBe(422)
    expect(refusedGrowth(head(9), { from: 9, proof }, head(9))?.status).toBe(422)
  })

  it('goes on from a place that is written SIZE:ROOT', () => {
    const root = log.rootAt(7)
    expect(parseTreeHead(`7:${root.toString('base64')}`)).toEqual({ size: 7, root })
    for (const wrong of ['7', ':x', '7:', `07:${HASH}`, `-1:${HASH}`, '7:AAAA', `0:${HASH}`]) {
      expect([wrong, parseTreeHead(wrong)]).toEqual([wrong, undefined])
    }
    expect(parseTreeHead(`0:${NOTHING.root.toString('base64')}`)).toEqual(NOTHING)
  })
})
