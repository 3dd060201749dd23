/**
 * The shape of `rules/limits.yaml`: duties that come with a permit. A limit says whom it is for, what
 * it is about, and what becomes of parameters of the request and of the answer. Patterns, subjects
 * and conditions are checked where the rules are loaded, which know them.
 */
import { z } from 'zod'
import { ACTIONS } from '../../domain/vocabulary.ts'
import { GENERALISATIONS } from '../../domain/data-classes.ts'
import { PARAMETERS, type Parameter, type ParameterName } from '../../domain/parameters.ts'
import { sizeBetween } from './fields.ts'
import { apart, budget, detect, onIncident, weights } from './limits-use.ts'

const LIST_MAX = 256
/** Each may name many resources; the loader of the YAML text takes time by their square. */
const LIMITS_MAX = 1000

const subject = z.string().min(1).max(512)
const subjects = z.array(subject).min(1).max(LIST_MAX)

const atMost = (least: number) =>
  z
    .int()
    .min(least)
    .max(1_000_000_000)
    .describe('Most that may be asked for; more is lowered to it.')

function treatment(name: ParameterName) {
  const { treatments, description }: Parameter = PARAMETERS[name]
  const words = treatments.filter((one) => one !== 'cap')
  const word = z.enum(words as [string, ...string[]])
  const choices = [...(treatments.includes('cap') ? ['{ max: <number> }'] : []), ...words]
  const error = `expected ${choices.join(' or ')}`
  const shape = treatments.includes('cap') ? z.union([word, cap(name)], { error }) : word
  return shape.optional().describe(`${description} ${sentence(choices)}`)
}

/** Only an answer has a length when none is asked for. */
function cap(name: ParameterName) {
  if (name !== 'max_tokens') return z.strictObject({ max: atMost(0) })
  return z.strictObject({
    // To Ollama, 0 is without end.
    max: atMost(1),
    add: z.boolean().optional().describe('Write `max` into requests that ask for no length.'),
  })
}

function sentence(choices: readonly string[]): string {
  return `One of: ${choices.map((choice) => `\`${choice}\``).join(', ')}.`
}

const parameters = z
  .strictObject({
    max_tokens: treatment('max_tokens'),
    n: treatment('n'),
    logprobs: treatment('logprobs'),
    top_logprobs: treatment('top_logprobs'),
    prompt_logprobs: treatment('prompt_logprobs'),
    logit_bias: treatment('logit_bias'),
    echo: treatment('echo'),
    token_ids: treatment('token_ids'),
    hidden_states: treatment('hidden_states'),
    logits: treatment('logits'),
  } satisfies Record<ParameterName, z.ZodType>)
  .refine((given) => Object.keys(given).length > 0, { message: 'names no parameter' })

/** Names of JSON fields go into a header of the answer. */
const fieldName = z
  .string()
  .regex(
    /^[A-Za-z0-9_.-]{1,64}$/,
    'expected a field name of letters, digits and _ - . such as logprobs',
  )

/** As `resources.yaml` names what stands in a field. */
export const dataClass = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,63}$/,
    'expected a class such as contact: lower-case letters, digits, -',
  )

const classTreatment = z.union(
  [
    z.enum(['remove', 'mask', 'tokenise', 'pass']),
    z.strictObject({ generalise: z.enum(GENERALISATIONS) }),
  ],
  {
    error: `expected remove, mask, tokenise, pass or { generalise: ${GENERALISATIONS.join('|')} }`,
  },
)

const response = z
  .strictObject({
    bytes: sizeBetween('1B', '16TiB')
      .optional()
      .describe('Most body bytes an answer may have; what is longer is cut.'),
    redact: z
      .array(fieldName)
      .min(1)
      .max(64)
      .optional()
      .describe('JSON fields that are taken out of answers, at any depth.'),
    classes: z
      .record(dataClass, classTreatment)
      .optional()
      .describe('What becomes of fields of these classes, which `resources.yaml` tags.'),
  })
  .refine((given) => Object.keys(given).length > 0, {
    message: 'says nothing; add bytes, redact or classes',
  })

const limit = z
  .strictObject({
    description: z.string().max(500).optional().describe('What it is for, for people.'),
    for: subjects
      .optional()
      .describe('Whom it is for: user:, group: or role:; everyone if absent.'),
    except: subjects.optional().describe('Who is exempt: user:, group: or role:.'),
    actions: z
      .array(z.enum(ACTIONS))
      .min(1)
      .max(ACTIONS.length)
      .optional()
      .describe('Actions it is about; `infer` if absent.'),
    resources: z
      .array(z.string().min(1).max(600))
      .min(1)
      .max(LIST_MAX)
      .optional()
      .describe('Patterns as in policy.csv; every resource if absent.'),
    when: z
      .string()
      .min(1)
      .max(1024)
      .optional()
      .describe('Conditions, as in policy.csv; it applies unless they are known to be false.'),
    parameters: parameters.optional().describe('What becomes of parameters of the request.'),
    response: response.optional().describe('What becomes of the answer.'),
    apart: z
      .array(apart)
      .min(1)
      .max(64)
      .optional()
      .describe('Parameters that one request must not have together.'),
    budget: z
      .union([budget.transform((one) => [one]), z.array(budget).min(1).max(16)])
      .optional()
      .describe('What may be used up over time, counted apart for each limit.'),
    detect: detect.optional().describe('What counts as taking a model apart, by one subject.'),
    on_incident: onIncident.optional().describe('What becomes of the caller after an incident.'),
  })
  .refine(
    ({ parameters, response, apart, budget, detect, on_incident }) =>
      [parameters, response, apart, budget, detect, on_incident].some((part) => part !== undefined),
    {
      message: 'demands nothing; add parameters, response, apart, budget, detect or on_incident',
    },
  )

const NAME_PROBLEM = 'names are up to 64 lower-case letters, digits and hyphens, letter first'

/** `rules/limits.yaml`. */
export const limitsSchema = z.strictObject({
  weights,
  limits: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/), limit, {
      error: (issue) => (issue.code === 'invalid_key' ? NAME_PROBLEM : undefined),
    })
    .refine((named) => Object.keys(named).length <= LIMITS_MAX, {
      message: `more than ${LIMITS_MAX} limits`,
    })
    .describe('Limits by name; of those that apply to a request, the strictest counts.'),
})

/** What is written of the budgets that models have by themselves. */
export type WeightsSpec = z.output<typeof weights>

/** What becomes of a field of one class. */
export type ClassTreatment = z.output<typeof classTreatment>

/** What is written of one limit; sizes in bytes. */
export type LimitSpec = z.output<typeof limit>

/** What is written of one parameter. */
export type TreatmentSpec =
  'strip' | 'refuse' | { readonly max: number; readonly add?: boolean | undefined }
