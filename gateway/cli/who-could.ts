/** `modelgate who-can … --at DAY`: who could have, under the rules that were in force on that day. */
import { resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { loadRuleSource, type RuleSourceContext } from '../assembly/rule-source.ts'
import { rulesInForce, type PastRules, type RulesInForce } from '../assembly/rules-in-force.ts'
import { createHistoryIndex } from '../assembly/revisions/history-index.ts'
import { createRevisionStore } from '../assembly/revisions/revision-store.ts'
import { indexLedger } from '../audit/read/index-build.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Action, Resource } from '../domain/vocabulary.ts'
import { whoCan, type WhoCan } from '../pdp/analysis/who-can.ts'
import { EXIT, type CliIo } from './io.ts'
import { ledgerFolder, progressLine } from './ledger-options.ts'
import { whoCanText } from './matrix/ability-text.ts'
import { createPaint } from './output/paint.ts'
import { plainText } from '../domain/plain-text.ts'
import type { Period } from './period.ts'
import { configFile, findingsOf, printDiagnostics, textOption, wantsJson } from './report.ts'
import type { OptionValues } from './verb.ts'

/** What is asked about. */
interface Asked {
  readonly action: Action
  readonly resource: Resource
}

/** The answer of one rule set that was in force. */
interface Answer extends RulesInForce {
  /** `undefined` when the rule set is not kept any more, or does not load. */
  readonly found: WhoCan | undefined
}

/**
 * Answers for each rule set that was in force on `day`, one after the other. Conditions stay open:
 * somebody who could have at some time of that day is among those listed.
 *
 * @returns 0 when somebody could, 1 when nobody could or not everything is known
 * @throws ERR_USAGE ERR_CONFIG_INVALID
 */
export async function whoCouldOn(
  day: Period,
  asked: Asked,
  options: OptionValues,
  io: CliIo,
): Promise<number> {
  if (textOption(options, 'ip') !== undefined || textOption(options, 'rules') !== undefined) {
    throw new GatewayError('ERR_USAGE', '--at DAY asks the rules of that day: no --ip, no --rules')
  }
  const dir = await ledgerFolder(options, io)
  const progress = progressLine(io, 'indexed')
  await indexLedger(dir, { onProgress: progress.show })
  progress.clear()
  const historyDir = await historyDirOf(options, io)
  const past = await rulesInForce(dir, day, await createHistoryIndex(historyDir).read())
  const kept = new Set(await createRevisionStore(historyDir).list())
  const context = { cwd: io.cwd, rulesPath: 'rules', historyDir: () => Promise.resolve(historyDir) }
  const answers: Answer[] = []
  for (const set of past.sets) {
    const found = kept.has(set.revision)
      ? await answerOf(set.revision, asked, context, io)
      : undefined
    answers.push({ ...set, found })
  }
  if (wantsJson(options))
    io.out(`${JSON.stringify({ complete: past.complete, answers }, null, 2)}\n`)
  else io.out(answersText(past, answers, io))
  const isKnown = past.complete && answers.every(({ found }) => found !== undefined)
  if (!isKnown) io.err(`${unknownText(past, answers)}\n`)
  return isKnown && answers.some(({ found }) => (found?.permitted.length ?? 0) > 0)
    ? EXIT.ok
    : EXIT.failed
}

async function answerOf(
  revision: string,
  asked: Asked,
  context: RuleSourceContext,
  io: CliIo,
): Promise<WhoCan | undefined> {
  const loaded = await loadRuleSource(revision, context)
  if (loaded.ok) return whoCan(loaded.value, asked)
  printDiagnostics(io, loaded.diagnostics)
  return undefined
}

async function historyDirOf(options: OptionValues, io: CliIo): Promise<string> {
  const config = await loadConfig({ file: configFile(options, io), cwd: io.cwd, env: io.env })
  if (config.ok) return resolve(io.cwd, config.value.rules.historyDir)
  printDiagnostics(io, findingsOf(config))
  const message = 'rule sets are kept where the configuration says; name it with --config'
  throw new GatewayError('ERR_CONFIG_INVALID', message)
}

function answersText(past: PastRules, answers: readonly Answer[], io: CliIo): string {
  if (past.sets.length === 0) return 'No rule set is known to have been in force.\n'
  const paint = createPaint(io.colour)
  return answers
    .map(({ revision, since, until, by, source, found }) => {
      const to = until === undefined ? '' : ` until ${until}`
      const whose = by === undefined ? '' : `, by ${by}`
      const said = source === 'ledger' ? '' : ' (by the history; the ledger has no record of it)'
      const head = plainText(`In force from ${since ?? 'before'}${to}${whose}: ${revision}${said}`)
      const body =
        found === undefined ? '  It cannot be read any more.\n' : whoCanText(found, paint)
      return `${paint.bold(head)}\n${body}`
    })
    .join('\n')
}

function unknownText({ sets, complete }: PastRules, answers: readonly Answer[]): string {
  const lost = answers.filter(({ found }) => found === undefined).length
  const reasons = [
    ...(complete
      ? []
      : [
          sets.length === 0
            ? 'the ledger says nothing of that day'
            : 'the ledger does not reach back to the beginning of that day',
        ]),
    ...(lost === 0
      ? []
      : [`${lost} of ${answers.length} rule sets are not kept (rules.history_max)`]),
  ]
  return `This is not the whole answer: ${reasons.join('; ')}.`
}
