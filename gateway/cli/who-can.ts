import { GatewayError } from '../domain/errors.ts'
import { ACTIONS, isAction, type Resource } from '../domain/vocabulary.ts'
import { parseIp } from '../domain/network.ts'
import type { Settled } from '../pdp/analysis/analysis-space.ts'
import { askForNobody } from '../pdp/analysis/ask-for-nobody.ts'
import { whoCan as answer } from '../pdp/analysis/who-can.ts'
import { instantIn } from './instant.ts'
import { EXIT, type CliIo } from './io.ts'
import { whoCanText } from './matrix/ability-text.ts'
import { analysedFolder } from './matrix/analysed-folder.ts'
import { createPaint } from './output/paint.ts'
import { dayIn } from './period.ts'
import { textOption, wantsJson } from './report.ts'
import { whoCouldOn } from './who-could.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate who-can`: everybody the rules permit one thing, when, and by which rule. */
export const whoCan: Verb = {
  positionals: 'ACTION RESOURCE',
  options: {
    at: {
      type: 'string',
      value: 'TIME|DAY',
      help: 'settle conditions on time at this RFC 3339 time; of a day, such as 2026-07-14, ask the rules that were in force then, by the ledger',
    },
    dir: {
      type: 'string',
      value: 'DIR',
      help: 'the ledger that a day is looked up in (default: audit.dir)',
    },
    ip: {
      type: 'string',
      value: 'ADDRESS',
      help: 'settle conditions on the network for this address',
    },
  },
  examples: [
    'modelgate who-can export model:crown-jewel@3 --rules rules',
    'modelgate who-can infer model:fraud-detector --at 2026-11-23T10:30:00+01:00 --ip 10.1.2.3',
    'modelgate who-can export model:crown-jewel --at 2026-07-14',
  ],
  run,
}

async function run(
  options: OptionValues,
  positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const [action = '', resource = '', ...rest] = positionals
  if (!isAction(action)) throw usage(`ACTION is one of ${ACTIONS.join(', ')}`)
  if (rest.length > 0) throw usage('who-can takes one action and one resource')
  const asked = { action, resource: resourceOf(resource) }
  const day = dayIn(textOption(options, 'at') ?? '')
  if (day !== undefined) return whoCouldOn(day, asked, options, io)
  const settled = settledBy(options)
  const rules = await analysedFolder(options, io)
  if (rules === undefined) return EXIT.invalid
  const found = answer(rules, asked, settled)
  if (wantsJson(options)) io.out(`${JSON.stringify(found, null, 2)}\n`)
  else io.out(whoCanText(found, createPaint(io.colour)))
  return found.permitted.length > 0 ? EXIT.ok : EXIT.failed
}

function resourceOf(text: string): Resource {
  const match = /^(model|dataset|server):([^@\s*\p{C}]{1,512})(?:@([^@\s*\p{C}]{1,512}))?$/u.exec(
    text,
  )
  const [, kind, name, version] = match ?? []
  if (name === undefined || (version !== undefined && kind !== 'model')) {
    throw usage('RESOURCE is model:<name>[@<version>], dataset:<name> or server:<upstream>, no *')
  }
  return { kind: kind as Resource['kind'], name, ...(version === undefined ? {} : { version }) }
}

/** Conditions of the kinds whose facts are given are judged; all others stay open. */
function settledBy(options: OptionValues): Settled | undefined {
  const at = textOption(options, 'at')
  const ip = textOption(options, 'ip')
  if (at === undefined && ip === undefined) return undefined
  if (ip !== undefined && parseIp(ip) === undefined) throw usage('--ip takes an address')
  const now = at === undefined ? 0 : instantIn(at, '--at')
  const client = { ip: ip ?? '192.0.2.1', source: 'peer' } as const
  // Only the time and the address are read.
  const request = askForNobody({ kind: 'server', name: 'any' }, { now, client })
  const kinds = new Set([
    ...(at === undefined ? [] : ['time']),
    ...(ip === undefined ? [] : ['network']),
  ])
  return (rules, name) => {
    const kind = rules.definitions.get(name)?.spec.kind
    if (kind === undefined || !kinds.has(kind)) return undefined
    return rules.policy.conditions.get(name).test(request).truth
  }
}

function usage(message: string): GatewayError {
  return new GatewayError('ERR_USAGE', `${message}\nRun: modelgate who-can --help`)
}
