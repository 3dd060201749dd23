/** Queries and answers of the control API about versions that came of retrainings. */
import { z } from 'zod'
import { instant, pageOf, paging, sha256 } from './api-fields.ts'

const model = z
  .string()
  .max(512)
  .regex(/^model:[^@\s*\p{C}]+$/u, {
    error: 'expected model:<name>, without version and without *',
  })

const status = z.enum(['restricted', 'released'])

/** Parameters by name. */
export const VERSION_QUERIES = {
  versions: z.strictObject({
    ...paging,
    model: model.optional().describe('Only versions of this model: `model:<name>`.'),
    status: status.optional().describe('Only versions that stand like this.'),
  }),
  runs: z.strictObject({
    ...paging,
    model: model.optional().describe('Only trainings of which this was to come.'),
  }),
} as const

const version = z.strictObject({
  id: z.string().describe('`model:<name>@<version>`.'),
  status: status.describe('restricted: it may be read and trained, not used.'),
  registered_at: instant,
  registered_by: z.string(),
  run: z
    .string()
    .optional()
    .describe('The training that it came of; absent when it may be one of several.'),
  released: z.strictObject({ by: z.string(), at: instant, reason: z.string() }).optional(),
})

const run = z.strictObject({
  id: z.string().describe('Of the decision that let it through.'),
  at: instant,
  by: z.string(),
  grant: z.string().optional().describe('Absent where a rule allowed it without one.'),
  destination: z.string().optional().describe('`model:<name>`, where the request said it.'),
  upstream: z.string(),
  upstream_run: z.string().optional().describe('What the upstream calls it.'),
  statement_digest: sha256.describe('Of the text of its in-toto statement.'),
  versions: z.array(z.string()).readonly().describe('What was registered of it.'),
})

/** Answers by name. */
export const VERSION_ANSWERS = { version, versions: pageOf(version), runs: pageOf(run) } as const
