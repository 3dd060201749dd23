/** The route packs: what each method and path of an upstream does, and how the model is found. */
import { z } from 'zod'
import { ACTIONS } from '../../domain/vocabulary.ts'
import { METHODS } from '../../domain/request.ts'

const packName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected a name of a-z, 0-9 and -, such as my-server')

const fieldName = z.string().min(1).max(128)

/** A JSON field, by the names on the way to it: `model`, `parameters.action`. */
const bodyPath = z
  .string()
  .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,7}$/, 'expected names separated by dots')

const headerName = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, 'expected a header name in lower case, such as x-model')

/** Where in the request something is read. Exactly one key of these. */
const origins = {
  path: fieldName.optional().describe('A {parameter} of the path.'),
  query: fieldName.optional().describe('A query parameter.'),
  body: bodyPath.optional().describe('A field of the JSON body.'),
  header: headerName.optional().describe('A request header, lower case.'),
  form: fieldName.optional().describe('A field of a multipart/form-data body.'),
}

function countOf(value: object, keys: readonly string[]): number {
  return keys.filter((key) => key in value).length
}

const ORIGINS = Object.keys(origins)

const source = z
  .strictObject({
    ...origins,
    literal: z.literal('server').optional().describe('The name of the upstream.'),
  })
  .refine((value) => countOf(value, [...ORIGINS, 'literal']) === 1, {
    message: 'name exactly one of path, query, body, header, form, literal',
  })

const TESTS = ['equals', 'in', 'prefix', 'present', 'absent']
const word = z.string().max(256)

const predicate = z
  .strictObject({
    ...origins,
    equals: word.optional().describe('Has this value.'),
    in: z.array(word).min(1).max(64).optional().describe('Has one of these values.'),
    prefix: z.array(word.min(1)).min(1).max(64).optional().describe('Any of these.'),
    present: z.literal(true).optional().describe('Is there.'),
    absent: z.literal(true).optional().describe('Is not there.'),
  })
  .refine((value) => countOf(value, ORIGINS) === 1, {
    message: 'name exactly one of path, query, body, header, form',
  })
  .refine((value) => countOf(value, TESTS) === 1, {
    message: 'write exactly one of equals, in, prefix, present, absent',
  })

const action = z.enum(ACTIONS)

const route = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9 ._:/{}*-]{0,127}$/)
    .optional()
    .describe('Name in records and metrics; by default the first method and the path.'),
  methods: z
    .array(z.enum(METHODS))
    .min(1)
    .max(METHODS.length)
    .describe('HTTP methods; HEAD comes with GET.'),
  prefix: z.string().optional().describe('A name under `prefixes`; the route is below each.'),
  path: z
    .string()
    .min(1)
    .max(1024)
    .describe('{x} is one segment, {x*} all that remain, {x}:verb a segment with a suffix.'),
  when: z
    .array(predicate)
    .min(1)
    .max(8)
    .optional()
    .describe('All must hold. Rows of one method and path are tried in the order written.'),
  action: action.describe('What the route does to the model; for exports, also by redirect.'),
  also: z.array(action).max(7).optional().describe('Further actions on the same resource.'),
  also_server: z.array(action).max(8).optional().describe('Further actions on the server.'),
  resource: z
    .enum(['model', 'dataset', 'server'])
    .optional()
    .describe('By default a model where `model` is written, else the server.'),
  model: z.array(source).min(1).max(8).optional().describe('Where the name is read.'),
  version: z.array(source).min(1).max(4).optional().describe('Where the version is read.'),
  required: z.enum(['any', 'all']).default('any').describe('Of the sources of the name.'),
  combine: z
    .enum(['agree', 'each'])
    .default('agree')
    .describe('agree: names that differ are refused. each: every name must be permitted.'),
  body: z
    .enum(['none', 'json', 'multipart', 'any', 'stream'])
    .optional()
    .describe('By default what the fields that are read need; none with GET.'),
  upgrade: z.literal('websocket').optional().describe('The route may become a WebSocket.'),
  error_shape: z
    .enum(['problem', 'openai'])
    .optional()
    .describe('Shape of refusals: RFC 9457, or what OpenAI clients parse.'),
  refuse: z.literal(true).optional().describe('Known, and never served.'),
  note: z.string().max(512).optional().describe('For people.'),
})

const profile = z.strictObject({
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
  note: z.string().max(2048).optional().describe('For people.'),
})

/** One file of `rules/routes/` or of the built-in packs. */
export const packSchema = z.strictObject({
  pack: packName.optional().describe('The name of a pack of its own.'),
  extends: packName.optional().describe('The pack whose routes these replace or add to.'),
  title: z.string().max(256).optional().describe('The system, for people.'),
  version_read: z.string().max(512).optional().describe('The version the routes were read from.'),
  profile: profile.optional().describe('How the upstream reads requests.'),
  error_shape: z
    .enum(['problem', 'openai'])
    .optional()
    .describe('Shape of refusals, for all routes.'),
  prefixes: z
    .record(
      z.string(),
      z
        .array(z.string().regex(/^(\/[A-Za-z0-9._~-]+)*$/, 'expected /a or /a/b, or nothing'))
        .min(1)
        .max(8),
    )
    .optional()
    .describe('Named lists of path prefixes that routes are below.'),
  routes: z.array(route).max(4096).default([]).describe('What each method and path does.'),
})

/** A pack as written, validated. */
export type PackDocument = z.output<typeof packSchema>

/** A route as written, validated. */
export type PackRoute = z.output<typeof route>

/** A source of a name or version as written, validated. */
export type PackSource = z.output<typeof source>

/** A predicate as written, validated. */
export type PackPredicate = z.output<typeof predicate>
