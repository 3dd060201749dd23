import { describe, expect, it } from '@jest/globals'
import { ProtoScan } from '../../../gateway/classify/grpc/proto-scan.ts'
import { compileProtoTree } from '../../../gateway/classify/grpc/proto-tree.ts'
import { field, int, varint } from '../../support/grpc-messages.ts'

const text = (value: string) => ({ kind: 'string', text: value })

/** What is found in a message; `undefined` when it is refused. */
function scan(
  message: Buffer,
  values: readonly string[],
  presences: readonly string[] = [],
): Record<string, unknown> | undefined {
  const tree = compileProtoTree([
    ...values.map((path) => ({ path, presence: false })),
    ...presences.map((path) => ({ path, presence: true })),
  ])
  if (tree === undefined) throw new Error('nothing is wanted')
  const one = new ProtoScan(tree, message.length)
  const isGood = one.push(message, 0, message.length) && one.end()
  return isGood ? Object.fromEntries(one.fields()) : undefined
}

const concat = (...parts: Buffer[]) => Buffer.concat(parts)
const fixed = (number: number, wire: 1 | 5) =>
  concat(varint(number * 8 + wire), Buffer.alloc(wire === 1 ? 8 : 4))

describe('fields', () => {
  it('are found by number, among fields of every other type', () => {
    const message = concat(int(9, 7n), field(1, 'iris'), fixed(4, 1), fixed(5, 5), field(2, '3'))
    expect(scan(message, ['1', '2'])).toEqual({ '1': text('iris'), '2': text('3') })
  })

  it('are found within messages', () => {
    const message = concat(field(1, concat(field(1, 'iris'), field(4, 'stable'))), field(2, 'no'))
    expect(scan(message, ['1.1', '1.4'])).toEqual({ '1.1': text('iris'), '1.4': text('stable') })
  })

  it('that are empty are not there', () => {
    expect(scan(concat(field(1, 'iris'), field(2, '')), ['1', '2'])).toEqual({ '1': text('iris') })
    expect(scan(Buffer.alloc(0), ['1'])).toEqual({})
  })

  it('that occur twice with one value say one thing; with two, both', () => {
    expect(scan(concat(field(1, 'a'), field(1, 'a')), ['1'])).toEqual({ '1': text('a') })
    const both = { '1': { kind: 'list', items: [text('a'), text('b')] } }
    expect(scan(concat(field(1, 'a'), field(1, 'b')), ['1'])).toEqual(both)
    const reset = { '1': { kind: 'list', items: [text('a'), text('')] } }
    expect(scan(concat(field(1, 'a'), field(1, '')), ['1'])).toEqual(reset)
  })

  it('of messages that occur twice are merged', () => {
    const message = concat(field(1, field(1, 'a')), field(1, field(1, 'b')))
    const both = { '1.1': { kind: 'list', items: [text('a'), text('b')] } }
    expect(scan(message, ['1.1'])).toEqual(both)
  })
})

describe('numbers', () => {
  const number = (value: string) => ({ kind: 'number', text: value })

  it.each([
    ['1.2:int', field(1, int(2, 5)), '5'],
    ['1.2:int', field(1, int(2, -1)), '-1'],
    ['3:int', int(3, 2n ** 62n), String(2n ** 62n)],
    ['1.2:int-message', field(1, field(2, int(1, 5))), '5'],
    ['1.2:int-message', field(1, field(2, '')), '0'],
  ])('%s are read', (path, message, value) => {
    expect(scan(message, [path])).toEqual({ [path]: number(value) })
  })
})

describe('presence', () => {
  it('is whether a field occurs, whatever is in it', () => {
    const message = concat(field(1, concat(field(1, 'k'), Buffer.from([0x10, 0xff, 0x01]))))
    expect(scan(message, [], ['1'])).toEqual({ '1': { kind: 'other' } })
    expect(scan(field(2, 'x'), [], ['1'])).toEqual({})
  })

  it('is refused where it may count for absence', () => {
    expect(scan(field(1, ''), [], ['1'])).toBeUndefined()
    expect(scan(int(1, 0), [], ['1'])).toBeUndefined()
  })
})

describe('refused', () => {
  const good = field(1, 'iris')
  it.each<[string, Buffer]>([
    ['a number where a string is wanted', int(1, 5)],
    ['a fixed number where a string is wanted', fixed(1, 5)],
    ['field number 0', concat(Buffer.from([0x02, 0x01, 0x61]), good)],
    ['a group', concat(Buffer.from([0x0b, 0x0c]), good)],
    ['wire type 6', concat(Buffer.from([0x16]), good)],
    ['wire type 7', concat(Buffer.from([0x17]), good)],
    ['a tag with a needless byte', concat(Buffer.from([0x8a, 0x00, 0x01, 0x61]))],
    ['a tag of six bytes', Buffer.from([0x8a, 0x80, 0x80, 0x80, 0x80, 0x00, 0x01, 0x61])],
    ['a tag past 32 bits', Buffer.from([0x8a, 0x80, 0x80, 0x80, 0x10, 0x01, 0x61])],
    ['a length with a needless byte', Buffer.from([0x0a, 0x81, 0x00, 0x61])],
    ['a length past the message', Buffer.from([0x0a, 0x05, 0x61])],
    ['an unwanted length past the message', concat(good, Buffer.from([0x1a, 0x05, 0x61]))],
    ['a length past 31 bits', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['a value of eleven bytes', concat(Buffer.from([0x18]), Buffer.alloc(10, 0x80), good)],
    ['a fixed value past the message', concat(good, Buffer.from([0x19, 0, 0]))],
    ['a message that ends in a tag', concat(good, Buffer.from([0x80]))],
    ['text that is not UTF-8', concat(Buffer.from([0x0a, 0x02, 0xc0, 0xaf]))],
    ['text past any name', field(1, 'a'.repeat(4097))],
    ['sixty-five values', concat(...Array.from({ length: 65 }, (_, i) => field(1, `m${i}`)))],
  ])('%s', (_, message) => {
    expect(scan(message, ['1'])).toBeUndefined()
  })

  it.each<[string, Buffer]>([
    ['a string where a message is wanted is read as one', field(1, 'iris')],
    ['a field past the message within', concat(Buffer.from([0x0a, 0x03, 0x0a, 0x02, 0x61]), good)],
    ['a message within that ends in a tag', field(1, Buffer.from([0x80]))],
    ['a number where a message is wanted', int(1, 5)],
  ])('%s', (_, message) => {
    expect(scan(message, ['1.1'])).toBeUndefined()
  })
})
