/** The key of tokens of data, and what the rules demand of classes that cannot be as it is meant. */
import { closest, type Diagnostic, type Loaded } from '../domain/diagnostics.ts'
import { createDataTokens, readTokenKey, type DataTokens } from '../egress/tokens/data-tokens.ts'
import type { ClassDemand } from '../pdp/limits/class-demands.ts'
import type { TaggedClass } from '../pip/resources.ts'
import { createSecretFile, readSecretFile, type SecretFile } from '../settings/secret-file.ts'
import type { Settings } from '../settings/settings.ts'
import { required } from './issuer-options.ts'

/** The key file, read once so that a bad one is found at start; read again with the other secrets. */
export async function openDataKey({ dataTokens }: Settings): Promise<SecretFile | undefined> {
  if (dataTokens === undefined) return undefined
  const secret = createSecretFile({ path: dataTokens.keyFile, readFile: readKey })
  required(await secret.refresh())
  return secret
}

/** Tokens with the key of that moment; nothing where no key is configured. */
export function tokensWith(key: SecretFile | undefined): { readonly dataTokens?: DataTokens } {
  return key === undefined ? {} : { dataTokens: createDataTokens(() => key.current()) }
}

/** What is wrong with the key file, where one is named. */
export async function dataKeyProblems({ dataTokens }: Settings): Promise<readonly Diagnostic[]> {
  if (dataTokens === undefined) return []
  const read = await readKey(dataTokens.keyFile)
  return read.ok ? read.warnings : read.diagnostics
}

async function readKey(path: string): Promise<Loaded<string>> {
  const read = await readSecretFile(path)
  if (!read.ok || readTokenKey(read.value) !== undefined) return read
  const place = { file: path, line: 1, column: 1, severity: 'error', code: 'data-key' } as const
  const message = 'data_tokens: the file holds no 32 bytes in base64 or hex'
  const remedy = 'Write one: openssl rand -base64 32.'
  return { ok: false, diagnostics: [{ ...place, message, remedy }] }
}

/**
 * Treatments of classes that no field has, and fields whose class nothing treats, are warnings; tokens
 * without a key to make them are an error, where there is a configuration that should name it.
 */
export function classProblems(
  demands: readonly ClassDemand[],
  tagged: readonly TaggedClass[],
  settings: Settings | undefined,
): readonly Diagnostic[] {
  const names = [...new Set(tagged.map(({ dataClass }) => dataClass))]
  const treated = new Set(demands.map(({ dataClass }) => dataClass))
  const unused = demands.filter(({ dataClass }) => !names.includes(dataClass))
  const untreated = tagged.filter(({ dataClass }) => !treated.has(dataClass))
  const token = demands.find(({ treatment }) => treatment === 'tokenise')
  const isKeyless = settings !== undefined && settings.dataTokens === undefined
  return [
    ...unused.map((demand) => untagged(demand, names)),
    ...untreated.map(({ dataClass, position }): Diagnostic => {
      const message = `no limit says what becomes of fields of class ${dataClass}`
      const remedy = 'Add it to response.classes of a limit; pass if it may leave as it is.'
      return { ...position, severity: 'warning', code: 'class-untreated', message, remedy }
    }),
    ...(token === undefined || !isKeyless ? [] : [keyless(token)]),
  ]
}

function untagged({ dataClass, source }: ClassDemand, names: readonly string[]): Diagnostic {
  const near = closest(dataClass, names)
  return {
    ...placeOf(source),
    severity: 'warning',
    code: 'class-untagged',
    message: `no field in resources.yaml is of class ${dataClass}`,
    remedy:
      near === undefined
        ? 'Tag the fields it is about: fields: { email: <class> }.'
        : `Did you mean \`${near}\`?`,
  }
}

function keyless({ dataClass, source }: ClassDemand): Diagnostic {
  return {
    ...placeOf(source),
    severity: 'error',
    code: 'data-key-missing',
    message: `class ${dataClass} is tokenised, and data_tokens.key_file is not configured`,
    remedy: 'Name a file with at least 32 random bytes, or mask the class.',
  }
}

function placeOf(source: string): Pick<Diagnostic, 'file' | 'line' | 'column'> {
  const [, file = source, line = '1'] = /^(.*):(\d+)$/.exec(source) ?? []
  return { file, line: Number(line), column: 1 }
}
