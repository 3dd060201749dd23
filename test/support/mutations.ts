/** Mutations of bytes, for tests of readers. */
import fc from 'fast-check'

/** One change; positions are shares of the length, so that they shrink with the file. */
export interface Mutation {
  readonly kind: 'flip' | 'delete' | 'insert' | 'duplicate' | 'truncate' | 'splice' | 'overwrite'
  readonly at: number
  readonly to: number
  readonly length: number
  readonly bytes: Uint8Array
}

const position = fc.double({ min: 0, max: 1, noNaN: true })

/** What readers stumble over: separators, quotes, invisible and invalid bytes, words of the files. */
const POINTED = [
  ',',
  '\n',
  '\r',
  '\r\n',
  '#',
  '"',
  '\0',
  '\t',
  ' ',
  ':',
  '*',
  '@',
  '|',
  '&',
  '!',
  '(',
  ')',
  '{',
  '[',
  '~',
  '\ufeff',
  '\u200b',
  '\u2028',
  '\u00a0',
  'allow',
  'deny',
  'Deny',
  'shadow',
  ', shadow',
  'always',
  '!always',
  'role:anyone',
  'p, role:anyone, admin, *, always, allow\n',
  'g, role:anyone, role:platform-admin\n',
  'P, x\n',
  '<<: *a',
  '&a ',
  '__proto__: ',
  '---\n',
  '!!js ',
  '0.0.0.0/0',
].map((text) => new TextEncoder().encode(text))

const INVALID = [
  [0xff],
  [0xc3],
  [0xe2, 0x82],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xc0, 0xaf],
].map((bytes) => Uint8Array.from(bytes))

const inserted = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...POINTED) },
  { weight: 1, arbitrary: fc.constantFrom(...INVALID) },
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 8 }) },
  {
    weight: 2,
    arbitrary: fc
      .string({ minLength: 1, maxLength: 6 })
      .map((text) => new TextEncoder().encode(text)),
  },
)

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom(
    'flip',
    'delete',
    'insert',
    'insert',
    'duplicate',
    'truncate',
    'splice',
    'overwrite',
  ),
  at: position,
  to: position,
  length: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 200 })),
  bytes: inserted,
})

/** One to three changes. */
export const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 })

/** `original` after the changes, one after the other. */
export function mutatedBytes(original: Buffer, list: readonly Mutation[]): Buffer {
  return list.reduce(mutate, Buffer.from(original))
}

function mutate(buffer: Buffer, { kind, at, to, length, bytes }: Mutation): Buffer {
  const start = Math.floor(at * buffer.length)
  const target = Math.floor(to * buffer.length)
  const before = buffer.subarray(0, start)
  const piece = buffer.subarray(start, start + length)
  switch (kind) {
    case 'flip': {
      const copy = Buffer.from(buffer)
      if (start < copy.length) copy[start] = (copy[start] ?? 0) ^ (1 << (length % 8))
      return copy
    }
    case 'delete':
      return Buffer.concat([before, buffer.subarray(start + length)])
    case 'insert':
      return Buffer.concat([before, bytes, buffer.subarray(start)])
    case 'overwrite':
      return Buffer.concat([before, bytes, buffer.subarray(start + bytes.length)])
    case 'duplicate':
      return Buffer.concat([before, piece, buffer.subarray(start)])
    case 'truncate':
      return Buffer.from(before)
    case 'splice':
      return Buffer.concat([buffer.subarray(0, target), piece, buffer.subarray(target)])
  }
}
