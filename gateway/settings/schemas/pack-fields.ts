/** The parts of a route pack: sources, tests, listings, frames, and how an upstream reads. */
import { z } from 'zod'
import { ACTIONS } from '../../domain/vocabulary.ts'

/** A JSON field, by the names on the way to it: `model`, `parameters.action`, `instances[].model`. */
export const bodyPath = z
  .string()
  .regex(
    /^(?:\[\]|[A-Za-z0-9_@$-]{1,128}(?:\[\])?)(?:\.[A-Za-z0-9_@$-]{1,128}(?:\[\])?){0,7}$/,
    'expected names separated by dots, with [] behind the name of an array',
  )

/** A protobuf field, by the numbers on the way to it: `1`, `1.4`; and its type, unless a string. */
const protoPath = z
  .string()
  .regex(
    /^[1-9]\d{0,4}(?:\.[1-9]\d{0,4}){0,7}(?::int|:int-message)?$/,
    'expected field numbers separated by dots, such as 1.4, and :int or :int-message for numbers',
  )

export const fieldName = z.string().min(1).max(128)

const headerName = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, 'expected a header name in lower case, such as x-model')

/** Where in the request something is read. Exactly one key of these. */
const origins = {
  path: fieldName.optional().describe('A {parameter} of the path.'),
  query: fieldName.optional().describe('A query parameter.'),
  body: bodyPath
    .optional()
    .describe('A field of the JSON body; x[].y is y of every element of the array x.'),
  header: headerName.optional().describe('A request header (gRPC: metadata), lower case.'),
  form: fieldName.optional().describe('A field of a multipart or urlencoded form.'),
  proto: protoPath
    .optional()
    .describe(
      'A string of the gRPC message, by its number: 1, or 1.4 within a message. 1.2:int is an ' +
        'integer, 1.2:int-message one in a google.protobuf.Int64Value.',
    ),
}

function countOf(value: object, keys: readonly string[]): number {
  return keys.filter((key) => key in value).length
}

const ORIGINS = Object.keys(origins)

/** How a name is written where it is read; the name that is judged is in its shortest form. */
export const NAME_FORMS = [
  'plain',
  'lower',
  'ollama',
  'at-version',
  'tagged',
  'bedrock',
  'mlflow-uri',
  'reference',
  'object',
  'copy-source',
  'sagemaker',
  'vertex',
  'arm',
  'bare',
  'feature',
  'triton-redirect',
  'adapter',
] as const

/** Where a name or a version is read. */
export const source = z
  .strictObject({
    ...origins,
    path: z
      .union([fieldName, z.array(fieldName).min(2).max(4)])
      .optional()
      .describe('A {parameter} of the path, or several, which are joined by /.'),
    literal: z.literal('server').optional().describe('The name of the upstream.'),
    as: z
      .enum(NAME_FORMS)
      .default('plain')
      .describe(
        'How the name is written: lower (any case), ollama (host/library/name:tag, any case), ' +
          'at-version (name@version), tagged (name:tag), bedrock (an id or its ARN), ' +
          'mlflow-uri (models:/ and artifacts), object (a key of an object store, escaped), ' +
          'copy-source (/bucket/key?versionId=), bare (without :), feature (view@v2:feature of ' +
          'Feast), triton-redirect (v2/models/name/infer), adapter (base:adapter, or a name), ' +
          'sagemaker (a name or its ARN, any case), ' +
          'vertex (a resource name), arm (a resource id, any case). Versions: plain, lower, reference (a git ' +
          'reference, a tag or a digest) or object.',
      ),
    under: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected a word, such as spaces')
      .optional()
      .describe('Put before the name with a /, where models and other things share names.'),
  })
  .refine((value) => countOf(value, [...ORIGINS, 'literal']) === 1, {
    message: `name exactly one of ${ORIGINS.join(', ')}, literal`,
  })

/** What else is done, to other models than those of the route. */
export const effect = z.strictObject({
  action: z.enum(ACTIONS).describe('What is done to them.'),
  resource: z.enum(['model', 'dataset']).default('model').describe('What is named.'),
  model: z.array(source).min(1).max(4).describe('Where the name is read.'),
  version: z.array(source).min(1).max(4).optional().describe('Where the version is read.'),
  combine: z
    .enum(['agree', 'each'])
    .default('agree')
    .describe('agree: names that differ are refused. each: every name must be permitted.'),
})

const TESTS = ['equals', 'in', 'prefix', 'suffix', 'present', 'absent', 'empty']
const word = z.string().max(256)
const words = z.array(word.min(1)).min(1).max(64)

/** A test on one value of the request. */
export const predicate = z
  .strictObject({
    ...origins,
    equals: word.optional().describe('Has this value; every element of an array has it.'),
    in: z.array(word).min(1).max(64).optional().describe('Has one of these values; every element.'),
    prefix: words.optional().describe('Begins with any of these; every element.'),
    suffix: words.optional().describe('Ends in any of these; every element.'),
    present: z.literal(true).optional().describe('Is there.'),
    absent: z.literal(true).optional().describe('Is not there; in an array, in no element.'),
    empty: z.literal(true).optional().describe('Is not there, or is "", [] or {}.'),
  })
  .refine((value) => countOf(value, ORIGINS) === 1, {
    message: `name exactly one of ${ORIGINS.join(', ')}`,
  })
  .refine((value) => countOf(value, TESTS) === 1, {
    message: `write exactly one of ${TESTS.join(', ')}`,
  })

/** Where an answer lists models: each is left out unless the caller may see it. */
export const listing = z.strictObject({
  items: z
    .string()
    .regex(/^(?:[A-Za-z0-9_-]{1,128}(?:\.[A-Za-z0-9_-]{1,128}){0,3})?$/, 'expected names with dots')
    .describe('The array of the JSON answer; "" when the answer is the array.'),
  name: z
    .array(z.string().regex(/^[A-Za-z0-9_-]{1,128}(?:\.[A-Za-z0-9_-]{1,128}){0,3}$/))
    .max(4)
    .default([])
    .describe('Fields of an element that name the model, which must agree; none: it is the name.'),
  version: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,128}$/)
    .optional()
    .describe('The field of an element that names the version.'),
  as: z.enum(NAME_FORMS).default('plain').describe('How the names are written.'),
  resource: z.enum(['model', 'dataset']).default('model').describe('What is listed.'),
})

/** What a route answers with besides JSON and text. */
export const answers = z
  .array(
    z
      .string()
      .regex(
        /^(?:(?:image|audio|video|font)\/\*|[a-z0-9]+\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126})$/,
        'expected a media type such as application/octet-stream or image/*, in lower case',
      ),
  )
  .max(32)

/** What the messages of a client over a WebSocket do. */
export const frames = z.strictObject({
  action: z.enum(ACTIONS).describe('What a client may do once a message has named the model.'),
  model: z
    .array(bodyPath)
    .min(1)
    .max(4)
    .describe(
      'Fields of a JSON text message that name the model; all that are there must be permitted.',
    ),
  as: z.enum(NAME_FORMS).default('plain').describe('How the name is written.'),
  named: z
    .literal(true)
    .optional()
    .describe('The connection has its model already, by an id: messages pass without a name.'),
})

/** How the upstream reads requests. */
export const profile = z.strictObject({
  decodes_path: z
    .boolean()
    .describe('Whether the upstream percent-decodes before it routes; if not, % is refused.'),
  trailing_newline_matches: z
    .boolean()
    .optional()
    .describe('Whether a path that ends in %0A still matches there. For people.'),
  merges_slashes: z.boolean().optional().describe('Whether it merges `//`. For people.'),
  redirects_trailing_slash: z
    .boolean()
    .optional()
    .describe('Whether it redirects a trailing slash. For people.'),
  reads_body_on_get: z
    .boolean()
    .optional()
    .describe('Whether it reads the body of a GET. For people.'),
  duplicate_query: z
    .enum(['first', 'last'])
    .optional()
    .describe('Which of two query parameters counts there. For people.'),
  duplicate_json_key: z
    .enum(['first', 'last', 'refused'])
    .optional()
    .describe('Which of two JSON members counts there. For people.'),
  json_name_twins: z.boolean().optional().describe('Takes run_id and runId for one field.'),
  ignores_content_type: z
    .boolean()
    .optional()
    .describe('Whether the upstream parses JSON whatever Content-Type says.'),
  encoded: z
    .string()
    .regex(/^[/\\;:#?]{0,6}$/, 'expected some of / \\ ; : # ?')
    .optional()
    .describe('Characters of a segment that may be percent-encoded there: "/:" for ARNs.'),
  encoded_in: z
    .array(fieldName)
    .min(1)
    .max(16)
    .optional()
    .describe('The {parameters} that may hold them; every one when this is left out.'),
  empty_segments: z
    .boolean()
    .optional()
    .describe('Whether `//` is part of a name there, as in the keys of an object store.'),
  request_codings: z
    .array(z.enum(['gzip', 'deflate', 'zstd']))
    .max(3)
    .optional()
    .describe('Content codings of request bodies that it undoes, and the gateway with it.'),
  known_query: z
    .array(
      z.string().regex(/^[A-Za-z0-9._~[\]$-]{1,127}\*?$/, 'expected a name, or its start and *'),
    )
    .max(256)
    .optional()
    .describe(
      'The only query parameters it is sent, where one can change what is done: a request with ' +
        'any other is refused.',
    ),
  exclusive_query: z
    .array(fieldName)
    .max(128)
    .optional()
    .describe('Query parameters that each say what is done: a request with two is refused.'),
  verbs: z
    .boolean()
    .optional()
    .describe('Whether `:` in the last segment begins a verb: a name that holds it is refused.'),
  note: z.string().max(2048).optional().describe('For people.'),
})
