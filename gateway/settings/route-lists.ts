/** Reads what servers, and operators for them, say of the routes there are. Nothing is trusted. */
import type { Diagnostic, Loaded } from '../domain/diagnostics.ts'
import { loadDocument } from './document.ts'
import {
  openapiOperationSchema,
  openapiSchema,
  serverMetadataSchema,
  type OpenapiDocument,
} from './schemas/route-lists.ts'

/** One operation of an OpenAPI document. */
export interface ListedOperation {
  /** Upper case; whatever the document says. */
  readonly method: string
  /** The template: `/v2/models/{model}/infer`. */
  readonly path: string
  /** What it says it does: tags, summary and operation id. */
  readonly tags: readonly string[]
  readonly summary: string
}

/** The operations of a document, and the path that its own servers are below. */
export interface ListedOperations {
  readonly operations: readonly ListedOperation[]
  /** Path of the first server or of `basePath`, without a slash at the end; often empty. */
  readonly basePath: string
}

const METHOD_KEYS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

/** An OpenAPI document that a server answered with, or `undefined` when it is none. */
export function openapiAnswer(text: string): ListedOperations | undefined {
  const parsed = openapiSchema.safeParse(jsonOf(text))
  return parsed.success ? operationsOf(parsed.data) : undefined
}

/** The `extensions` of the server metadata of the Open Inference Protocol, or `undefined`. */
export function metadataAnswer(
  text: string,
): { readonly name: string; readonly extensions: readonly string[] } | undefined {
  const parsed = serverMetadataSchema.safeParse(jsonOf(text))
  return parsed.success ? parsed.data : undefined
}

/** An OpenAPI document in a file, JSON or YAML, with what is wrong in it. */
export function loadOpenapiFile(source: {
  readonly file: string
  readonly text: string
}): Loaded<ListedOperations> {
  const loaded = loadDocument(source, openapiSchema)
  if (!loaded.ok) return loaded
  const value = operationsOf(loaded.value.value)
  if (value.operations.length > 0) return { ok: true, value, warnings: [] }
  return { ok: false, diagnostics: [nothingListed(source.file)] }
}

/** For a list of routes in which there is not one. */
export function nothingListed(file: string): Diagnostic {
  return {
    file,
    line: 1,
    column: 1,
    severity: 'error',
    code: 'no-routes',
    message: 'no routes are listed here',
    remedy: 'Write lines such as `GET /v1/models`, or an OpenAPI document with `paths`.',
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function operationsOf(document: OpenapiDocument): ListedOperations {
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    METHOD_KEYS.filter((key) => Object.hasOwn(item, key)).map((key): ListedOperation => {
      const parsed = openapiOperationSchema.safeParse(item[key])
      const { summary = '', operationId = '', tags = [] } = parsed.data ?? {}
      return { method: key.toUpperCase(), path, tags, summary: `${summary} ${operationId}`.trim() }
    }),
  )
  return { operations, basePath: basePathOf(document) }
}

function basePathOf({ servers, basePath }: OpenapiDocument): string {
  const written = servers?.[0]?.url ?? basePath ?? ''
  const path = URL.canParse(written) ? new URL(written).pathname : written
  return path.startsWith('/') ? path.replace(/\/$/, '') : ''
}
