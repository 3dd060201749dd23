/** Names of weight files, as a Content-Disposition writes them. */
import { percentDecoded } from '../links/storage-links.ts'

/** Extensions that are weights and nothing else. */
const WEIGHTS: readonly string[] = [
  '.safetensors',
  '.gguf',
  '.ggml',
  '.pt',
  '.pt2',
  '.pth',
  '.ckpt',
  '.bin',
  '.pkl',
  '.pickle',
  '.dill',
  '.joblib',
  '.onnx',
  '.onnx_data',
  '.ort',
  '.h5',
  '.keras',
  '.tflite',
  '.pte',
  '.ptd',
  '.engine',
  '.plan',
  '.trt',
  '.mlmodel',
  '.mlpackage',
  '.cbm',
  '.ubj',
  '.bst',
  '.lgb',
  '.nemo',
  '.mar',
  '.skops',
  '.pdparams',
  '.pdiparams',
  '.pdmodel',
]

/** Extensions of files that are as often data. */
const FILES: readonly string[] = [
  '.npz',
  '.npy',
  '.hdf5',
  '.msgpack',
  '.tar',
  '.tar.gz',
  '.tgz',
  '.zip',
]

/** Shards and checkpoints whose name ends in a number: `variables.data-00000-of-00001`. */
const SHARD = /\.(?:data|ckpt|bin|safetensors|gguf|pt|pth)-\d{1,6}(?:-of-\d{1,6})?$|\.onnx\.data$/

/** What may follow an extension: a coding, or the number of a part. */
const SUFFIX =
  /\.(?:gz|zst|xz|bz2|lz4|br|z|\d{1,5}|part-?\d{0,5}(?:of\d{1,5})?|a[a-z]|enc|tmp|bak)$/

const SUFFIXES_MAX = 3

/**
 * Whether a Content-Disposition, in lower case, names a file of weights. Every way of writing the
 * name counts: quoted, with quoted pairs, in pieces (RFC 2231), percent-encoded (RFC 5987, RFC 6266
 * §4.3), as an encoded word (RFC 2047), and all names when there are several. `isData`: the route
 * declares that it answers with files, so that names of archives and arrays say nothing.
 */
export function namesWeights(disposition: string, isData = false): boolean {
  return spellingsOf(disposition).some((text) =>
    text.split(/[;"'=,/\\?]/).some((part) => isWeightName(part.trim(), isData)),
  )
}

/** Whether a file name, in lower case, is one of weights. */
export function isWeightName(name: string, isData = false): boolean {
  let rest = name.replace(/[.\s\0]{1,64}$/, '')
  for (let i = 0; i <= SUFFIXES_MAX; i++) {
    if (WEIGHTS.some((one) => rest.endsWith(one)) || SHARD.test(rest)) return true
    if (!isData && FILES.some((one) => rest.endsWith(one))) return true
    const shorter = rest.replace(SUFFIX, '')
    if (shorter === rest) return false
    rest = shorter
  }
  return false
}

function spellingsOf(disposition: string): string[] {
  const unescaped = disposition.replaceAll('\\', '')
  const inPieces = unescaped
    .split(';')
    .filter((part) => /^\s*filename\*\d/.test(part))
    .map((part) =>
      part
        .slice(part.indexOf('=') + 1)
        .trim()
        .replaceAll('"', ''),
    )
    .join('')
  const words = [...disposition.matchAll(/=\?[^?]{1,40}\?([bq])\?([^?]{0,2048})\?=/g)]
  const plain = [disposition, unescaped, inPieces, ...words.map(wordOf)]
  return [...plain, ...plain.map(percentDecoded)]
}

/**
 * An encoded word. The base64 of it is case-sensitive and was lower-cased, so that it cannot be read
 * here: it counts as a name of weights, since nothing honest needs it in HTTP (RFC 6266 §C.1).
 */
function wordOf([, coding = '', text = '']: RegExpMatchArray): string {
  if (coding === 'b') return text === '' ? '' : 'unreadable.bin'
  return percentDecoded(text.replaceAll('=', '%').replaceAll('_', ' '))
}
