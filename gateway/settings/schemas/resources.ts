/**
 * The shape of `rules/resources.yaml`: what is known of models and datasets. Keys are names or
 * globs (`fraud-*`); the most specific one that matches a name describes it, whole.
 */
import { z } from 'zod'
import { byteSize } from '../units.ts'
import { dataClass } from './limits.ts'

const word = z.string().min(1).max(256)

/** Names as rules write them: the characters a model name may have, and `*`. */
const nameGlob = z
  .string()
  .regex(/^[A-Za-z0-9._/:*-]{1,256}$/)
  .refine((name) => !name.includes('**'))

const NAME_PROBLEM =
  'names are up to 256 letters, digits and . _ - / : with single * for any run of characters'

/**
 * A path into JSON: `$` and then `.name`, `['name']`, `[*]` or `..name`, at most 16 of them; or a bare
 * name, for a column, feature or tensor however an API arranges these.
 */
const FIELD_PROBLEM = 'expected a path such as $.rows[*].email or $..email, or the name of a column'

const fieldPath = z
  .string()
  .max(512)
  .regex(
    /^(?:\$(?:\.\.?[A-Za-z_][A-Za-z0-9_-]{0,63}|\[\*\]|\['[^'\\\]]{1,64}'\]){1,16}|[A-Za-z_][A-Za-z0-9_.:-]{0,127})$/,
    FIELD_PROBLEM,
  )

const attributes = z.strictObject({
  owner: word.optional().describe('Who answers for it: a user, group or team.'),
  classification: word.optional().describe('Such as public, internal, confidential.'),
  environment: word.optional().describe('Such as dev, staging, prod.'),
  tags: z.array(word).max(64).optional().describe('Free words that conditions can test.'),
  bytes: z
    .union([z.int().min(1), byteSize])
    .optional()
    .describe('Expected size of the artifact, such as 14GiB.'),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 lower-case hex digits')
    .optional()
    .describe('Expected digest of the artifact.'),
  fields: z
    .record(fieldPath, dataClass, {
      error: (issue) => (issue.code === 'invalid_key' ? FIELD_PROBLEM : undefined),
    })
    .optional()
    .describe('Classes of data in its answers, by path: $.rows[*].email, $..ssn, or a column.'),
})

/** Datasets say besides whether they may be trained with. */
const datasetAttributes = attributes.extend({
  training: z
    .enum(['allowed', 'forbidden'])
    .optional()
    .describe('Whether models may be trained with it; else `training.classifications` tell.'),
})

const keyed = {
  error: (issue: { readonly code?: string | undefined }) =>
    issue.code === 'invalid_key' ? NAME_PROBLEM : undefined,
}

/** `rules/resources.yaml`. */
export const resourcesSchema = z.strictObject({
  models: z
    .record(nameGlob, attributes, keyed)
    .optional()
    .describe('Models by name or glob; the most specific describes.'),
  datasets: z
    .record(nameGlob, datasetAttributes, keyed)
    .optional()
    .describe('Datasets by name or glob.'),
})

/** What is written in the file. */
export type ResourcesSpec = z.output<typeof resourcesSchema>

/** What is written of one name or glob; sizes in bytes. */
export type ResourceSpec = z.output<typeof datasetAttributes>
