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

/** A member of the body that is no name: `metadata.*` is any scalar of an object. */
const memberPath = z
  .string()
  .regex(
    /^[A-Za-z0-9_@$-]{1,128}(?:\[\])?(?:\.[A-Za-z0-9_@$-]{1,128}(?:\[\])?){0,7}(?:\.\*)?$/,
    'expected names separated by dots, with [] behind the name of an array, or .* at the end',
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
    .array(memberPath)
    .min(1)
    .max(64)
    .describe(
      'The only members of the body whose meaning is known, besides those named above, at every ' +
        'depth: method.type; x[].y; metadata.* is any text or number under metadata. With any ' +
        'other, or with a text that looks like a file or a URL, it is unknown what is trained with.',
    ),
  job: answerPath.optional().describe('Where the JSON answer names the job.'),
})

const TOLD = {
  path: fieldName.optional().describe('A {parameter} of the path.'),
  body: bodyPath.optional().describe('A field of the JSON body.'),
  answer: answerPath.optional().describe('A member of the JSON answer.'),
}

const isOne = (value: object): boolean => Object.keys(value).length === 1

/** How a field names a run. */
const RUN_FORMS = ['plain', 'mlflow-source'] as const

/** Where a registration says of which run it is. */
const toldRun = z
  .strictObject({
    ...TOLD,
    as: z
      .enum(RUN_FORMS)
      .default('plain')
      .describe(
        'How the run is written; mlflow-source: it is the run of runs:/<run>/… or ' +
          'mlflow-artifacts:/<experiment>/<run>/…, and none where the text is neither.',
      ),
  })
  .refine(
    ({ path, body, answer }) =>
      [path, body, answer].filter((one) => one !== undefined).length === 1,
    'name exactly one of path, body, answer',
  )

/** Where it says a name of the version: in its path, query, body, or answer. */
const toldVersion = z
  .strictObject({
    ...TOLD,
    query: fieldName.optional().describe('A parameter of the query; none where it is not there.'),
    digest: z
      .union([
        z.literal('body'),
        z.strictObject({ member: fieldName.describe('The member of the body that is digested.') }),
      ])
      .optional()
      .describe(
        'body: sha256:<hex> of the body. member: spec-<hex>, SHA-256 of a member of the JSON ' +
          'body as JSON without spaces and with sorted names.',
      ),
  })
  .refine(isOne, 'name exactly one of path, query, body, answer, digest')

/** Which version a route makes, and of which run. */
export const registers = z.strictObject({
  version: z
    .union([toldVersion.transform((one) => [one]), z.array(toldVersion).max(4)])
    .describe(
      'Where the version is named. Of several names every one is restricted; people use the ' +
        'first. With none, nobody can tell what is made.',
    ),
  run: z
    .array(toldRun)
    .min(1)
    .max(4)
    .optional()
    .describe('Where the run is named that it came of; the first that is there counts.'),
  held: z
    .literal(true)
    .optional()
    .describe(
      'What is made is in use at once, so it is not made before it was released; what comes of ' +
        'no training is not held.',
    ),
})

/** What is written of a training, validated. */
export type PackTraining = z.output<typeof training>

/** What is written of a registration, validated. */
export type PackRegisters = z.output<typeof registers>
