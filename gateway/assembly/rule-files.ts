import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
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
  /** `routes/*.yaml`, sorted by name. */
  readonly routes: readonly SourceFile[]
  /** `sha256:<hex>` over the names and contents of all of them. */
  readonly revision: string
}

const NAMES = ['model.conf', 'policy.csv', 'conditions.yaml', 'resources.yaml'] as const

/**
 * Reads every file of the rule folder `dir`. A missing or unreadable file is a diagnostic, never an
 * empty file: an empty rule set is not a permit.
 */
export async function readRuleFiles(dir: string): Promise<Loaded<RuleFiles>> {
  const routeNames = await listRoutes(dir)
  const names = [...NAMES, ...routeNames]
  const results = await Promise.all(names.map((name) => readOne(dir, name)))
  const missing = results.filter((result) => 'severity' in result)
  if (missing.length > 0) return { ok: false, diagnostics: missing }
  const files = results.filter((result): result is SourceFile => !('severity' in result))
  const [model, policy, conditions, resources, ...routes] = files
  if (!model || !policy || !conditions || !resources) return { ok: false, diagnostics: [] }
  const revision = revisionOf(names, files)
  return {
    ok: true,
    value: { model, policy, conditions, resources, routes, revision },
    warnings: [],
  }
}

async function listRoutes(dir: string): Promise<string[]> {
  const entries = await readdir(join(dir, 'routes')).catch(whenAbsent)
  return entries
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => join('routes', name))
}

/** No folder is no routes of the operator's own; any other trouble could hide a refusal. */
function whenAbsent(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

async function readOne(dir: string, name: string): Promise<SourceFile | Diagnostic> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(join(dir, name)))
    return { file: name, text }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return {
      file: name,
      line: 1,
      column: 1,
      severity: 'error',
      code: 'unreadable-file',
      message: `cannot be read: ${reason}`,
      remedy: 'Create the file as UTF-8 text readable by the gateway, or point --rules elsewhere.',
    }
  }
}

/** Each part is length-prefixed, so that no two different folders share a digest (I9). */
function revisionOf(names: readonly string[], files: readonly SourceFile[]): string {
  const hash = createHash('sha256')
  files.forEach(({ text }, i) => {
    const name = names[i] ?? ''
    hash.update(`${name.length}:${name}${Buffer.byteLength(text)}:`).update(text)
  })
  return `sha256:${hash.digest('hex')}`
}
