import { parseArgs, type ParseArgsConfig } from 'node:util'
import { closest } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import type { CliIo } from './io.ts'

/** One option of a verb, as the help shows it. */
export interface VerbOption {
  readonly type: 'string' | 'boolean'
  /** What stands for the value in the help: `FILE`. */
  readonly value?: string
  readonly help: string
  readonly multiple?: boolean
}

/** Values of parsed options: texts, switches, and lists of repeated options. */
export type OptionValues = Readonly<
  Record<string, string | boolean | (string | boolean)[] | undefined>
>

/** One verb of the command line. */
export interface Verb {
  readonly name: string
  readonly summary: string
  /** Positional arguments as the help shows them: `[print|schema]`. */
  readonly positionals?: string
  readonly options: Readonly<Record<string, VerbOption>>
  /** Whole command lines. */
  readonly examples: readonly string[]
  /** Resolves to the exit code. */
  run(options: OptionValues, positionals: readonly string[], io: CliIo): Promise<number>
}

/** Options every verb takes. */
export const COMMON_OPTIONS = {
  config: {
    type: 'string',
    value: 'FILE',
    help: 'configuration file (default MODELGATE_CONFIG, else config/gateway.yaml)',
  },
  rules: {
    type: 'string',
    value: 'DIR',
    help: 'rules directory (default: rules.dir of the configuration)',
  },
  format: { type: 'string', value: 'text|json', help: 'how results are printed (default text)' },
  help: { type: 'boolean', help: 'show this help' },
} as const satisfies Record<string, VerbOption>

/** Parses the arguments of `verb`. @throws ERR_USAGE with a suggestion */
export function parseVerbArguments(
  verb: Verb,
  args: readonly string[],
): { readonly options: OptionValues; readonly positionals: readonly string[] } {
  const known = { ...verb.options, ...COMMON_OPTIONS }
  for (const argument of args) {
    if (argument === '--') break
    if (!argument.startsWith('--')) continue
    const name = argument.slice(2).split('=', 1)[0] ?? ''
    if (!Object.hasOwn(known, name)) throw unknownOption(verb, name, Object.keys(known))
  }
  const options = Object.fromEntries(
    Object.entries(known).map(([name, option]) => [
      name,
      {
        type: option.type,
        multiple: 'multiple' in option && option.multiple === true,
        ...(name === 'help' ? { short: 'h' } : {}),
      },
    ]),
  ) as NonNullable<ParseArgsConfig['options']>
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: verb.positionals !== undefined,
    })
    return { options: checkFormat(values), positionals }
  } catch (error) {
    if (error instanceof GatewayError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new GatewayError('ERR_USAGE', `${message}\nRun: modelgate ${verb.name} --help`)
  }
}

function checkFormat(values: OptionValues): OptionValues {
  const { format } = values
  if (format === undefined || format === 'text' || format === 'json') return values
  throw new GatewayError('ERR_USAGE', '--format takes text or json')
}

function unknownOption(verb: Verb, name: string, known: readonly string[]): GatewayError {
  const near = closest(name, known)
  const hint = near === undefined ? `Run: modelgate ${verb.name} --help` : `Did you mean --${near}?`
  return new GatewayError('ERR_USAGE', `unknown option --${name}. ${hint}`)
}

/** The help text of a verb. */
export function verbHelp(verb: Verb): string {
  const options = { ...verb.options, ...COMMON_OPTIONS }
  const rows = Object.entries(options).map(([name, option]): [string, string] => [
    'value' in option ? `--${name} ${option.value}` : `--${name}`,
    option.help,
  ])
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return [
    `modelgate ${verb.name} - ${verb.summary}`,
    '',
    `Usage: modelgate ${verb.name}${verb.positionals === undefined ? '' : ` ${verb.positionals}`} [options]`,
    '',
    'Options:',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`),
    '',
    'Examples:',
    ...verb.examples.map((example) => `  ${example}`),
    '',
    'Exit codes: 0 ok, 1 refused or failed, 2 usage, 3 invalid rules or configuration',
    '',
  ].join('\n')
}
