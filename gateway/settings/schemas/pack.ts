/** The route packs: what each method and path of an upstream does, and how the model is found. */
import { z } from 'zod'
import { ACTIONS } from '../../domain/vocabulary.ts'
import { ERROR_SHAPES, METHODS } from '../../domain/request.ts'
import { registers, training } from './pack-training.ts'
import { answers, effect, frames, listing, predicate, profile, source } from './pack-fields.ts'

const packName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected a name of a-z, 0-9 and -, such as my-server')

const action = z.enum(ACTIONS)

const pattern = z.string().min(1).max(1024)

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
    .describe('HTTP methods; HEAD comes with GET. POST for gRPC.'),
  transport: z
    .literal('grpc')
    .optional()
    .describe('A gRPC method: the path is /package.Service/Method. HTTP when absent.'),
  prefix: z.string().optional().describe('A name under `prefixes`; the route is below each.'),
  path: z
    .union([pattern, z.array(pattern).min(2).max(8)])
    .describe(
      '{x} is one segment, {x*} one or more, {x}:verb a segment with a suffix. Several paths may ' +
        'be listed that are one route.',
    ),
  when: z
    .array(predicate)
    .min(1)
    .max(8)
    .optional()
    .describe('All must hold. Rows of one method and path are tried in the order written.'),
  action: action.describe('What the route does to the model; for exports, also by redirect.'),
  also: z.array(action).max(7).optional().describe('Further actions on the same resource.'),
  also_on: z
    .array(effect)
    .min(1)
    .max(4)
    .optional()
    .describe('What is done to other models that the request names, as the source of a copy.'),
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
    .enum(['none', 'json', 'ndjson', 'multipart', 'form', 'any', 'stream'])
    .optional()
    .describe(
      'By default what the fields that are read need; none with GET. form: urlencoded or ' +
        'multipart. ndjson: a JSON object per line, fields are read from every line. stream, for ' +
        'gRPC: the client sends any number of messages, each of which is read; else one.',
    ),
  streams: z
    .enum(['sse', 'ndjson', 'bytes', 'messages'])
    .optional()
    .describe('How the answer streams, where it does. For people.'),
  answers: answers
    .optional()
    .describe(
      'Media types of its answers besides JSON and text, for callers without export: exact, or ' +
        'image/*. Without it the action tells.',
    ),
  listing: z
    .union([listing, z.array(listing).min(1).max(4)])
    .optional()
    .describe('Where the answer lists models, to be filtered; several where it has several lists.'),
  frames: frames
    .optional()
    .describe('What the messages of a WebSocket do; none passes before one has named a model.'),
  training: z
    .union([z.literal('none'), training])
    .optional()
    .describe(
      'How a retrain route says what it trains with; none: it trains nothing. Without it that is ' +
        'unknown, and the route serves no grant for one training.',
    ),
  registers: registers
    .optional()
    .describe('The route makes a version of its model, which may have come of a training.'),
  verified: z
    .literal(false)
    .optional()
    .describe('Not seen in the source of the upstream: asks for admin on the server as well.'),
  upgrade: z.literal('websocket').optional().describe('The route may become a WebSocket.'),
  error_shape: z
    .enum(ERROR_SHAPES)
    .optional()
    .describe(
      'Shape of refusals: RFC 9457, or what clients of OpenAI, S3 or OCI registries parse.',
    ),
  refuse: z.literal(true).optional().describe('Known, and never served.'),
  note: z.string().max(512).optional().describe('For people.'),
})

/** One file of `rules/routes/` or of the built-in packs. */
export const packSchema = z.strictObject({
  pack: packName.optional().describe('The name of a pack of its own.'),
  extends: packName.optional().describe('The pack whose routes these replace or add to.'),
  title: z.string().max(256).optional().describe('The system, for people.'),
  version_read: z.string().max(512).optional().describe('The version the routes were read from.'),
  profile: profile.optional().describe('How the upstream reads requests.'),
  error_shape: z.enum(ERROR_SHAPES).optional().describe('Shape of refusals, for all routes.'),
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

/** What is done to another model, validated. */
export type PackEffect = z.output<typeof effect>

/** A predicate as written, validated. */
export type PackPredicate = z.output<typeof predicate>

/** A list in an answer as written, validated. */
export type PackListing = z.output<typeof listing>
