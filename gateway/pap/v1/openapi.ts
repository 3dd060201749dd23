/**
 * The description of the control API in OpenAPI 3.1, made of its routes and of the schemas of what
 * they take and answer, so that it cannot say anything else.
 */
import { apiJsonSchemas, type ApiJsonSchema } from '../../settings/schemas/api.ts'
import { VERSION } from '../../version.ts'
import { CONTROL_CODES } from '../problem-codes.ts'
import type { DescribedRoute } from './api-route.ts'

/** The text of the description, with stable bytes. */
export function openApiText(routes: readonly DescribedRoute[]): string {
  return `${JSON.stringify(openApiOf(routes), null, 2)}\n`
}

function openApiOf(routes: readonly DescribedRoute[]): object {
  const schemas = apiJsonSchemas()
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const at = (paths[route.path] ??= {})
    at[route.method.toLowerCase()] = operation(route, schemas.queries)
  }
  const named = (prefix: string, of: Readonly<Record<string, ApiJsonSchema>>) =>
    Object.entries(of).map(([name, schema]) => [`${prefix}.${name}`, schema])
  return {
    openapi: '3.1.0',
    info: {
      title: 'Modelgate control API',
      version: VERSION,
      description:
        'Requests for extra privilege, grants, locks, reviews, rules. docs/api.md says how to call it.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    servers: [{ url: 'http://127.0.0.1:9090', description: 'The control listener.' }],
    security: [{ token: [] }],
    tags: [...new Set(routes.map(({ area }) => area))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A token whose one audience is `listen.control.audience`.',
        },
      },
      schemas: Object.fromEntries([
        ...named('body', schemas.bodies),
        ...named('answer', schemas.answers),
        ['problem', PROBLEM],
      ]) as object,
      responses: { problem: PROBLEM_RESPONSE },
      parameters: PARAMETERS,
    },
  }
}

function operation(
  route: DescribedRoute,
  queries: Readonly<Record<string, ApiJsonSchema>>,
): object {
  const status = route.method === 'GET' ? 200 : (route.status ?? 200)
  const inPath = [...route.path.matchAll(/\{([a-z]+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', minLength: 1, maxLength: 512 },
  }))
  const parameters = [
    ...inPath,
    ...(route.method === 'GET' ? inQuery(queries[route.query] ?? {}) : headersOf(route)),
  ]
  return {
    operationId: route.operationId,
    summary: route.summary,
    description: `Needs \`${route.action}\` on \`server:gate:${route.area}\`.`,
    tags: [route.area],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.method === 'GET' ? {} : { requestBody: bodyOf(route.body) }),
    responses: {
      [String(status)]: answerOf(route),
      ...(route.method === 'GET' && typeof route.answer === 'string' && route.isPlain !== true
        ? { '304': NOT_MODIFIED }
        : {}),
      default: { $ref: '#/components/responses/problem' },
    },
  }
}

function inQuery({ properties, required = [] }: ApiJsonSchema): object[] {
  return Object.entries((properties ?? {}) as Record<string, ApiJsonSchema>).map(
    ([name, { description, ...schema }]) => ({
      name,
      in: 'query',
      required: (required as readonly string[]).includes(name),
      ...(description === undefined ? {} : { description }),
      schema,
    }),
  )
}

function headersOf({ path, isPlain }: DescribedRoute): object[] {
  if (isPlain === true) return []
  const names = ['idempotencyKey', ...(path.includes('{id}') ? ['ifMatch'] : [])]
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }))
}

function bodyOf(name: string): object {
  const schema = { $ref: `#/components/schemas/body.${name}` }
  return { required: true, content: { 'application/json': { schema } } }
}

function answerOf({ answer, isPlain }: DescribedRoute): object {
  if (typeof answer === 'object') {
    const content = { [answer.text]: { schema: { type: 'string' } } }
    return { description: 'Done.', headers: { [ID_HEADER]: DECISION_ID }, content }
  }
  const schema = { $ref: `#/components/schemas/answer.${answer}` }
  const content = { 'application/json': { schema } }
  if (isPlain === true) return { description: 'Done.', content }
  return { description: 'Done.', headers: { ETag: ETAG, [ID_HEADER]: DECISION_ID }, content }
}

const ID_HEADER = 'X-Modelgate-Decision-Id'

const ETAG = { description: 'Changes with the document.', schema: { type: 'string' } }

const DECISION_ID = {
  description: 'Id of the records of this call in the ledger.',
  schema: { type: 'string' },
}

const NOT_MODIFIED = { description: 'It is what `If-None-Match` names.' }

const PARAMETERS = {
  idempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'Chosen by the caller, new for every call. The same call with the same key within a day is ' +
      'done once and answered alike; another call with it is refused (422 key_reused).',
    schema: { type: 'string', minLength: 8, maxLength: 130 },
  },
  ifMatch: {
    name: 'If-Match',
    in: 'header',
    required: false,
    description: 'ETag of what the caller saw; done only if it still is so (412).',
    schema: { type: 'string', maxLength: 1_024 },
  },
}

const PROBLEM = {
  type: 'object',
  description: 'RFC 9457.',
  required: ['type', 'title', 'status', 'reason', 'detail', 'remedy'],
  properties: {
    type: { type: 'string', pattern: '^urn:modelgate:problem:[a-z_]+$' },
    title: { type: 'string', description: 'The same for every occurrence of a reason.' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    reason: {
      type: 'string',
      description: 'Stable code.',
      examples: [...CONTROL_CODES],
    },
    detail: { type: 'string', description: 'What happened this time.' },
    remedy: { type: 'string', description: 'What helps.' },
    findings: { type: 'array', items: { type: 'string' } },
    decision_id: { type: 'string', description: 'Id of the records of this call in the ledger.' },
  },
  additionalProperties: false,
}

const PROBLEM_RESPONSE = {
  description: 'It was not done, for the reason given.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/problem' } } },
}
