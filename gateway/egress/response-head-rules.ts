import type { ResponseHead } from '../domain/ports.ts'

/** Media types that carry files, not answers; a route must declare them. */
const FILE_TYPES: ReadonlySet<string> = new Set([
  'application/octet-stream',
  'application/x-octet-stream',
  'application/x-safetensors',
  'application/x-pytorch',
  'application/force-download',
  'application/x-download',
  'application/x-binary',
  'application/macbinary',
  'binary/octet-stream',
  'application/zip',
  'application/x-zip-compressed',
  'application/x-tar',
  'application/gzip',
  'application/x-gzip',
  'application/zstd',
  'application/x-xz',
  'application/x-bzip2',
  'application/x-7z-compressed',
  'application/x-hdf5',
  'application/x-hdf',
  'application/x-git-upload-pack-result',
])

/** Registry layer types that are weights by definition. */
const WEIGHT_TYPE_PREFIXES: readonly string[] = [
  'application/vnd.ollama.image.model',
  'application/vnd.ollama.image.adapter',
  'application/vnd.ollama.image.projector',
  'application/vnd.ollama.image.tensor',
  'application/vnd.ollama.image.embed',
  'application/vnd.ollama.image.draft',
  'application/vnd.cncf.model.weight.v1.',
  'application/vnd.docker.ai.gguf.v3',
  'application/vnd.kitops.modelkit.model',
]

/** Extensions of weight files, as written in a Content-Disposition. */
const WEIGHT_EXTENSIONS: readonly string[] = [
  '.safetensors',
  '.gguf',
  '.ggml',
  '.pt',
  '.pth',
  '.ckpt',
  '.bin',
  '.pkl',
  '.pickle',
  '.joblib',
  '.npz',
  '.onnx',
  '.ort',
  '.h5',
  '.hdf5',
  '.keras',
  '.tflite',
  '.pte',
  '.engine',
  '.plan',
  '.mlmodel',
  '.cbm',
  '.ubj',
  '.lgb',
  '.nemo',
  '.mar',
  '.pdparams',
  '.msgpack',
  '.tar',
  '.tar.gz',
  '.tgz',
  '.zip',
]

/** Marks of a signed storage URL, or of a token for a content-addressed store. */
const STORAGE_MARKS: readonly string[] = [
  'x-amz-signature',
  'x-goog-signature',
  'signature=',
  'sig=',
  'xet-',
  's3://',
  'gs://',
  'abfss://',
  'hf://',
]

/** Fields that can carry a URL whatever the status is. */
const REFERENCE_FIELDS: ReadonlySet<string> = new Set([
  'content-location',
  'link',
  'location',
  'refresh',
])

/** What an answer's head gives away, by a stable name for records; `undefined` when nothing. */
export function headViolation(
  head: ResponseHead,
  allowedTypes: ReadonlySet<string>,
): string | undefined {
  if (head.status === 206) return 'partial-content'
  const redirects = head.status >= 300 && head.status < 400
  let tensorHeader = false
  let violation: string | undefined
  for (let i = 0; i + 1 < head.headers.length; i += 2) {
    const name = head.headers[i] ?? ''
    const value = (head.headers[i + 1] ?? '').toLowerCase()
    if (name === 'inference-header-content-length') tensorHeader = true
    if (name === 'location' && redirects) return 'redirect'
    violation ??= fieldViolation(name, value, allowedTypes)
  }
  // Binary tensors of the Open Inference Protocol: a JSON header and then the tensors asked for.
  return violation === 'media-type' && tensorHeader ? undefined : violation
}

/** As {@link headViolation} for an answer to HEAD: fields that describe content give none away. */
export function linkViolation(head: ResponseHead): string | undefined {
  const fields: string[] = []
  for (let i = 0; i + 1 < head.headers.length; i += 2) {
    const name = head.headers[i] ?? ''
    if (!CONTENT_FIELDS.has(name)) fields.push(name, head.headers[i + 1] ?? '')
  }
  return headViolation({ status: head.status === 206 ? 200 : head.status, headers: fields }, NONE)
}

const CONTENT_FIELDS: ReadonlySet<string> = new Set([
  'content-disposition',
  'content-encoding',
  'content-range',
  'content-type',
])

const NONE: ReadonlySet<string> = new Set()

function fieldViolation(
  name: string,
  value: string,
  allowedTypes: ReadonlySet<string>,
): string | undefined {
  if (name === 'content-type') return typeViolation(mediaType(value), allowedTypes)
  if (name === 'content-encoding') return value === 'identity' ? undefined : 'content-encoding'
  if (name === 'content-range') return 'partial-content'
  if (name === 'content-disposition') return namesWeights(value) ? 'weight-file-name' : undefined
  if (REFERENCE_FIELDS.has(name)) return pointsToStorage(value) ? 'storage-link' : undefined
  return name.startsWith('x-linked-') || name.startsWith('x-xet-') ? 'storage-link' : undefined
}

function typeViolation(type: string, allowedTypes: ReadonlySet<string>): string | undefined {
  if (type === 'multipart/byteranges') return 'partial-content'
  if (allowedTypes.has(type)) return undefined
  // A type that is none, such as a list of two, is read by clients in ways nobody can foresee.
  if (type !== '' && !/^[a-z0-9!#$&^_.+-]{1,64}\/[a-z0-9!#$&^_.+-]{1,96}$/.test(type)) {
    return 'media-type'
  }
  if (WEIGHT_TYPE_PREFIXES.some((prefix) => type.startsWith(prefix))) return 'weight-media-type'
  return FILE_TYPES.has(type) ? 'media-type' : undefined
}

/** The type without parameters, of a lower-case Content-Type. */
export function mediaType(value: string): string {
  const end = value.indexOf(';')
  return (end < 0 ? value : value.slice(0, end)).trim()
}

function namesWeights(disposition: string): boolean {
  return disposition
    .split(/[;"']/)
    .some((part) => WEIGHT_EXTENSIONS.some((extension) => part.trimEnd().endsWith(extension)))
}

function pointsToStorage(link: string): boolean {
  return STORAGE_MARKS.some((mark) => link.includes(mark))
}
