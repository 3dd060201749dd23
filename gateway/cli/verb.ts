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
  /** What the value may be, where that is a closed list. */
  readonly words?: readonly string[]
  /** One letter: `f` for `-f`. */
  readonly short?: string
}

/** Values of parsed options: texts, switches, and lists of repeated options. */
export type OptionValues = Readonly<
  Record<string, string | boolean | (string | boolean)[] | undefined>
>

/** One verb of the command line, as the table in run.ts names it. */
export interface VerbEntry {
  readonly name: string
  /** One line, lower case, without a full stop. */
  readonly summary: string
  /** Imports what the verb needs, and nothing before it is asked for. */
  load(): Promise<Verb>
}

/** What a verb takes and does. */
export interface Verb {
  /** Positional arguments as the help shows them: `[print|schema]`. */
  readonly positionals?: string
  readonly options: Readonly<Record<string, VerbOption>>
  /** What `--format` may say, the default first; text and json when absent. */
  readonly formats?: readonly string[]
  /** Whole command lines. */
  readonly examples: readonly string[]
  /** Exit codes of its own, as the help says them, and those of failures before it can judge. */
  readonly exits?: {
    readonly help: string
    readonly usage: number
    readonly failed: number
    readonly invalid: number
  }
  /** Resolves to the exit code. `options.format` is always set, to one of {@link formats}. */
  run(options: OptionValues, positionals: readonly string[], io: CliIo): Promise<number>
}

/** Options every verb takes; `--format` is added with the formats of the verb. */
const COMMON_OPTIONS = {
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
} as const satisfies Record<string, VerbOption>

const DEFAULT_FORMATS: readonly string[] = ['text', 'json']

function formatsOf(verb: Verb): readonly string[] {
  return verb.formats ?? DEFAULT_FORMATS
}

function optionsOf(verb: Verb): Readonly<Record<string, VerbOption>> {
  const formats = formatsOf(verb)
  return {
    ...verb.options,
    ...COMMON_OPTIONS,
    format: {
      type: 'string',
      value: formats.join('|'),
      help: `how results are printed (default ${formats[0] ?? 'text'})`,
    },
    help: { type: 'boolean', short: 'h', help: 'show this help' },
  }
}

/** Parses the arguments of `modelgate <name>`. @throws ERR_USAGE with a suggestion */
export function parseVerbArguments(
  name: string,
  verb: Verb,
  args: readonly string[],
): { readonly options: OptionValues; readonly positionals: readonly string[] } {
  const known = optionsOf(verb)
  for (const argument of args) {
    if (argument === '--') break
    if (!argument.startsWith('--')) continue
    const option = argument.slice(2).split('=', 1)[0] ?? ''
    if (!Object.hasOwn(known, option)) throw unknownOption(name, option, Object.keys(known))
  }
  const options = Object.fromEntries(
    Object.entries(known).map(([option, { type, multiple = false, short }]) => [
      option,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  ) as NonNullable<ParseArgsConfig['options']>
  try {
    const allowPositionals = verb.positionals !== undefined
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals })
    checkWords(known, values)
    return { options: withFormat(values, formatsOf(verb)), positionals }
  } catch (error) {
    if (error instanceof GatewayError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new GatewayError('ERR_USAGE', `${message}\nRun: modelgate ${name} --help`)
  }
}

/** A word that the gateway does not know is a mistake of the command line. @throws ERR_USAGE */
function checkWords(known: Readonly<Record<string, VerbOption>>, values: OptionValues): void {
  for (const [option, { words }] of Object.entries(known)) {
    const given = [values[option] ?? []].flat().map(String)
    const wrong = given.find((word) => words?.includes(word) === false)
    if (words === undefined || wrong === undefined) continue
    const near = closest(wrong, words)
    const hint = near === undefined ? '' : `. Did you mean ${near}?`
    const choices = `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`
    throw new GatewayError('ERR_USAGE', `--${option} takes ${choices}${hint}`)
  }
}

function withFormat(values: OptionValues, formats: readonly string[]): OptionValues {
  const { format = formats[0] } = values
  if (typeof format === 'string' && formats.includes(format)) return { ...values, format }
  const near = closest(String(format), formats)
  const hint = near === undefined ? '' : `. Did you mean ${near}?`
  const last = formats.at(-1) ?? ''
  const choices = formats.length < 2 ? last : `${formats.slice(0, -1).join(', ')} or ${last}`
  throw new GatewayError('ERR_USAGE', `--format takes ${choices}${hint}`)
}

function unknownOption(name: string, option: string, known: readonly string[]): GatewayError {
  const near = closest(option, known)
  const hint = near === undefined ? `Run: modelgate ${name} --help` : `Did you mean --${near}?`
  return new GatewayError('ERR_USAGE', `unknown option --${option}. ${hint}`)
}

/** The help text of a verb. */
export function verbHelp({ name, summary }: VerbEntry, verb: Verb): string {
  const rows = Object.entries(optionsOf(verb)).map(
    ([option, { value, help, short }]): [string, string] => [
      `${short === undefined || option === 'help' ? '' : `-${short}, `}--${option}` +
        (value === undefined ? '' : ` ${value}`),
      help,
    ],
  )
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return [
    `modelgate ${name} - ${summary}`,
    '',
    `Usage: modelgate ${name}${verb.positionals === undefined ? '' : ` ${verb.positionals}`} [options]`,
    '',
    'Options:',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`),
    '',
    'Examples:',
    ...verb.examples.map((example) => `  ${example}`),
    '',
    verb.exits?.help ??
      'Exit codes: 0 ok, 1 refused or failed, 2 usage, 3 invalid rules or configuration',
    '',
  ].join('\n')
}
