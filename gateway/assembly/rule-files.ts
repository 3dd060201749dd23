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
  /** `routes/*.yaml`, sorted by name. */
  readonly routes: readonly SourceFile[]
  /** `sha256:<hex>` over the names and contents of all of them. */
  readonly revision: string
}

/** Far above any real rule set; what is larger is a mistake, and must not fill the memory (I17). */
const FILE_BYTES_MAX = 64 * 1024 * 1024

const NAMES = ['model.conf', 'policy.csv', 'conditions.yaml', 'resources.yaml'] as const

const LIMITS = 'limits.yaml'

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
  if (missing.length > 0) return { ok: false, diagnostics: missing }
  const files = results.filter((result): result is SourceFile => !('severity' in result))
  const [model, policy, conditions, resources, ...others] = files
  if (!model || !policy || !conditions || !resources) return { ok: false, diagnostics: [] }
  const limits = others.find(({ file }) => file === LIMITS)
  const routes = others.filter((file) => file !== limits)
  const revision = revisionOf(names, files)
  const value = { model, policy, conditions, resources, limits, routes, revision }
  return { ok: true, value, warnings: [] }
}

/** A file that may be missing; one that is there and cannot be read is an error like any other. */
async function listOptional(dir: string): Promise<readonly string[] | Diagnostic> {
  try {
    const entries = await readdir(dir)
    const misnamed = entries.find((name) => name === 'limits.yml')
    if (misnamed !== undefined) return misnamedFile(misnamed, LIMITS)
    return entries.filter((name) => name === LIMITS)
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
function revisionOf(names: readonly string[], files: readonly SourceFile[]): string {
  const hash = createHash('sha256')
  files.forEach(({ text }, i) => {
    const name = names[i] ?? ''
    hash.update(`${name.length}:${name}${Buffer.byteLength(text)}:`).update(text)
  })
  return `sha256:${hash.digest('hex')}`
}
