import { GatewayError } from '../domain/errors.ts'
import { EXIT, type CliIo } from './io.ts'
import { nearInGroup, suggestOfGroup, suggestVerb } from './suggest.ts'
import { plainLines } from '../domain/plain-text.ts'
import { parseVerbArguments, verbHelp, type Verb, type VerbEntry } from './verb.ts'
import { findVerb, GROUPS, VERBS, type FoundVerb } from './verbs.ts'
import { VERSION } from '../version.ts'

/** Runs one command line and resolves to its exit code. Never rejects. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    if (name === 'help' && rest.length > 0) return helpOn(rest, io)
    io.out(overview(VERBS))
    return name === undefined ? EXIT.usage : EXIT.ok
  }
  if (name === '--version') {
    io.out(`modelgate ${VERSION}\n`)
    return EXIT.ok
  }
  const found = findVerb(args)
  if (found !== undefined) return runVerb(found, io)
  return GROUPS.has(name) ? unknownOfGroup(args, io) : unknownVerb(args, io)
}

/** `modelgate help audit verify`, `modelgate help audit`; of what is no verb, the nearest that is. */
async function helpOn(words: readonly string[], io: CliIo): Promise<number> {
  const [name = ''] = words
  const found = findVerb(words)
  if (found === undefined) {
    if (!GROUPS.has(name)) return unknownVerb(words, io)
    return unknownOfGroup(words.length === 1 ? [name, '--help'] : words, io)
  }
  io.out(verbHelp(found.entry, await found.entry.load()))
  return EXIT.ok
}

async function runVerb({ entry, rest }: FoundVerb, io: CliIo): Promise<number> {
  let exits: Verb['exits']
  try {
    const verb = await entry.load()
    ;({ exits } = verb)
    const { options, positionals } = parseVerbArguments(entry.name, verb, rest)
    if (options['help'] === true) {
      io.out(verbHelp(entry, verb))
      return EXIT.ok
    }
    return await verb.run(options, positionals, io)
  } catch (error) {
    const code = explainFailure(error, io, exits ?? EXIT)
    if (isUsage(error)) hintOfGroup(entry.name, rest[0], io)
    return code
  }
}

/** `modelgate lock lits`: a verb that is a group as well, and a word that is nearly one of its verbs. */
function hintOfGroup(name: string, word: string | undefined, io: CliIo): void {
  if (word === undefined || word.startsWith('-') || !GROUPS.has(name)) return
  const near = nearInGroup(name, word)
  if (near !== undefined) io.err(`Did you mean ${near}?\n`)
}

function isUsage(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'ERR_USAGE'
}

type Failures = Pick<typeof EXIT | NonNullable<Verb['exits']>, 'failed' | 'usage' | 'invalid'>

function explainFailure(error: unknown, io: CliIo, exits: Failures): number {
  const message = error instanceof Error ? error.message : String(error)
  io.err(`modelgate: ${plainLines(message)}\n`)
  if (!(error instanceof GatewayError)) return exits.failed
  if (isUsage(error)) return exits.usage
  const invalid = error.code.startsWith('ERR_CONFIG') || error.code.startsWith('ERR_RULES')
  return invalid ? exits.invalid : exits.failed
}

function unknownVerb(args: readonly string[], io: CliIo): number {
  io.err(`modelgate: unknown verb ${JSON.stringify(args[0])}. ${suggestVerb(args)}\n`)
  return EXIT.usage
}

/** `modelgate audit`, `modelgate audit --help`, or a second word that is none of its verbs. */
function unknownOfGroup([group = '', word]: readonly string[], io: CliIo): number {
  const verbs = VERBS.filter(({ name }) => name.startsWith(`${group} `))
  if (word === '--help' || word === '-h') {
    io.out(overview(verbs))
    return EXIT.ok
  }
  const what = word === undefined ? `${group} needs a verb` : `unknown verb ${JSON.stringify(word)}`
  io.err(`modelgate: ${what}. ${suggestOfGroup(group, word)}\n`)
  return EXIT.usage
}

function overview(verbs: readonly VerbEntry[]): string {
  const width = Math.max(...verbs.map(({ name }) => name.length)) + 2
  return [
    'modelgate - lets predictions out and keeps weights in',
    '',
    'Usage: modelgate VERB [options]',
    '',
    ...verbs.map((verb) => `  ${verb.name.padEnd(width)}${verb.summary}`),
    '',
    'modelgate VERB --help shows the options and examples of a verb.',
    '',
  ].join('\n')
}
