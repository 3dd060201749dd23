import { Buffer } from 'node:buffer'
import * as zlib from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { codingOf, undoCoding } from '../../../gateway/classify/body/content-coding.ts'
import { zstdWindow } from '../../../gateway/classify/body/zstd-frame.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'

const TEXT = Buffer.from('{"model":"m","x":"hello hello hello hello"}')
const MIB = 1024 * 1024

const undo = async (bytes: Buffer, coding: 'gzip' | 'deflate' | 'zstd', max = MIB) => {
  const said = await undoCoding(bytes, coding, max)
  return isRefusal(said) ? said.reason : said.toString()
}

describe('the coding of a body', () => {
  it.each([
    [undefined, undefined],
    ['identity', undefined],
    [' GZIP ', 'gzip'],
    ['deflate', 'deflate'],
    ['x-gzip', 'body_encoding'],
    ['gzip, gzip', 'body_encoding'],
    ['identity, gzip', 'body_encoding'],
    ['gzip;q=1', 'body_encoding'],
    ['br', 'body_encoding'],
    ['zstd', 'body_encoding'],
    ['', 'body_encoding'],
  ])('%j is %j', (field, expected) => {
    const coding = codingOf(field, ['gzip', 'deflate'])
    expect(isRefusal(coding) ? coding.reason : coding).toBe(expected)
  })
})

describe('gzip', () => {
  const packed = zlib.gzipSync(TEXT)
  const named = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]),
    Buffer.from('body.json\0'),
    packed.subarray(10),
  ])
  const changed = (at: number, byte: number): Buffer => {
    const copy = Buffer.from(packed)
    copy[at < 0 ? copy.length + at : at] = byte
    return copy
  }

  it('is undone, with the name of a file in it as well', async () => {
    expect(await undo(packed, 'gzip')).toBe(TEXT.toString())
    expect(await undo(named, 'gzip')).toBe(TEXT.toString())
    expect(await undo(zlib.gzipSync(''), 'gzip')).toBe('')
  })

  it.each<[string, Buffer]>([
    ['a second member', Buffer.concat([packed, zlib.gzipSync('{"model":"n"}')])],
    ['bytes behind it', Buffer.concat([packed, Buffer.from('x')])],
    ['zeros behind it', Buffer.concat([packed, Buffer.alloc(8)])],
    ['its end cut off', packed.subarray(0, -1)],
    ['half of it', packed.subarray(0, 20)],
    ['a wrong sum', changed(-5, 0)],
    ['a wrong size', changed(-1, 1)],
    ['another method', changed(2, 7)],
    ['a reserved flag', changed(3, 0x80)],
    ['an extra field', changed(3, 4)],
    [
      'a name without an end',
      Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 8]), Buffer.alloc(20, 1)]),
    ],
    ['nothing', Buffer.alloc(0)],
    ['plain text', TEXT],
    ['zlib', zlib.deflateSync(TEXT)],
  ])('is refused with %s', async (_, bytes) => {
    expect(await undo(bytes, 'gzip')).toBe('body_unparsable')
  })
})

describe('deflate', () => {
  it('is undone where it is zlib', async () => {
    expect(await undo(zlib.deflateSync(TEXT), 'deflate')).toBe(TEXT.toString())
  })

  it.each<[string, Buffer]>([
    ['raw', zlib.deflateRawSync(TEXT)],
    ['followed by bytes', Buffer.concat([zlib.deflateSync(TEXT), Buffer.from('x')])],
    ['twice', Buffer.concat([zlib.deflateSync(TEXT), zlib.deflateSync(TEXT)])],
    ['with a dictionary', zlib.deflateSync(TEXT, { dictionary: Buffer.from('hello') })],
    ['cut', zlib.deflateSync(TEXT).subarray(0, -2)],
    ['gzip', zlib.gzipSync(TEXT)],
  ])('is refused %s', async (_, bytes) => {
    expect(await undo(bytes, 'deflate')).toBe('body_unparsable')
  })
})

describe('a bomb', () => {
  const zeros = Buffer.alloc(4 * MIB)
  it.each<['gzip' | 'deflate', Buffer]>([
    ['gzip', zlib.gzipSync(zeros)],
    ['deflate', zlib.deflateSync(zeros)],
  ])('in %s is not unpacked past the bound, nor past its ratio', async (coding, bytes) => {
    expect(await undo(bytes, coding)).toBe('body_over_peek')
    expect(await undo(bytes, coding, 64 * MIB)).toBe('body_over_peek')
    const small = coding === 'gzip' ? zlib.gzipSync('a'.repeat(60_000)) : zlib.deflateSync('a')
    expect((await undo(small, coding)).length).toBeGreaterThan(0)
  })
})

interface Zstd {
  readonly zstdCompressSync?: (bytes: Buffer, options?: object) => Buffer
}
const { zstdCompressSync } = zlib as unknown as Zstd
const ifThere = zstdCompressSync === undefined ? it.skip : it

/** `hello`, uncompressed, in one block of a single segment. */
const FRAME = Buffer.from('28b52ffd2005290000', 'hex')
const HELLO = Buffer.concat([FRAME, Buffer.from('hello')])

describe('a zstd frame', () => {
  it('is walked over', () => {
    expect(zstdWindow(HELLO)).toBe(5)
    expect(zstdWindow(Buffer.from('28b52ffd00580100006869', 'hex').subarray(0, 9))).toBe(2 ** 21)
  })

  it.each<[string, Buffer]>([
    ['a second frame', Buffer.concat([HELLO, HELLO])],
    ['a skippable frame', Buffer.concat([Buffer.from('502a4d1800000000', 'hex'), HELLO])],
    ['bytes behind it', Buffer.concat([HELLO, Buffer.from('x')])],
    ['its end cut off', HELLO.subarray(0, -1)],
    ['a dictionary', Buffer.from('28b52ffd210105290000', 'hex')],
    ['a reserved block', Buffer.from('28b52ffd20052f0000', 'hex')],
    ['nothing', Buffer.alloc(0)],
  ])('is refused with %s', (_, bytes) => {
    expect(zstdWindow(bytes)).toBeUndefined()
  })

  ifThere('is undone', async () => {
    const packed = zstdCompressSync?.(TEXT) ?? TEXT
    expect(codingOf('zstd', ['zstd'])).toBe('zstd')
    expect(await undo(packed, 'zstd')).toBe(TEXT.toString())
    expect(await undo(HELLO, 'zstd')).toBe('hello')
    const bomb = zstdCompressSync?.(Buffer.alloc(4 * MIB)) ?? TEXT
    expect(await undo(bomb, 'zstd')).toBe('body_over_peek')
  })
})
