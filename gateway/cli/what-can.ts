import { GatewayError } from '../domain/errors.ts'
import { whatCan as answer } from '../pdp/analysis/what-can.ts'
import { EXIT, type CliIo } from './io.ts'
import { whatCanText } from './matrix/ability-text.ts'
import { analysedFolder } from './matrix/analysed-folder.ts'
import { createPaint } from './output/paint.ts'
import { wantsJson } from './report.ts'
import { noteUnknownNames } from './unknown-names.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate what-can`: everything one caller may do. */
export const whatCan: Verb = {
  positionals: 'SUBJECT...',
  options: {},
  examples: [
    'modelgate what-can role:reader --rules rules',
    'modelgate what-can user:corp/alice group:data-science role:exporter',
  ],
  run,
}

const PRINCIPALS_MAX = 256

async function run(
  options: OptionValues,
  positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const caller = [...new Set(positionals)]
  const wrong = caller.find((name) => !/^(user|group|role):\S/.test(name))
  if (wrong !== undefined || caller.length === 0 || caller.length > PRINCIPALS_MAX) {
    throw usage('name what one caller has: user:<issuer>/<id>, group:<name>, role:<name>')
  }
  if (caller.filter((name) => name.startsWith('user:')).length > 1) {
    throw usage('one caller is one user')
  }
  const rules = await analysedFolder(options, io)
  if (rules === undefined) return EXIT.invalid
  noteUnknownNames(caller, rules.policy.table, io)
  const found = answer(rules, caller)
  if (wantsJson(options)) io.out(`${JSON.stringify(found, null, 2)}\n`)
  else io.out(whatCanText(found, createPaint(io.colour)))
  return found.abilities.length > 0 ? EXIT.ok : EXIT.failed
}

function usage(message: string): GatewayError {
  return new GatewayError('ERR_USAGE', `${message}\nRun: modelgate what-can --help`)
}
