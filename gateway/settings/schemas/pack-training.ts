/** The parts of a route that say what is trained with, and which version comes of it. */
import { z } from 'zod'
import { bodyPath, fieldName, NAME_FORMS } from './pack-fields.ts'

/** Names of JSON members with dots: `model_version.version`. */
const answerPath = z
  .string()
  .regex(
    /^[A-Za-z0-9_-]{1,128}(?:\.[A-Za-z0-9_-]{1,128}){0,3}$/,
    'expected names with dots, such as model_version.version',
  )

/** A field of the body that names a dataset or a model. */
const named = z.strictObject({
  body: bodyPath.describe('A field of the JSON body; x[].y is y of every element of x.'),
  as: z.enum(NAME_FORMS).default('plain').describe('How the name is written.'),
})

/** What a body says of the training that it asks for. */
export const training = z.strictObject({
  datasets: z
    .array(named)
    .min(1)
    .max(8)
    .describe('Every field that names a dataset, those for validation included.'),
  base: z
    .array(named)
    .min(1)
    .max(4)
    .optional()
    .describe('Where the model is named that is trained further; names must agree.'),
  destination: z
    .array(named)
    .min(1)
    .max(4)
    .optional()
    .describe('Where the model is named that the result becomes a version of; must agree.'),
  parameters: z
    .array(bodyPath)
    .max(32)
    .default([])
    .describe('Scalars that the provenance tells besides.'),
  members: z
    .array(fieldName)
    .min(1)
    .max(64)
    .describe(
      'The only members of the body whose meaning is known: with any other it is unknown what ' +
        'is trained with.',
    ),
  job: answerPath.optional().describe('Where the JSON answer names the job.'),
})

/** Where a registration says something: in its path, its body, or its answer. */
const told = z
  .strictObject({
    path: fieldName.optional().describe('A {parameter} of the path.'),
    body: bodyPath.optional().describe('A field of the JSON body.'),
    answer: answerPath.optional().describe('A member of the JSON answer.'),
  })
  .refine((value) => Object.keys(value).length === 1, {
    message: 'name exactly one of path, body, answer',
  })

/** Which version a route makes, and of which run. */
export const registers = z.strictObject({
  version: told.describe('Where the version is named.'),
  run: z
    .array(told)
    .min(1)
    .max(4)
    .optional()
    .describe('Where the run is named that it came of; the first that is there counts.'),
})

/** What is written of a training, validated. */
export type PackTraining = z.output<typeof training>

/** What is written of a registration, validated. */
export type PackRegisters = z.output<typeof registers>
