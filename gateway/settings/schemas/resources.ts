/**
 * The shape of `rules/resources.yaml`: what is known of models and datasets. Keys are names or
 * globs (`fraud-*`); the most specific one that matches a name describes it, whole.
 */
import { z } from 'zod'
import { byteSize } from '../units.ts'

const word = z.string().min(1).max(256)

/** Names as rules write them: the characters a model name may have, and `*`. */
const nameGlob = z
  .string()
  .regex(/^[A-Za-z0-9._/:*-]{1,256}$/)
  .refine((name) => !name.includes('**'))

const NAME_PROBLEM =
  'names are up to 256 letters, digits and . _ - / : with single * for any run of characters'

const attributes = z.strictObject({
  owner: word.optional(),
  classification: word.optional(),
  environment: word.optional(),
  tags: z.array(word).max(64).optional(),
  /** Expected size of the artifact. */
  bytes: z.union([z.int().min(1), byteSize]).optional(),
  /** Expected digest of the artifact. */
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 lower-case hex digits')
    .optional(),
})

const described = z.record(nameGlob, attributes, {
  error: (issue) => (issue.code === 'invalid_key' ? NAME_PROBLEM : undefined),
})

/** `rules/resources.yaml`. */
export const resourcesSchema = z.strictObject({
  models: described.optional(),
  datasets: described.optional(),
})

/** What is written of one name or glob; sizes in bytes. */
export type ResourceSpec = z.output<typeof attributes>
