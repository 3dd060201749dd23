/** Rules from wherever a command line names them: a folder, a git revision, or the history. */
import type { ApprovalRules } from '../access/approvals/rule.ts'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Loaded } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import { analysedRules, type AnalysedRules } from '../pdp/analysis/analysed-rules.ts'
import { readGitRules } from './git-rules.ts'
import { loadRuleFiles, placed } from './load-rules.ts'
import { createRevisionStore } from './revisions/revision-store.ts'
import { resolveRevision } from './revisions/revision.ts'
import { readRuleFiles, type RuleFiles } from './rule-files.ts'

/** How sources are named. */
export interface RuleSourceContext {
  readonly cwd: string
  /** The folder of the rules within a git revision that names none, from `cwd`. */
  readonly rulesPath: string
  /** Where accepted rule sets are kept; asked for only when a digest is named. */
  historyDir(): Promise<string>
}

/** Rules, read and not yet loaded. */
interface RuleSource {
  /** As it was named, for people. */
  readonly label: string
  readonly files: Loaded<RuleFiles>
}

/**
 * Opens `spec`: `sha256:<8 to 64 digits>` is a rule set of the history; what is a folder is that
 * folder; anything else is `<git revision>` or `<git revision>:<path>`.
 * @throws ERR_USAGE when it is none of these
 */
async function openRuleSource(spec: string, context: RuleSourceContext): Promise<RuleSource> {
  if (spec.startsWith('sha256:')) return { label: spec, files: await readKept(spec, context) }
  const folder = resolve(context.cwd, spec)
  if (spec !== '' && (await isFolder(folder))) {
    return { label: spec, files: placed(await readRuleFiles(folder), spec, undefined) }
  }
  const colon = spec.indexOf(':')
  const revision = colon < 0 ? spec : spec.slice(0, colon)
  const path = colon < 0 ? `./${context.rulesPath}` : spec.slice(colon + 1)
  const files = await readGitRules({ cwd: context.cwd, revision, path })
  return { label: spec, files: placed(files, spec, undefined) }
}

/** Rules for analysis, with those of approval, which have nothing to do with how requests are decided. */
export interface AnalysedFiles extends AnalysedRules {
  readonly approvals: ApprovalRules
}

/** Opens and loads `spec` for analysis; findings name it. */
export async function loadRuleSource(
  spec: string,
  context: RuleSourceContext,
): Promise<Loaded<AnalysedFiles>> {
  const { files } = await openRuleSource(spec, context)
  if (!files.ok) return files
  return placed(await analysedFiles(files.value), spec, undefined)
}

/** Loads the rules of a folder for analysis. */
export async function loadAnalysedFolder(dir: string): Promise<Loaded<AnalysedRules>> {
  const files = await readRuleFiles(dir)
  return placed(files.ok ? await analysedFiles(files.value) : files, dir, undefined)
}

async function analysedFiles(files: RuleFiles): Promise<Loaded<AnalysedFiles>> {
  const loaded = await loadRuleFiles(files, undefined)
  if (!loaded.ok) return loaded
  const { policy, resources, approvals } = loaded.value
  return { ...loaded, value: { ...analysedRules({ policy, resources, files }), approvals } }
}

async function readKept(spec: string, context: RuleSourceContext): Promise<Loaded<RuleFiles>> {
  const store = createRevisionStore(await context.historyDir())
  const found = resolveRevision(spec, { kept: await store.list(), accepted: [] })
  if ('problem' in found) throw new GatewayError('ERR_USAGE', `${found.problem}. ${found.remedy}`)
  const set = await store.read(found.revision)
  return set.ok ? { ...set, value: set.value.files } : set
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
