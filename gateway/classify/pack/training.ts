/**
 * How routes say what is trained with. A body is read twice: when the request is classified, as far
 * as it decides that, and again as it goes upstream, so that what was compared with a grant is what
 * is sent. This is the second reading; it looks at every member of the body.
 */
import { isRefusal } from '../../domain/refusal.ts'
import type { TrainingFacts, TrainingRead, TrainingReader } from '../../domain/training.ts'
import type { PackTraining } from '../../settings/schemas/pack-training.ts'
import { compileFieldTree, type FieldValue } from '../body/body-fields.ts'
import { readJsonFields } from '../body/json-fields.ts'
import { parseName, type ParsedName } from '../name-forms.ts'
import { compileMembers, type MembersFault } from './training-members.ts'

/** Datasets of one training, and characters of one parameter: a record of it must hold them. */
const DATASETS_MAX = 64
const PARAMETER_CHARACTERS_MAX = 256

type Fields = ReadonlyMap<string, FieldValue>
type Named = PackTraining['datasets'][number]
type Unreadable = Extract<TrainingRead, { readonly unreadable: string }>

const unreadable = (why: string): Unreadable => ({ unreadable: why })

/** All fields of a body that a training is read from, once each. */
export function trainingPaths({
  datasets,
  base = [],
  destination = [],
  parameters,
}: PackTraining): string[] {
  const named = [...datasets, ...base, ...destination].map(({ body }) => body)
  return [...new Set([...named, ...parameters])]
}

/** The reader that a route describes. */
export function compileTraining(spec: PackTraining): TrainingReader {
  const tree = compileFieldTree(trainingPaths(spec))
  const faultOf = compileMembers(spec)
  return {
    read(body) {
      const fields = readJsonFields(body, tree)
      if (isRefusal(fields)) return unreadable('The body is not one well-formed JSON object.')
      return readMembers(body, faultOf) ?? readFacts(spec, fields)
    },
    ...(spec.job === undefined ? {} : { job: spec.job.split('.') }),
  }
}

/** A member that the route does not know could name one more dataset, or another place. */
function readMembers(
  body: Buffer,
  faultOf: ReturnType<typeof compileMembers>,
): Unreadable | undefined {
  // The grammar, and that no name stands there twice, was checked by the reading of its fields.
  const value = JSON.parse(body.toString('utf8')) as unknown
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return unreadable('The body is not one well-formed JSON object.')
  }
  const fault = faultOf(value)
  return fault === undefined ? undefined : unreadable(FAULTS[fault])
}

const FAULTS: Readonly<Record<MembersFault, string>> = {
  unknown: 'The body has a member that is not known here; the reference of the route lists those.',
  reference: 'A text of the body looks like a file or a place, where none of them is read.',
}

function readFacts(spec: PackTraining, fields: Fields): TrainingRead {
  const datasets = readDatasets(spec.datasets, fields)
  if (!Array.isArray(datasets)) return datasets
  const base = readOne('base', spec.base, fields)
  if (typeof base === 'object') return base
  const destination = readOne('destination', spec.destination, fields)
  if (typeof destination === 'object') return destination
  const parameters = readParameters(spec.parameters, fields)
  if ('unreadable' in parameters) return parameters as Unreadable
  return {
    datasets,
    ...(base === undefined ? {} : { base }),
    ...(destination === undefined ? {} : { destination }),
    parameters,
  } satisfies TrainingFacts
}

function readDatasets(sources: readonly Named[], fields: Fields): string[] | Unreadable {
  const names = new Set<string>()
  for (const source of sources) {
    for (const value of valuesAt(source, fields)) {
      const parsed = parsedOf(source, value)
      // A version of a dataset would be another dataset under one digest.
      if (parsed === undefined || parsed.version !== undefined) {
        return unreadable(`${source.body} holds no name of a dataset.`)
      }
      names.add(parsed.name)
    }
    if (names.size > DATASETS_MAX) return unreadable(`More than ${DATASETS_MAX} datasets.`)
  }
  return [...names].sort()
}

function readOne(
  what: 'base' | 'destination',
  sources: readonly Named[] = [],
  fields: Fields,
): string | undefined | Unreadable {
  let found: string | undefined
  for (const source of sources) {
    for (const value of valuesAt(source, fields)) {
      const parsed = parsedOf(source, value)
      if (parsed === undefined) return unreadable(`${source.body} holds no name of a model.`)
      const text = modelText(what, parsed)
      if (found !== undefined && found !== text) return unreadable(`The ${what} is named twice.`)
      found = text
    }
  }
  return found
}

/** What is made is a new version: which one, the upstream says. */
function modelText(what: 'base' | 'destination', { name, version }: ParsedName): string {
  return `model:${name}${version === undefined || what === 'destination' ? '' : `@${version}`}`
}

function readParameters(
  paths: readonly string[],
  fields: Fields,
): Readonly<Record<string, string>> | Unreadable {
  const parameters: Record<string, string> = {}
  for (const path of paths) {
    const value = fields.get(path)
    if (value?.kind !== 'string' && value?.kind !== 'number') continue
    if (value.text.length > PARAMETER_CHARACTERS_MAX) return unreadable(`${path} is too long.`)
    parameters[path] = value.text
  }
  return parameters
}

function valuesAt({ body }: Named, fields: Fields): readonly FieldValue[] {
  const value = fields.get(body)
  if (value === undefined) return []
  return value.kind === 'list' ? value.items : [value]
}

function parsedOf({ as: form }: Named, value: FieldValue): ParsedName | undefined {
  return value.kind === 'string' ? parseName(form, value.text) : undefined
}
