/** The scanner of protobuf messages against a reader that does what generated code does. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ProtoScan } from '../../gateway/classify/grpc/proto-scan.ts'
import { compileProtoTree, type ProtoTree } from '../../gateway/classify/grpc/proto-tree.ts'
import { field, int } from '../support/grpc-messages.ts'

const TREE = treeFor(['1', '2.4', '3.1:int'])

function treeFor(paths: readonly string[]): ProtoTree {
  const tree = compileProtoTree(paths.map((path) => ({ path, presence: false })))
  if (tree === undefined) throw new Error('nothing is wanted')
  return tree
}

/** What is found when the message comes in pieces; `undefined` when it is refused. */
function scan(message: Buffer, cuts: readonly number[] = []): object | undefined {
  const one = new ProtoScan(TREE, message.length)
  const ends = [...new Set(cuts.map((cut) => cut % (message.length + 1)))].sort((a, b) => a - b)
  let from = 0
  for (const to of [...ends, message.length]) {
    // Each piece in a buffer of its own, with other bytes around it.
    const piece = Buffer.concat([Buffer.from([1]), message.subarray(from, to), Buffer.from([2])])
    if (!one.push(piece, 1, 1 + to - from)) return undefined
    from = to
  }
  return one.end() ? Object.fromEntries(one.fields()) : undefined
}

/**
 * Protobuf as its readers have it: the last string of field 1 wins, fields of another type than
 * declared are unknown and skipped, varints may be longer than they need be.
 * @throws Error when it is malformed
 */
function lastName(message: Buffer): string {
  let name = ''
  let at = 0
  const varint = (): number => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= message.length) throw new Error('ends in a varint')
      const byte = message[at++] ?? 0
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return Number(BigInt.asUintN(64, value))
    }
    throw new Error('a varint without end')
  }
  const skip = (bytes: number): number => {
    if (bytes > message.length - at) throw new Error('past the end')
    at += bytes
    return at
  }
  while (at < message.length) {
    const tag = varint()
    const [number, wire] = [Math.floor(tag / 8), tag % 8]
    if (number === 0) throw new Error('field 0')
    if (wire === 0) varint()
    else if (wire === 1) skip(8)
    else if (wire === 5) skip(4)
    else if (wire === 2) {
      const length = varint()
      const end = skip(length)
      if (number === 1) name = message.toString('utf8', end - length, end)
    } else throw new Error('a group')
  }
  return name
}

const part: fc.Arbitrary<Buffer> = fc.oneof(
  fc.string({ maxLength: 12 }).map((text) => field(1, text)),
  fc.string({ maxLength: 12 }).map((text) => field(2, field(4, text))),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => field(3, int(1, value))),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => field(7, Buffer.from(bytes))),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => int(20, value)),
)
const message = fc.array(part, { maxLength: 6 }).map((parts) => Buffer.concat(parts))

describe('a message', () => {
  it('says the same however it is cut', () => {
    fc.assert(
      fc.property(message, fc.array(fc.nat(4_000), { maxLength: 12 }), (bytes, cuts) => {
        const whole = scan(bytes)
        expect(whole).toBeDefined()
        expect(scan(bytes, cuts)).toEqual(whole)
        expect(scan(bytes, [...bytes.keys()])).toEqual(whole)
      }),
      { numRuns: 500 },
    )
  })

  it('that was tampered with never names another model than its readers see', () => {
    const mutation = fc.record({ at: fc.nat(), byte: fc.nat(255), how: fc.nat(2) })
    fc.assert(
      fc.property(message, fc.array(mutation, { minLength: 1, maxLength: 6 }), (bytes, changes) => {
        let mutant = bytes
        for (const { at, byte, how } of changes) {
          const place = at % (mutant.length + 1)
          const rest = mutant.subarray(place + (how === 0 ? 0 : 1))
          const middle = how === 2 ? [] : [byte]
          mutant = Buffer.concat([mutant.subarray(0, place), Buffer.from(middle), rest])
        }
        const found = scan(mutant) as Record<string, { kind: string; text?: string }> | undefined
        if (found === undefined) return
        const one = found['1']
        // Several are told as several, and refused or authorised one by one.
        if (one !== undefined && one.kind !== 'string') return
        expect(one?.text ?? '').toBe(lastName(mutant))
      }),
      { numRuns: 4_000 },
    )
  })
})
