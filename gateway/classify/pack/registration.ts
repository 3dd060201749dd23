/** How routes say which version of a model they register, and which run it came of. */
import { isRefusal } from '../../domain/refusal.ts'
import type { RegistrationFacts, RegistrationReader } from '../../domain/training.ts'
import type { PackRegisters } from '../../settings/schemas/pack-training.ts'
import { compileFieldTree, type FieldTree, type FieldValue } from '../body/body-fields.ts'
import { readJsonFields } from '../body/json-fields.ts'
import { parseVersion } from '../name-forms.ts'
import { isResourceName } from '../names.ts'

type Told = PackRegisters['version']

/** A registration as a row knows it: what the path says comes with the request. */
export type CompiledRegistration = (captures: readonly string[]) => RegistrationReader

/** The readings that a route describes; `parameters` are those of its path. */
export function compileRegistration(
  spec: PackRegisters,
  parameters: readonly string[],
): CompiledRegistration {
  const body = treeOf(spec, 'body')
  const answer = treeOf(spec, 'answer')
  const read = (bytes: Buffer, tree: FieldTree | undefined, key: 'body' | 'answer') => {
    const fields = tree === undefined ? undefined : readJsonFields(bytes, tree)
    if (fields === undefined || isRefusal(fields)) return {}
    return factsOf(spec, (told) => textOf(fields.get(told[key] ?? '')))
  }
  return (captures) => ({
    fromRequest: factsOf(spec, ({ path }) =>
      path === undefined ? undefined : captures[parameters.indexOf(path)],
    ),
    fromBody: (bytes) => read(bytes, body, 'body'),
    fromAnswer: (bytes) => read(bytes, answer, 'answer'),
  })
}

/** Fields of the body that a registration reads. */
export function registrationPaths({ version, run = [] }: PackRegisters): string[] {
  return [version, ...run].flatMap(({ body }) => body ?? [])
}

function treeOf({ version, run = [] }: PackRegisters, key: 'body' | 'answer') {
  const paths = [version, ...run].flatMap((told) => told[key] ?? [])
  return paths.length === 0 ? undefined : compileFieldTree([...new Set(paths)])
}

function factsOf(
  spec: PackRegisters,
  valueOf: (told: Told) => string | undefined,
): RegistrationFacts {
  const text = valueOf(spec.version)
  // A tag or a digest of a registry is a version, too.
  const version = text === undefined ? undefined : parseVersion('reference', text)
  const run = (spec.run ?? []).map(valueOf).find((one) => one !== undefined && isRunId(one))
  return {
    ...(version === undefined ? {} : { version }),
    ...(run === undefined ? {} : { run }),
  }
}

/** What a run or job may be called: compared, kept and shown. */
function isRunId(text: string): boolean {
  return isResourceName(text) && text.length <= 256
}

function textOf(value: FieldValue | undefined): string | undefined {
  return value?.kind === 'string' || value?.kind === 'number' ? value.text : undefined
}
