import { weights } from './finding.ts'
import type { Match, Needle } from './needle-search.ts'

/** Needles of a text have so many bytes at least. */
const BYTES_MIN = 14

/** What files hold that no text does: control characters, as a string of JSON writes them. */
const MARKS: readonly (readonly [format: string, mark: string, confirm?: Needle['confirm']])[] = [
  ['safetensors', '\0\0\0{"'],
  ['gguf', 'GGUF\x03\0'],
  ['gguf', 'GGUF\x02\0'],
  ['gguf', 'GGUF\0\0'],
  ['npy', 'NUMPY\x01\0'],
  ['hdf5', 'HDF\r\n\x1a\n'],
  ['onnx', '\x12\x07pytorch'],
  ['tflite', '\0\0TFL3'],
  ['pytorch-legacy', '\x80\x02\x8a\nl\xfc\x9cF'],
  ['pickle', '\x80\x04\x95'],
  ['pickle', '\x80\x05\x95'],
  ['pickle', '\0\0\0\0\0\x8c'],
  ['pickle', '\0\0\0\0\0}\x94'],
  ['pickle', ')\x81q\x01}'],
  ['zip-weights', 'PK\x03\x04', isBeforeMember],
]

/**
 * Files that a server read as Latin-1 and put into a string of JSON (`"GGUF\u0003\u0000"`), raw where
 * JSON leaves a byte alone. A text that explains a format has its backslashes doubled.
 */
export const ESCAPED: readonly Needle[] = MARKS.flatMap(([format, mark, confirm]) =>
  spellingsOf(mark).map((bytes) => ({
    finding: weights(format),
    bytes,
    ...(confirm === undefined ? {} : { confirm }),
  })),
)

/** As serialisers write it: in UTF-8, or all in ASCII with small or capital digits. */
function spellingsOf(mark: string): Buffer[] {
  const raw = JSON.stringify(mark).slice(1, -1)
  const small = raw.replace(/[\x7f-\xff]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
  const capital = small.replace(/\\u00../g, (escape) => `\\u00${escape.slice(4).toUpperCase()}`)
  return [...new Set([raw, small, capital])]
    .map((text) => Buffer.from(text))
    .filter(({ length }) => length >= BYTES_MIN)
}

const MEMBERS = ['data.pkl', '.npy', '.h5', '.safetensors', 'saved_model', 'weight', 'MAR-INF']

function isBeforeMember(data: Buffer, at: number): Match {
  const around = data.subarray(at, at + MEMBER_REACH)
  if (MEMBERS.some((member) => around.includes(member))) return 'yes'
  return around.length < MEMBER_REACH ? 'more' : 'no'
}

/** Bytes behind an escaped header in which the name of its member begins. */
const MEMBER_REACH = 320
