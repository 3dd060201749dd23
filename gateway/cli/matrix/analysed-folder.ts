import { loadAnalysedFolder } from '../../assembly/rule-source.ts'
import type { AnalysedRules } from '../../pdp/analysis/analysed-rules.ts'
import type { CliIo } from '../io.ts'
import { printDiagnostics, rulesFolder } from '../report.ts'
import type { OptionValues } from '../verb.ts'

/** The rules of `--rules` or of the configuration; `undefined` when they do not load, which is shown. */
export async function analysedFolder(
  options: OptionValues,
  io: CliIo,
): Promise<AnalysedRules | undefined> {
  const loaded = await loadAnalysedFolder(await rulesFolder(options, io))
  if (loaded.ok) return loaded.value
  printDiagnostics(io, loaded.diagnostics)
  return undefined
}
