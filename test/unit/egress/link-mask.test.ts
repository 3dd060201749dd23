import { describe, expect, it } from '@jest/globals'
import {
  createLinkMask,
  type MaskedKind,
  type MaskPolicy,
} from '../../../gateway/egress/links/link-mask.ts'

const ALL: MaskPolicy = { storage: true, keepMedia: false }
const SIGNS: MaskPolicy = { storage: false, keepMedia: true }

function masked(pieces: readonly Buffer[], policy: MaskPolicy): string {
  const mask = createLinkMask(policy)
  const out = pieces.map((piece) => mask.push(piece))
  return Buffer.concat([...out, mask.end()]).toString('latin1')
}

const whole = (text: string, policy: MaskPolicy): string => masked([Buffer.from(text)], policy)

/** A text, and what becomes of it where links go, and where only signatures do. */
const CASES: readonly (readonly [string, string, string])[] = [
  [
    '{"u":"https://b.s3.amazonaws.com/m?X-Amz-Signature=abc&d=1"}',
    '{"u":"https://--------------------------------------------"}',
    '{"u":"https://b.s3.amazonaws.com/m?X-Amz-Signature=---&d=1"}',
  ],
  ['{"s":"s3://b/my k/x","n":1}', '{"s":"s3://--------","n":1}', '{"s":"s3://b/my k/x","n":1}'],
  ['see s3://b/k now', 'see s3://--- now', 'see s3://b/k now'],
  [
    '"https:\\/\\/h?sig=zz\\u0026q=2"',
    '"https:\\/\\/h?sig=--\\u0026q=2"',
    '"https:\\/\\/h?sig=--\\u0026q=2"',
  ],
  ['"h:\\u002f\\u002fx?sig=a"', '"h:\\u002f\\u002fx?sig=-"', '"h:\\u002f\\u002fx?sig=-"'],
  [
    'to=https%3A%2F%2Fh%3Fsig%3Dab%26x y',
    'to=https%3A%2F%2Fh%3Fsig%3D--%26x y',
    'to=https%3A%2F%2Fh%3Fsig%3D--%26x y',
  ],
  [
    '<a>https://h/m?v=1&amp;sig=aa%2B</a>',
    '<a>https://h/m?v=1&amp;sig=-----</a>',
    '<a>https://h/m?v=1&amp;sig=-----</a>',
  ],
  [
    '{"accessToken": "a\\"d","x":"y"}',
    '{"accessToken": "----","x":"y"}',
    '{"accessToken": "----","x":"y"}',
  ],
  [
    '{"m":"{\\"s\\":\\"s3://b\\",\\"z\\":1}"}',
    '{"m":"{\\"s\\":\\"s3://-\\",\\"z\\":1}"}',
    '{"m":"{\\"s\\":\\"s3://b\\",\\"z\\":1}"}',
  ],
  [
    '"dbfs:/a" "mlflow-artifacts:/0/x"',
    '"dbfs:/-" "mlflow-artifacts:/0/x"',
    '"dbfs:/a" "mlflow-artifacts:/0/x"',
  ],
  ['"https://h/i.png?sig=abc"', '"https://h/i.png?sig=---"', '"https://h/i.png?sig=abc"'],
  [
    '"https://h/i?n=i.png&sig=abc"',
    '"https://h/i?n=i.png&sig=---"',
    '"https://h/i?n=i.png&sig=---"',
  ],
  [
    '"https://a.blob.core.windows.net"',
    '"https://-----------------------"',
    '"https://a.blob.core.windows.net"',
  ],
]

describe('createLinkMask', () => {
  it.each(CASES)('masks %s', (text, all, signs) => {
    expect([whole(text, ALL), whole(text, SIGNS)]).toEqual([all, signs])
  })

  it.each(CASES)(
    'masks the same in two pieces, wherever they part, and byte by byte: %s',
    (...given) => {
      const [text, all] = given
      const bytes = Buffer.from(text)
      for (let at = 1; at < bytes.length; at++) {
        expect(masked([bytes.subarray(0, at), bytes.subarray(at)], ALL)).toBe(all)
      }
      expect(
        masked(
          Array.from(bytes, (byte) => Buffer.of(byte)),
          ALL,
        ),
      ).toBe(all)
    },
  )

  it.each([
    '{"text":"a // comment, https://example.com/a?page=2#x, and 3/4"}',
    '{"b64":"abcd//efgh+sig=AAAA//BBBB"}',
    '{"u":"models:/m/1","v":"runs:/a/b","w":"http://localhost:5000/#/experiments"}',
    '{"key":"the \\"accessToken\\" field is a string"}',
  ])('leaves %s', (text) => {
    expect(whole(text, ALL)).toBe(text)
  })

  it('gives back the very piece when nothing is masked, and writes to none', () => {
    const plain = Buffer.from('{"a":1}')
    expect(createLinkMask(ALL).push(plain)).toBe(plain)
    const text = '"s3://bucket/key"'
    const piece = Buffer.from(text)
    const kinds: MaskedKind[] = []
    createLinkMask(ALL, (kind) => kinds.push(kind)).push(piece)
    expect([piece.toString(), kinds]).toEqual([text, ['storage']])
  })

  it('holds nothing but a host or an escape', () => {
    const mask = createLinkMask(SIGNS)
    for (const piece of ['data: {"u":"https://exa', 'mple.com/?si', 'g=ab', 'c&x"}\n\n']) {
      expect(mask.push(Buffer.from(piece))).toHaveLength(piece.length)
    }
    expect(createLinkMask(ALL).push(Buffer.from('"https://exa'))).toHaveLength(9)
  })
})
