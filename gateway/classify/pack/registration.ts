/** How routes say which version of a model they register, and which run it came of. */
import { createHash } from 'node:crypto'
import { isRefusal } from '../../domain/refusal.ts'
import type { RegistrationFacts, RegistrationReader } from '../../domain/training.ts'
import type { PackRegisters } from '../../settings/schemas/pack-training.ts'
import { compileFieldTree, type FieldTree, type FieldValue } from '../body/body-fields.ts'
import { readJsonFields } from '../body/json-fields.ts'
import { parseVersion } from '../name-forms.ts'
import { isResourceName } from '../names.ts'

type ToldVersion = PackRegisters['version'][number]
type Told = Pick<ToldVersion, 'path' | 'body' | 'answer'>

/** What of a request is known when its row is. */
export interface RegistrationTarget {
  readonly captures: readonly string[]
  readonly query: ReadonlyMap<string, string>
}

/** A registration as a row knows it: what path and query say comes with the request. */
export type CompiledRegistration = (target: RegistrationTarget) => RegistrationReader

const NONE: RegistrationFacts = { versions: [], isUntold: false }

/** The readings that a route describes; `parameters` are those of its path. */
export function compileRegistration(
  spec: PackRegisters,
  parameters: readonly string[],
): CompiledRegistration {
  const { version, run = [] } = spec
  const inBody = version.filter(({ body, digest }) => body !== undefined || digest !== undefined)
  const inAnswer = version.filter(({ answer }) => answer !== undefined)
  const readsBody = inBody.length > 0 || run.some(({ body }) => body !== undefined)
  const readsAnswer = inAnswer.length > 0 || run.some(({ answer }) => answer !== undefined)
  const bodyTree = treeOf(registrationPaths(spec))
  const answerTree = treeOf([...version, ...run].flatMap(({ answer }) => answer ?? []))
  const always = { readsBody, readsAnswer, isHeld: spec.held === true }
  const runIn = (fields: Fields, key: 'body' | 'answer') =>
    run.map((told) => runId(told.as, textOf(fields?.get(told[key] ?? '')))).find(isRunId)
  return ({ captures, query }) => ({
    ...always,
    fromRequest: readTarget(spec, (told) =>
      told.path === undefined
        ? query.get(told.query ?? '')
        : captures[parameters.indexOf(told.path)],
    ),
    fromBody(body) {
      const fields = fieldsIn(body, bodyTree)
      const valueOf = (told: ToldVersion) => bodyName(told, body, fields)
      return factsOf(inBody.map(valueOf), runIn(fields, 'body'))
    },
    fromAnswer(answer) {
      const fields = fieldsIn(answer, answerTree)
      const valueOf = (told: Told) => textOf(fields?.get(told.answer ?? ''))
      return factsOf(inAnswer.map(valueOf), runIn(fields, 'answer'))
    },
  })
}

/** Fields of the JSON body that a registration reads. */
export function registrationPaths({ version, run = [] }: PackRegisters): string[] {
  const members = version.flatMap(({ digest }) => (typeof digest === 'object' ? digest.member : []))
  return [...new Set([...version, ...run].flatMap(({ body }) => body ?? []).concat(members))]
}

type Fields = ReadonlyMap<string, FieldValue> | undefined

function treeOf(paths: readonly string[]): FieldTree | undefined {
  return paths.length === 0 ? undefined : compileFieldTree([...new Set(paths)])
}

function fieldsIn(bytes: Buffer | undefined, tree: FieldTree | undefined): Fields {
  if (bytes === undefined || tree === undefined) return undefined
  const fields = readJsonFields(bytes, tree)
  return isRefusal(fields) ? undefined : fields
}

/** A parameter of the query that is not there names nothing; one of the path is always there. */
function readTarget(
  { version, run = [] }: PackRegisters,
  valueOf: (told: ToldVersion) => string | undefined,
): RegistrationFacts {
  const told = version.filter(
    (one) => one.path !== undefined || (one.query !== undefined && valueOf(one) !== undefined),
  )
  const ofRun = run.flatMap((one) => (one.path === undefined ? [] : [valueOf(one)]))
  const facts = factsOf(told.map(valueOf), ofRun.find(isRunId))
  return version.length === 0 ? { ...NONE, ...facts, isUntold: true } : facts
}

function factsOf(
  texts: readonly (string | undefined)[],
  run: string | undefined,
): RegistrationFacts {
  // A tag or a digest of a registry is a version, too.
  const parsed = texts.map((text) =>
    text === undefined ? undefined : parseVersion('reference', text),
  )
  const versions = parsed.filter((one) => one !== undefined)
  const facts = { versions, isUntold: versions.length < texts.length }
  return run === undefined ? facts : { ...facts, run }
}

function bodyName(
  { body: path, digest }: ToldVersion,
  body: Buffer | undefined,
  fields: Fields,
): string | undefined {
  if (body === undefined) return undefined
  if (path !== undefined) return textOf(fields?.get(path))
  if (typeof digest !== 'object') return `sha256:${sha256(body)}`
  // The grammar, and that no name stands there twice, was checked by the reading of its fields.
  if (fields?.get(digest.member)?.kind !== 'other') return undefined
  const value = JSON.parse(body.toString('utf8')) as Readonly<Record<string, unknown>>
  return `spec-${sha256(sortedText(value[digest.member]))}`
}

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** JSON without spaces, names in the order of their code units. */
function sortedText(value: unknown): string {
  return JSON.stringify(value, (_name, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
}

/** What a run or job may be called: compared, kept and shown. */
/**
 * Sources as MLflow writes them: of a run, or below its folder in the artifact store of the server,
 * where folders of runs are called by 32 hexadecimal digits and others are not.
 */
const RUN_SOURCE =
  /^(?:runs:\/([^/]+)|mlflow-artifacts:(?:\/\/[^/]*)?\/[^/]+\/([0-9a-f]{32}))(?:\/|$)/

function runId(
  form: NonNullable<PackRegisters['run']>[number]['as'],
  text: string | undefined,
): string | undefined {
  if (form === 'plain' || text === undefined) return text
  const [, ofRun, ofFolder] = RUN_SOURCE.exec(text) ?? []
  return ofRun ?? ofFolder
}

function isRunId(text: string | undefined): text is string {
  return text !== undefined && isResourceName(text) && text.length <= 256
}

function textOf(value: FieldValue | undefined): string | undefined {
  return value?.kind === 'string' || value?.kind === 'number' ? value.text : undefined
}
