/**
 * What a running server says of its own routes: OpenAPI 2 and 3 documents, the server metadata of
 * the Open Inference Protocol, BentoML's schema. Foreign documents: only what is read is looked at.
 */
import { z } from 'zod'

const TEXT_MAX = 65_536
const text = z.string().max(TEXT_MAX)

const operation = z.looseObject({
  summary: text.optional().catch(undefined),
  operationId: text.optional().catch(undefined),
  tags: z.array(text).max(64).optional().catch(undefined),
})

/** An OpenAPI 2.0, 3.0 or 3.1 document, as far as its routes go. */
export const openapiSchema = z.looseObject({
  openapi: z.string().max(64).optional(),
  swagger: z.string().max(64).optional(),
  basePath: z.string().max(1024).optional(),
  servers: z
    .array(z.looseObject({ url: z.string().max(4096) }))
    .max(64)
    .optional()
    .catch(undefined),
  paths: z.record(z.string().max(4096), z.record(z.string(), z.unknown())),
})

/** An operation of an OpenAPI document. */
export const openapiOperationSchema = operation

/** `GET /v2` of the Open Inference Protocol. */
export const serverMetadataSchema = z.looseObject({
  name: text,
  extensions: z.array(z.string().max(256)).max(256),
})

/** An OpenAPI document, validated. */
export type OpenapiDocument = z.output<typeof openapiSchema>
