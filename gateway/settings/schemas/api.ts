/**
 * Bodies, queries and answers of the control API, by name: what is read, what is documented and what
 * tests hold answers against. To add some: write `api-<area>.ts` and add a line to each table.
 */
import { z } from 'zod'
import type { Loaded } from '../../domain/diagnostics.ts'
import { loadDocument } from '../document.ts'
import { FILE_REMEDY } from '../document-issues.ts'
import { nothing, paging } from './api-fields.ts'
import { LOCK_ANSWERS, LOCK_BODIES, LOCK_QUERIES } from './api-locks.ts'
import { REQUEST_ANSWERS, REQUEST_BODIES, REQUEST_QUERIES } from './api-requests.ts'
import { REVIEW_ANSWERS, REVIEW_BODIES, REVIEW_QUERIES } from './api-reviews.ts'
import { RULE_ANSWERS, RULE_BODIES } from './api-rules.ts'
import { STATE_ANSWERS } from './api-state.ts'
import { VERSION_ANSWERS, VERSION_QUERIES } from './api-versions.ts'

/** Bodies of POST and PUT. */
export const API_BODIES = {
  nothing,
  ...REQUEST_BODIES,
  ...LOCK_BODIES,
  ...REVIEW_BODIES,
  ...RULE_BODIES,
} as const

/** Parameters behind `?`. */
export const API_QUERIES = {
  none: z.strictObject({}),
  page: z.strictObject(paging),
  ...REQUEST_QUERIES,
  ...LOCK_QUERIES,
  ...REVIEW_QUERIES,
  ...VERSION_QUERIES,
} as const

/** Documents that are answered. */
export const API_ANSWERS = {
  ...STATE_ANSWERS,
  ...REQUEST_ANSWERS,
  ...LOCK_ANSWERS,
  ...REVIEW_ANSWERS,
  ...VERSION_ANSWERS,
  ...RULE_ANSWERS,
} as const

/** Name of a body. */
export type ApiBodyName = keyof typeof API_BODIES
/** A body that was read. */
export type ApiBody<N extends ApiBodyName> = z.output<(typeof API_BODIES)[N]>
/** Name of a set of parameters. */
export type ApiQueryName = keyof typeof API_QUERIES
/** Parameters that were read. */
export type ApiQuery<N extends ApiQueryName> = z.output<(typeof API_QUERIES)[N]>
/** Name of a document. */
export type ApiAnswerName = keyof typeof API_ANSWERS
/** A document. */
export type ApiAnswer<N extends ApiAnswerName> = z.input<(typeof API_ANSWERS)[N]>

/** Reads a body that is JSON already: no key twice, none unknown. */
export function readApiBody<N extends ApiBodyName>(name: N, text: string): Loaded<ApiBody<N>> {
  // The table has, under each name, the schema of this type.
  return read('body', text, API_BODIES[name]) as Loaded<ApiBody<N>>
}

/** Reads parameters, of which each is there once. */
export function readApiQuery<N extends ApiQueryName>(
  name: N,
  parameters: Readonly<Record<string, string>>,
): Loaded<ApiQuery<N>> {
  return read('query', JSON.stringify(parameters), API_QUERIES[name]) as Loaded<ApiQuery<N>>
}

/** JSON is YAML, and the reader of operators' files knows keys that are there twice. */
function read(file: string, text: string, schema: z.ZodType): Loaded<unknown> {
  const loaded = loadDocument({ file, text }, schema)
  if (loaded.ok) return { ...loaded, value: loaded.value.value }
  // Callers have no file before them.
  const diagnostics = loaded.diagnostics.map((found) =>
    found.remedy === FILE_REMEDY ? { ...found, remedy: DESCRIBED } : found,
  )
  return { ...loaded, diagnostics }
}

const DESCRIBED = 'GET /v1/openapi.json describes what is expected.'

/** A schema of JSON Schema 2020-12, which is that of OpenAPI 3.1. */
export type ApiJsonSchema = Readonly<Record<string, unknown>>

/** The JSON Schemas of every body and answer, by name; parameters as those of an object. */
export function apiJsonSchemas(): {
  readonly bodies: Readonly<Record<string, ApiJsonSchema>>
  readonly queries: Readonly<Record<string, ApiJsonSchema>>
  readonly answers: Readonly<Record<string, ApiJsonSchema>>
} {
  return {
    bodies: jsonSchemas(API_BODIES, 'input'),
    queries: jsonSchemas(API_QUERIES, 'input'),
    answers: jsonSchemas(API_ANSWERS, 'output'),
  }
}

function jsonSchemas(
  table: Readonly<Record<string, z.ZodType>>,
  io: 'input' | 'output',
): Readonly<Record<string, ApiJsonSchema>> {
  const entries = Object.entries(table).map(([name, schema]) => {
    const made: Record<string, unknown> = z.toJSONSchema(schema, { target: 'draft-2020-12', io })
    // The description names the dialect once, for all of them.
    delete made['$schema']
    return [name, made] as const
  })
  return Object.fromEntries(entries)
}
