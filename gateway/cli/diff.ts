import { resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { compareApprovals } from '../access/approvals/compare.ts'
import {
  loadRuleSource,
  type AnalysedFiles,
  type RuleSourceContext,
} from '../assembly/rule-source.ts'
import { GatewayError } from '../domain/errors.ts'
import { compareRules } from '../pdp/analysis/diff.ts'
import { EXIT, type CliIo } from './io.ts'
import { diffText, type WholeComparison } from './matrix/diff-text.ts'
import { createPaint } from './output/paint.ts'
import { configFile, findingsOf, printDiagnostics, textOption, wantsJson } from './report.ts'
import type { OptionValues, Verb } from './verb.ts'

/** `modelgate diff`: who gains and who loses what between two revisions of the rules. */
export const diff: Verb = {
  positionals: 'OLD NEW',
  options: {
    'rules-path': {
      type: 'string',
      value: 'PATH',
      help: 'folder of the rules in git revisions that name none (default rules)',
    },
    'exit-code': {
      type: 'boolean',
      help: 'end with 1 when access, limits or rules of approval differ',
    },
  },
  examples: [
    'modelgate diff rules candidate-rules',
    'modelgate diff HEAD rules --exit-code',
    'modelgate diff v1.2.0:deploy/rules main:deploy/rules --format json',
    'modelgate diff sha256:5b1f09c2 rules',
  ],
  run,
}

async function run(
  options: OptionValues,
  positionals: readonly string[],
  io: CliIo,
): Promise<number> {
  const [old, now, ...rest] = positionals
  if (old === undefined || now === undefined || rest.length > 0) {
    throw new GatewayError('ERR_USAGE', 'diff takes OLD and NEW\nRun: modelgate diff --help')
  }
  const context = contextOf(options, io)
  const before = await loadRules(old, context, io)
  const after = await loadRules(now, context, io)
  if (before === undefined || after === undefined) return EXIT.invalid
  const approvals = compareApprovals(before.approvals, after.approvals)
  const comparison = { ...compareRules(before, after), approvals }
  if (wantsJson(options)) io.out(`${JSON.stringify(comparison, null, 2)}\n`)
  else io.out(diffText(comparison, { old, new: now }, createPaint(io.colour)))
  return options['exit-code'] === true && differs(comparison) ? EXIT.failed : EXIT.ok
}

/** Whether a request could be answered differently, come with other duties, or be agreed to otherwise. */
function differs({ gains, losses, limits, approvals }: WholeComparison): boolean {
  return gains.length + losses.length + limits.length + approvals.length > 0
}

function contextOf(options: OptionValues, io: CliIo): RuleSourceContext {
  return {
    cwd: io.cwd,
    rulesPath: textOption(options, 'rules-path', 'rules'),
    async historyDir() {
      const config = await loadConfig({ file: configFile(options, io), cwd: io.cwd, env: io.env })
      if (config.ok) return resolve(io.cwd, config.value.rules.historyDir)
      printDiagnostics(io, findingsOf(config))
      throw new GatewayError(
        'ERR_CONFIG_INVALID',
        'revisions are kept where the configuration says; name it with --config',
      )
    },
  }
}

/** Warnings are the business of `check`; what does not load is shown. */
async function loadRules(
  spec: string,
  context: RuleSourceContext,
  io: CliIo,
): Promise<AnalysedFiles | undefined> {
  const loaded = await loadRuleSource(spec, context)
  if (loaded.ok) return loaded.value
  printDiagnostics(io, loaded.diagnostics)
  return undefined
}
