import { closest } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import { EXIT, type CliIo } from './io.ts'
import { plainLines } from './output/plain-text.ts'
import { parseVerbArguments, verbHelp, type VerbEntry } from './verb.ts'
import { VERSION } from '../version.ts'

/**
 * Every verb, in the order the help shows them. To add one: write `<name>.ts` beside this file, and
 * a line here. A verb is imported when it is asked for, so that each starts with what it needs.
 */
export const VERBS: readonly VerbEntry[] = [
  {
    name: 'serve',
    summary: 'run the gateway',
    load: async () => (await import('./serve.ts')).serve,
  },
  {
    name: 'check',
    summary: 'check configuration, rules and routes without serving',
    load: async () => (await import('./check.ts')).check,
  },
  {
    name: 'test',
    summary: 'run the tests beside the rules, and say what they leave unproven',
    load: async () => (await import('./test.ts')).test,
  },
  {
    name: 'explain',
    summary: 'show how the rules decide one request, rule by rule',
    load: async () => (await import('./explain.ts')).explain,
  },
  {
    name: 'diff',
    summary: 'list exactly who gains and who loses what between two revisions of the rules',
    load: async () => (await import('./diff.ts')).diff,
  },
  {
    name: 'who-can',
    summary: 'list everybody who may do one thing to one resource, and when',
    load: async () => (await import('./who-can.ts')).whoCan,
  },
  {
    name: 'what-can',
    summary: 'list everything one caller may do, and when',
    load: async () => (await import('./what-can.ts')).whatCan,
  },
  {
    name: 'docs',
    summary: 'write the permission matrix in plain words',
    load: async () => (await import('./docs.ts')).docs,
  },
  {
    name: 'replay',
    summary: 'judge recorded decisions again under other rules, and list what would change',
    load: async () => (await import('./replay.ts')).replay,
  },
  {
    name: 'shadow',
    summary: 'report what shadow rules would have changed',
    load: async () => (await import('./shadow.ts')).shadow,
  },
  {
    name: 'exports',
    summary: 'list what was exported, to whom and on whose word, from the ledger',
    load: async () => (await import('./exports.ts')).exports,
  },
  {
    name: 'history',
    summary: 'list the rule sets that were in force, and show what was in one',
    load: async () => (await import('./history.ts')).history,
  },
  {
    name: 'rollback',
    summary: 'go back to a rule set that was in force before, and stay there',
    load: async () => (await import('./pin.ts')).rollback,
  },
  {
    name: 'pin',
    summary: 'hold the gateway at one rule set, whatever the rule folder says',
    load: async () => (await import('./pin.ts')).pin,
  },
  {
    name: 'unpin',
    summary: 'let the rule folder count again',
    load: async () => (await import('./pin.ts')).unpin,
  },
  {
    name: 'rules',
    summary: 'sign a rule folder, or verify its signature',
    load: async () => (await import('./rules.ts')).rules,
  },
  {
    name: 'coverage',
    summary: 'list the routes of a running server that its route pack does not know',
    load: async () => (await import('./coverage.ts')).coverage,
  },
  {
    name: 'demo',
    summary: 'start a model server with the gateway before it, and walk through what it refuses',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'config',
    summary: 'print the configuration, or the JSON Schemas of the files',
    load: async () => (await import('./config.ts')).config,
  },
  {
    name: 'token',
    summary: 'mint development tokens, and run the local issuer that vouches for them',
    load: async () => (await import('./token.ts')).token,
  },
]

/** Runs one command line and resolves to its exit code. Never rejects. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const wanted = VERBS.find((verb) => name === 'help' && verb.name === rest[0])
    io.out(wanted === undefined ? overview() : verbHelp(wanted, await wanted.load()))
    return name === undefined ? EXIT.usage : EXIT.ok
  }
  if (name === '--version') {
    io.out(`modelgate ${VERSION}\n`)
    return EXIT.ok
  }
  const entry = VERBS.find((candidate) => candidate.name === name)
  if (entry === undefined) return unknownVerb(name, io)
  try {
    const verb = await entry.load()
    const { options, positionals } = parseVerbArguments(name, verb, rest)
    if (options['help'] === true) {
      io.out(verbHelp(entry, verb))
      return EXIT.ok
    }
    return await verb.run(options, positionals, io)
  } catch (error) {
    return explainFailure(error, io)
  }
}

function explainFailure(error: unknown, io: CliIo): number {
  const message = error instanceof Error ? error.message : String(error)
  io.err(`modelgate: ${plainLines(message)}\n`)
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

const NAME_WIDTH = Math.max(...VERBS.map(({ name }) => name.length)) + 2

function overview(): string {
  return [
    'modelgate - lets predictions out and keeps weights in',
    '',
    'Usage: modelgate VERB [options]',
    '',
    ...VERBS.map((verb) => `  ${verb.name.padEnd(NAME_WIDTH)}${verb.summary}`),
    '',
    'modelgate VERB --help shows the options and examples of a verb.',
    '',
  ].join('\n')
}
