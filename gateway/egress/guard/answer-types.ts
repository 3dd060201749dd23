/** Which media types an answer may have, by what the route says and by what it does. */
import type { Action } from '../../domain/vocabulary.ts'

/** What is known of the answers of a route. */
export interface AnswerTypeOptions {
  /**
   * What the route answers with besides JSON and text, lower case: exact types, or `image/*`. Absent
   * where its action tells.
   */
  readonly declared?: readonly string[] | undefined
  /** The primary action; `infer` when it is left out. */
  readonly action?: Action | undefined
}

/** Whether an answer of a route may have a media type; lower case, without parameters. */
export interface AnswerTypes {
  /** Whether it may leave at all. */
  has(type: string): boolean
  /** Whether the route itself names it: it is then known to carry data. */
  isDeclared(type: string): boolean
}

/** JSON and text in all their forms: every route may answer with them, since errors come as them. */
const TEXTS: ReadonlySet<string> = new Set([
  'application/json',
  'application/x-json',
  'application/x-amz-json-1.0',
  'application/x-amz-json-1.1',
  'application/json-seq',
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonl',
  'application/jsonlines',
  'application/x-jsonlines',
  'application/xml',
  'application/yaml',
  'application/x-yaml',
  'application/toml',
  'application/javascript',
  'application/x-javascript',
  'application/ecmascript',
  'application/openmetrics-text',
  'application/graphql',
  'application/x-www-form-urlencoded',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
])

/** Of questions and predictions, besides those that end in a known family. */
const ANSWERS: ReadonlySet<string> = new Set([
  'application/ogg',
  'application/pdf',
  'application/protobuf',
  'application/x-protobuf',
  'application/x-recordio-protobuf',
  'application/vnd.google.protobuf',
  'application/vnd.amazon.eventstream',
  'application/vnd.ms-fontobject',
  'application/wasm',
  'application/grpc',
  'application/grpc+proto',
])

const ANSWER_FAMILIES: readonly string[] = ['image/', 'audio/', 'video/', 'font/']

/** What asks or predicts may answer with pictures and sound; what changes something says so in text. */
const ANSWERING: ReadonlySet<Action> = new Set(['read', 'infer', 'data:read'])

/**
 * The types of a route: JSON and text always; what it declares; and where it declares nothing, what
 * its action tells: pictures, sound, video and protobuf for `read`, `infer` and `data:read`, nothing
 * more for the others. Files (`application/octet-stream`, archives, Parquet, Arrow) have to be
 * declared.
 */
export function answerTypes({ declared, action = 'infer' }: AnswerTypeOptions): AnswerTypes {
  const isDeclared = (type: string): boolean => declared?.some((one) => isOf(type, one)) === true
  const isUsual = declared === undefined && ANSWERING.has(action)
  return {
    isDeclared,
    has: (type) => isText(type) || isDeclared(type) || (isUsual && isAnswer(type)),
  }
}

function isOf(type: string, declared: string): boolean {
  return declared.endsWith('/*') ? type.startsWith(declared.slice(0, -1)) : type === declared
}

function isAnswer(type: string): boolean {
  return ANSWERS.has(type) || ANSWER_FAMILIES.some((family) => type.startsWith(family))
}

/** Whether a media type is text in which links can be read: JSON, XML, events, lines, plain. */
export function isText(type: string): boolean {
  if (type.startsWith('text/') || TEXTS.has(type)) return true
  return type.endsWith('+json') || type.endsWith('+xml') || type.endsWith('+yaml')
}

/** The type without parameters, of a Content-Type in lower case. */
export function mediaType(value: string): string {
  const end = value.indexOf(';')
  return (end < 0 ? value : value.slice(0, end)).trim()
}

/**
 * Whether a Content-Type, in lower case, names a charset in which ASCII does not read as ASCII: a
 * client would read another text than the one that was looked at.
 */
export function hidesText(value: string): boolean {
  for (const [, name = ''] of value.matchAll(CHARSET)) if (!READS_ASCII.test(name)) return true
  return value.includes('charset*')
}

/** Every parameter of the name: clients differ in which they take. */
const CHARSET = /charset\s{0,8}=\s{0,8}["']?([^"';,\s]{0,40})/g

/** Charsets in which ASCII reads as ASCII (WHATWG Encoding, and what servers call them); others hide. */
const READS_ASCII =
  /^(?:utf-?8|us-ascii|ascii|ansi_x3\.4-1968|iso[-_]?8859[-_]\d{1,2}(?:-[ei])?|latin-?\d{1,2}|l\d|(?:windows|cp)-?(?:125\d|874|866|437|850|932|936|949|950)|ibm866|koi8-[ru]|macintosh|x-mac-cyrillic|gbk?|gb2312|gb18030|big5(?:-hkscs)?|euc-(?:jp|kr|tw|cn)|shift[-_]jis|sjis|ms932|tis-620|ks_c_5601-1987|x-sjis|binary|none)?$/
