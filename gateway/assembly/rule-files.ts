import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Diagnostic, Loaded } from '../domain/diagnostics.ts'

/** One file as read. */
export interface SourceFile {
  /** Path within the rule folder: what decisions and records name, free of the machine's paths. */
  readonly file: string
  readonly text: string
}

/** The rule folder, read as one. */
export interface RuleFiles {
  readonly model: SourceFile
  readonly policy: SourceFile
  readonly conditions: SourceFile
  readonly resources: SourceFile
  /** `limits.yaml`, where there is one. */
  readonly limits: SourceFile | undefined
  /** `grants.yaml`, where there is one. */
  readonly grants: SourceFile | undefined
  /** `approvals.yaml`, where there is one. */
  readonly approvals: SourceFile | undefined
  /** `routes/*.yaml`, sorted by name. */
  readonly routes: readonly SourceFile[]
  /** `sha256:<hex>` over the names and contents of all of them. */
  readonly revision: string
}

/** Far above any real rule set; what is larger is a mistake, and must not fill the memory (I17). */
const FILE_BYTES_MAX = 64 * 1024 * 1024

const NAMES = ['model.conf', 'policy.csv', 'conditions.yaml', 'resources.yaml'] as const

const LIMITS = 'limits.yaml'

const GRANTS = 'grants.yaml'

const APPROVALS = 'approvals.yaml'

/** Files that may be missing. */
const OPTIONAL: readonly string[] = [LIMITS, GRANTS, APPROVALS]

/**
 * Reads every file of the rule folder `dir`. A missing or unreadable file is a diagnostic, never an
 * empty file: an empty rule set is not a permit.
 */
export async function readRuleFiles(dir: string): Promise<Loaded<RuleFiles>> {
  const routeNames = await listRoutes(dir)
  if ('severity' in routeNames) return { ok: false, diagnostics: [routeNames] }
  const optional = await listOptional(dir)
  if ('severity' in optional) return { ok: false, diagnostics: [optional] }
  const names = [...NAMES, ...optional, ...routeNames]
  const results = await Promise.all(names.map((name) => readOne(dir, name)))
  const missing = results.filter((result) => 'severity' in result)
  if (missing.length === names.length && !(await isFolder(dir))) {
    return { ok: false, diagnostics: [noFolder()] }
  }
  if (missing.length > 0) return { ok: false, diagnostics: missing }
  return ruleFilesOf(results.filter((result): result is SourceFile => !('severity' in result)))
}

/** Every file of `files`, in the order in which the revision counts them. */
export function sourceFilesOf(files: RuleFiles): readonly SourceFile[] {
  const { model, policy, conditions, resources, limits, grants, approvals, routes } = files
  return [
    model,
    policy,
    conditions,
    resources,
    ...(limits === undefined ? [] : [limits]),
    ...(grants === undefined ? [] : [grants]),
    ...(approvals === undefined ? [] : [approvals]),
    ...routes,
  ]
}

/**
 * The rule set that `sources` are, whether they come from a folder or from where accepted sets are
 * kept. A missing file is a diagnostic, and so is one that is no rule file.
 */
export function ruleFilesOf(sources: readonly SourceFile[]): Loaded<RuleFiles> {
  const byName = new Map(sources.map((source) => [source.file, source]))
  const model = byName.get('model.conf')
  const policy = byName.get('policy.csv')
  const conditions = byName.get('conditions.yaml')
  const resources = byName.get('resources.yaml')
  const limits = byName.get(LIMITS)
  const grants = byName.get(GRANTS)
  const approvals = byName.get(APPROVALS)
  const routes = sources
    .filter(({ file }) => ROUTE.test(file))
    .sort((a, b) => (a.file < b.file ? -1 : 1))
  const stray = sources.find(({ file }) => !isRuleFile(file)) ?? duplicateIn(sources)
  if (stray !== undefined) return { ok: false, diagnostics: [strayFile(stray.file)] }
  if (!model || !policy || !conditions || !resources) {
    const missing = NAMES.filter((name) => !byName.has(name))
    const diagnostics = missing.map((name) => unreadable(name, new Error('it is missing')))
    return { ok: false, diagnostics }
  }
  const set = { model, policy, conditions, resources, limits, grants, approvals, routes }
  const revision = revisionOf(sourceFilesOf({ ...set, revision: '' }))
  return { ok: true, value: { ...set, revision }, warnings: [] }
}

const ROUTE = /^routes\/[^/]+\.yaml$/

/** Whether `name`, from the rule folder, is that of a file this version reads. */
export function isRuleFile(name: string): boolean {
  return OPTIONAL.includes(name) || (NAMES as readonly string[]).includes(name) || ROUTE.test(name)
}

function duplicateIn(sources: readonly SourceFile[]): SourceFile | undefined {
  return sources.find(({ file }, i) => sources.findIndex((one) => one.file === file) !== i)
}

function strayFile(file: string): Diagnostic {
  return {
    ...START_OF_FILE,
    file,
    code: 'stray-file',
    message: 'is no rule file, or is there twice',
    remedy: 'Use a rule set as it was kept or as it is in the rule folder.',
  }
}

/** A file that may be missing; one that is there and cannot be read is an error like any other. */
async function listOptional(dir: string): Promise<readonly string[] | Diagnostic> {
  try {
    const entries = await readdir(dir)
    const expected = OPTIONAL.find((name) => entries.includes(name.replace(/yaml$/, 'yml')))
    if (expected !== undefined) {
      return misnamedFile(expected.replace(/yaml$/, 'yml'), expected)
    }
    return OPTIONAL.filter((name) => entries.includes(name))
  } catch (error) {
    // The files that must be there are then missing too, and say so one by one.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    return unreadable('.', error)
  }
}

/**
 * No folder is no routes of the operator's own; any other trouble could hide a refusal, and so could
 * a file that is passed over for its name.
 */
async function listRoutes(dir: string): Promise<readonly string[] | Diagnostic> {
  try {
    const entries = await readdir(join(dir, 'routes'))
    const misnamed = entries.find((name) => name.endsWith('.yml') && !name.startsWith('.'))
    if (misnamed !== undefined) return misnamedFile(join('routes', misnamed), '*.yaml')
    return entries
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => join('routes', name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    return unreadable('routes', error)
  }
}

async function kindOf(path: string): Promise<{ size: number; isRegular: boolean }> {
  const found = await stat(path)
  return { size: found.size, isRegular: found.isFile() }
}

async function readOne(dir: string, name: string): Promise<SourceFile | Diagnostic> {
  try {
    const path = join(dir, name)
    const { size, isRegular } = await kindOf(path)
    // A FIFO would never end, and /dev/zero has no size.
    if (!isRegular) throw new Error('it is not a regular file')
    if (size > FILE_BYTES_MAX) throw new Error('it is larger than 64 MiB')
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
    return { file: name, text }
  } catch (error) {
    return unreadable(name, error)
  }
}

/** Once for the folder rather than once for each file that is not in it. */
function noFolder(): Diagnostic {
  return {
    ...START_OF_FILE,
    file: '.',
    code: 'unreadable-file',
    message: 'there is no such folder',
    remedy: 'Point --rules, or rules.dir of the configuration, at the folder of policy.csv.',
  }
}

async function isFolder(dir: string): Promise<boolean> {
  return stat(dir).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

function unreadable(file: string, error: unknown): Diagnostic {
  const reason = error instanceof Error ? error.message : String(error)
  return {
    ...START_OF_FILE,
    file,
    code: 'unreadable-file',
    message: `cannot be read: ${reason}`,
    remedy: 'Create the file as UTF-8 text readable by the gateway, or point --rules elsewhere.',
  }
}

function misnamedFile(file: string, expected: string): Diagnostic {
  return {
    ...START_OF_FILE,
    file,
    code: 'misnamed-file',
    message: `is not read: its name must be ${expected}`,
    remedy: 'Rename the file so that it ends in .yaml, or move it out of the folder.',
  }
}

const START_OF_FILE = { line: 1, column: 1, severity: 'error' } as const

/** Each part is length-prefixed, so that no two different folders share a digest (I9). */
function revisionOf(files: readonly SourceFile[]): string {
  const hash = createHash('sha256')
  for (const { file, text } of files) {
    hash.update(`${file.length}:${file}${Buffer.byteLength(text)}:`).update(text)
  }
  return `sha256:${hash.digest('hex')}`
}
