import { matchText } from './start-formats.ts'
import type { Match } from './needle-search.ts'

/** How a body of a media type is read. */
export interface MediaKind {
  readonly kind: 'text' | 'bytes' | 'multipart'
  /** Ways in which such a body begins; none: it can begin in any way. */
  readonly begins: readonly Magic[]
  /** Formats of data that the type is the name of. */
  readonly expects: readonly string[]
  /** Whether text of people may lie raw in the bytes. */
  readonly hasProse: boolean
}

type Magic = (window: Buffer) => Match

const is =
  (magic: string, offset = 0): Magic =>
  (window) =>
    matchText(window, magic, offset)

const riff = (kind: string): Magic[] =>
  ['RIFF', 'RF64'].map((magic): Magic => (window) => {
    const first = matchText(window, magic)
    return first === 'yes' ? matchText(window, kind, 8) : first
  })

const ISO_MEDIA = [
  'ftyp',
  'styp',
  'moof',
  'moov',
  'sidx',
  'emsg',
  'prft',
  'mdat',
  'wide',
  'free',
].map((box) => is(box, 4))
const WEBM = [is('\x1a\x45\xdf\xa3')]
const OGG = [is('OggS')]
const TAR = [is('ustar', 257)]
const ZIP = [is('PK\x03\x04'), is('PK\x05\x06')]
const GZIP = [is('\x1f\x8b')]

/** Frames of MPEG audio begin with eleven ones; a tag may come before. */
const frameSync: Magic = (window) => {
  const [first, second] = window
  if (first === undefined) return 'more'
  if (first !== 0xff) return 'no'
  if (second === undefined) return 'more'
  return (second & 0xe0) === 0xe0 ? 'yes' : 'no'
}
const MPEG = [is('ID3'), frameSync]

const BEGINS: ReadonlyMap<string, readonly Magic[]> = new Map([
  ['image/png', [is('\x89PNG\r\n\x1a\n')]],
  ['image/apng', [is('\x89PNG\r\n\x1a\n')]],
  ['image/jpeg', [is('\xff\xd8\xff')]],
  ['image/jpg', [is('\xff\xd8\xff')]],
  ['image/gif', [is('GIF87a'), is('GIF89a')]],
  ['image/webp', riff('WEBP')],
  ['image/bmp', [is('BM')]],
  ['image/tiff', [is('II*\0'), is('MM\0*'), is('II+\0'), is('MM\0+')]],
  ['image/avif', ISO_MEDIA],
  ['image/heic', ISO_MEDIA],
  ['image/jxl', [is('\xff\x0a'), is('\0\0\0\x0cJXL ')]],
  ['audio/wav', riff('WAVE')],
  ['audio/x-wav', riff('WAVE')],
  ['audio/wave', riff('WAVE')],
  ['audio/vnd.wave', riff('WAVE')],
  ['audio/mpeg', MPEG],
  ['audio/mp3', MPEG],
  ['audio/aac', [...MPEG, is('ADIF')]],
  ['audio/ogg', OGG],
  ['audio/flac', [is('fLaC'), is('ID3')]],
  ['audio/x-flac', [is('fLaC'), is('ID3')]],
  ['audio/mp4', ISO_MEDIA],
  ['audio/webm', WEBM],
  ['video/ogg', OGG],
  ['application/ogg', OGG],
  ['video/mp4', ISO_MEDIA],
  ['video/quicktime', ISO_MEDIA],
  ['video/webm', WEBM],
  ['video/x-matroska', WEBM],
  ['application/pdf', [is('%PDF-')]],
  ['application/vnd.apache.parquet', [is('PAR1'), is('PARE')]],
  ['application/x-parquet', [is('PAR1'), is('PARE')]],
  ['application/vnd.apache.arrow.file', [is('ARROW1')]],
  ['application/vnd.apache.arrow.stream', [is('\xff\xff\xff\xff')]],
  ['application/avro', [is('Obj\x01')]],
  ['application/x-hdf5', [is('\x89HDF\r\n\x1a\n')]],
  ['application/x-hdf', [is('\x89HDF\r\n\x1a\n')]],
  ['application/x-npy', [is('\x93NUMPY')]],
  ['application/x-npz', ZIP],
  ['application/zip', ZIP],
  ['application/x-zip-compressed', ZIP],
  ['application/gzip', GZIP],
  ['application/x-gzip', GZIP],
  ['application/x-tar', TAR],
])

const EXPECTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['application/vnd.apache.parquet', ['parquet']],
  ['application/x-parquet', ['parquet']],
  ['application/vnd.apache.arrow.file', ['arrow']],
  ['application/x-hdf5', ['hdf5']],
  ['application/x-hdf', ['hdf5']],
  ['application/x-npy', ['npy']],
  ['application/x-npz', ['npy']],
])

/** Formats that hold data as well as weights: they pass where they are expected. */
export const DATA_FORMATS: ReadonlySet<string> = new Set(['npy', 'hdf5', 'parquet', 'arrow'])

/** Types of text outside `text/*` and those that end in `json`, `xml` or `yaml`. */
const TEXT_TYPES: ReadonlySet<string> = new Set([
  '',
  'application/javascript',
  'application/x-javascript',
  'application/ecmascript',
  'application/graphql',
  'application/openmetrics-text',
  'application/sql',
  'application/toml',
  'application/x-www-form-urlencoded',
  'application/jsonl',
  'application/json-seq',
  'application/jsonlines',
  'application/x-jsonlines',
  'application/jwt',
  'application/csv',
])

const PROSE = ['protobuf', 'grpc', 'msgpack', 'cbor', 'bson', 'eventstream', 'thrift']

const TEXT: MediaKind = { kind: 'text', begins: [], expects: [], hasProse: true }
const MULTIPART: MediaKind = { kind: 'multipart', begins: [], expects: [], hasProse: false }

/** How a body of this type (lower case, without parameters) is read. */
export function mediaKind(type: string): MediaKind {
  if (isText(type)) return TEXT
  if (type.startsWith('multipart/')) return MULTIPART
  return {
    kind: 'bytes',
    begins: BEGINS.get(type) ?? [],
    expects: EXPECTS.get(type) ?? [],
    hasProse: PROSE.some((word) => type.includes(word)),
  }
}

function isText(type: string): boolean {
  if (type.startsWith('text/') || TEXT_TYPES.has(type)) return true
  return type.endsWith('json') || type.endsWith('xml') || type.endsWith('yaml')
}

/** Whether a body of the kind can begin so. */
export function beginsAs({ begins }: MediaKind, window: Buffer): Match {
  if (begins.length === 0) return 'yes'
  let open: Match = 'no'
  for (const magic of begins) {
    const match = magic(window)
    if (match === 'yes') return 'yes'
    if (match === 'more') open = 'more'
  }
  return open
}
