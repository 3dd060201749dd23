import { closest } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import { check } from './check.ts'
import { config } from './config.ts'
import { demo } from './demo.ts'
import { explain } from './explain.ts'
import { EXIT, type CliIo } from './io.ts'
import { serve } from './serve.ts'
import { token } from './token.ts'
import { parseVerbArguments, verbHelp, type Verb } from './verb.ts'
import { VERSION } from '../version.ts'

/** Every verb, in the order the help shows them. */
const VERBS: readonly Verb[] = [serve, check, explain, demo, config, token]

/** Runs one command line and resolves to its exit code. Never rejects. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const wanted = VERBS.find((verb) => name === 'help' && verb.name === rest[0])
    io.out(wanted === undefined ? overview() : verbHelp(wanted))
    return name === undefined ? EXIT.usage : EXIT.ok
  }
  if (name === '--version') {
    io.out(`modelgate ${VERSION}\n`)
    return EXIT.ok
  }
  const verb = VERBS.find((candidate) => candidate.name === name)
  if (verb === undefined) return unknownVerb(name, io)
  try {
    const { options, positionals } = parseVerbArguments(verb, rest)
    if (options['help'] === true) {
      io.out(verbHelp(verb))
      return EXIT.ok
    }
    return await verb.run(options, positionals, io)
  } catch (error) {
    return explainFailure(error, io)
  }
}

function explainFailure(error: unknown, io: CliIo): number {
  const message = error instanceof Error ? error.message : String(error)
  io.err(`modelgate: ${message}\n`)
  if (!(error instanceof GatewayError)) return EXIT.failed
  if (error.code === 'ERR_USAGE') return EXIT.usage
  const invalid = error.code.startsWith('ERR_CONFIG') || error.code.startsWith('ERR_RULES')
  return invalid ? EXIT.invalid : EXIT.failed
}

function unknownVerb(name: string, io: CliIo): number {
  const near = closest(
    name,
    VERBS.map((verb) => verb.name),
  )
  const hint = near === undefined ? 'Run: modelgate --help' : `Did you mean ${near}?`
  io.err(`modelgate: unknown verb ${JSON.stringify(name)}. ${hint}\n`)
  return EXIT.usage
}

function overview(): string {
  return [
    'modelgate - lets predictions out and keeps weights in',
    '',
    'Usage: modelgate VERB [options]',
    '',
    ...VERBS.map((verb) => `  ${verb.name.padEnd(9)}${verb.summary}`),
    '',
    'modelgate VERB --help shows the options and examples of a verb.',
    '',
  ].join('\n')
}
