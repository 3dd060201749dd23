import { hidesText, mediaType } from './answer-types.ts'

/** What a Content-Type says by itself, whatever the route. */
export interface ContentType {
  /** The media type, lower case, without parameters; '' when there is none. */
  readonly type: string
  /** The charset parameter, lower case. */
  readonly charset: string | undefined
  /** What no answer may have, by a stable name for records. */
  readonly violation: 'partial-content' | 'weight-media-type' | 'charset' | 'media-type' | undefined
}

/** Registry layer types that are weights by definition: no route may declare them. */
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

/** What was read lately: the same few come with every answer. */
const KNOWN = new Map<string, ContentType>()
const KNOWN_MAX = 256
const KNOWN_CHARS_MAX = 128

/** Reads a Content-Type as an upstream wrote it; the same value is read once. */
export function readContentType(value: string): ContentType {
  const known = KNOWN.get(value)
  if (known !== undefined) return known
  const read = readLower(value.toLowerCase())
  if (value.length > KNOWN_CHARS_MAX) return read
  if (KNOWN.size >= KNOWN_MAX) KNOWN.clear()
  KNOWN.set(value, read)
  return read
}

function readLower(value: string): ContentType {
  const type = mediaType(value)
  const charset = /;\s*charset="?([^";\s]{1,40})/.exec(value)?.[1]
  return { type, charset, violation: violationOf(type, value) }
}

function violationOf(type: string, value: string): ContentType['violation'] {
  if (type === 'multipart/byteranges') return 'partial-content'
  if (WEIGHT_TYPE_PREFIXES.some((prefix) => type.startsWith(prefix))) return 'weight-media-type'
  if (hidesText(value)) return 'charset'
  // A type that is none, such as a list of two, is read by clients in ways nobody can foresee.
  return type === '' || TYPE.test(type) ? undefined : 'media-type'
}

const TYPE = /^[a-z0-9!#$&^_.+-]{1,64}\/[a-z0-9!#$&^_.+-]{1,96}$/
