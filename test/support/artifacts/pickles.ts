/** Pickles of a small linear model, as each protocol writes them. */
import { bytes, floats, u32, u64 } from './bytes.ts'

const MODULE = 'sklearn.linear_model._base'
const CLASS = 'LinearRegression'
const WEIGHTS = floats(256, 7)

/** Protocol 0 (text): an instance made by copy_reg, with its weights as text. */
export function pickle0(): Buffer {
  const names = ['fit_intercept', 'copy_X', 'n_jobs', 'positive', 'n_features_in_', 'rank_', 'tol']
  const attributes = names.map((name, i) => `V${name}\np${i + 6}\nI0\ns`).join('')
  const numbers = Array.from({ length: 256 }, (_, i) => `aF${WEIGHTS.readFloatLE(4 * i)}\n`)
  return bytes(
    `ccopy_reg\n_reconstructor\np0\n(c${MODULE}\n${CLASS}\np1\nc__builtin__\nobject\np2\nNtp3\nRp4\n`,
    `(dp5\n${attributes}Vcoef_\np60\n(lp61\n${numbers.join('')}sb.`,
  )
}

/** Protocols 1 to 3: an import, an instance, weights as a string of bytes. */
export function plainPickle(protocol: 2 | 3): Buffer {
  return bytes(
    [0x80, protocol],
    `c${MODULE}\n${CLASS}\nq\x00)\x81q\x01}q\x02X\x05\0\0\0coef_q\x03`,
    bytes(protocol === 3 ? 'B' : 'T', u32(WEIGHTS.length), WEIGHTS),
    'q\x04sb.',
  )
}

/** Protocols 4 and 5: a frame, short strings that are memoized. */
export function framedPickle(protocol: 4 | 5): Buffer {
  const short = (text: string) => bytes([0x8c, text.length], text, [0x94])
  const body = bytes(
    short(MODULE),
    short(CLASS),
    [0x93, 0x94],
    ')\x81\x94}\x94',
    short('coef_'),
    bytes('B', u32(WEIGHTS.length), WEIGHTS),
    '\x94sb.',
  )
  return bytes([0x80, protocol, 0x95], u64(body.length), body)
}

/** A dict of lists of floats: no class that a rule could name. */
export function dictPickle(protocol: 2 | 4): Buffer {
  const numbers = Array.from({ length: 256 }, (_, i) => {
    const number = Buffer.alloc(9, 'G')
    number.writeDoubleBE(WEIGHTS.readFloatLE(4 * i), 1)
    return number
  })
  const list = bytes('X\x07\0\0\0weights', 'q\x01]q\x02(', ...numbers, 'es.')
  if (protocol === 2) return bytes([0x80, 2], '}q\0', list)
  const body = bytes('}\x94\x8c\x07weights\x94]\x94(', ...numbers, 'es.')
  return bytes([0x80, 4, 0x95], u64(body.length), body)
}

/** What `torch.save` wrote before its zip: a magic number, a protocol, a dict. */
export function torchLegacy(): Buffer {
  return bytes(
    Buffer.from('80028a0a6cfc9c46f9206aa850192e80024de9032e', 'hex'),
    '\x80\x02}q\x00(X\x10\0\0\0protocol_versionq\x01M\xe9\x03u.',
    '\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(X\x06\0\0\0weightq\x02ctorch._utils\n_rebuild_tensor_v2\n',
    floats(256),
  )
}
