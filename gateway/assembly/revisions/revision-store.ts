import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Diagnostic, Loaded } from '../../domain/diagnostics.ts'
import { ruleFilesOf, sourceFilesOf, type RuleFiles, type SourceFile } from '../rule-files.ts'
import { FOLDER_MODE, readBounded, writeAtomically } from './files.ts'
import { isRevision } from './revision.ts'

/** A rule set as it was kept. */
export interface StoredRuleSet {
  readonly files: RuleFiles
  /** `signature.json` that came with it, as text; not part of the digest. */
  readonly signature: string | undefined
}

/** Rule sets by their digest, one file each: `sha256-<hex>.json`. */
export interface RevisionStore {
  /** Where `revision` is kept, whether it is or not. */
  pathOf(revision: string): string
  /** Keeps a rule set; one that is there already is left alone. @throws Error when it cannot */
  keep(set: StoredRuleSet): Promise<void>
  /** A set that is missing, unreadable or not what its name says is a diagnostic. */
  read(revision: string): Promise<Loaded<StoredRuleSet>>
  /** Revisions that are kept, in no order. */
  list(): Promise<readonly string[]>
  /**
   * Removes all but `max` of them: those named last in `oldestFirst` stay, and those in `always`.
   * Left-over temporary files go too.
   */
  prune(keep: {
    readonly max: number
    readonly oldestFirst: readonly string[]
    readonly always: ReadonlySet<string>
  }): Promise<void>
}

const FORMAT = 'modelgate-rules/1'
/** Above any set the rule folder may hold; what is larger was not written by the gateway. */
const SET_BYTES_MAX = 256 * 1024 * 1024
const NAME = /^sha256-([0-9a-f]{64})\.json$/
const TEMPORARY_MS = 3_600_000

/** Keeps rule sets in `dir`, which is made when the first one is. */
export function createRevisionStore(dir: string): RevisionStore {
  const pathOf = (revision: string): string => join(dir, `${revision.replace(':', '-')}.json`)
  const list = async (): Promise<string[]> =>
    (await namesIn(dir)).flatMap((name) => {
      const hex = NAME.exec(name)?.[1]
      return hex === undefined ? [] : [`sha256:${hex}`]
    })
  return {
    pathOf,
    list,
    async keep(set) {
      await mkdir(dir, { recursive: true, mode: FOLDER_MODE })
      const path = pathOf(set.files.revision)
      const text = textOf(set)
      const kept = await readBounded(path, SET_BYTES_MAX).catch(() => undefined)
      if (kept !== text) await writeAtomically(path, text)
    },
    async read(revision) {
      const path = pathOf(revision)
      if (!isRevision(revision)) return failed(path, 'this is no revision')
      try {
        const text = await readBounded(path, SET_BYTES_MAX)
        return text === undefined
          ? failed(path, 'there is no such file')
          : parse(path, revision, text)
      } catch (error) {
        return failed(path, error instanceof Error ? error.message : String(error))
      }
    },
    async prune({ max, oldestFirst, always }) {
      const rank = new Map(oldestFirst.map((revision, at) => [revision, at]))
      const kept = await list()
      const byAge = kept.sort((a, b) => (rank.get(a) ?? -1) - (rank.get(b) ?? -1))
      const removable = byAge.filter((revision) => !always.has(revision))
      for (const revision of removable.slice(0, Math.max(0, kept.length - max))) {
        await rm(pathOf(revision), { force: true })
      }
      await removeTemporary(dir)
    },
  }
}

/** One form per set, so that the same set always gives the same file. */
function textOf({ files, signature }: StoredRuleSet): string {
  const list = sourceFilesOf(files).map(({ file, text }) => ({ file, text }))
  return `${JSON.stringify({ format: FORMAT, revision: files.revision, files: list, signature })}\n`
}

function parse(path: string, revision: string, text: string): Loaded<StoredRuleSet> {
  const stored = asRecord(text)
  if (stored?.['format'] !== FORMAT) return failed(path, `it is not of the format ${FORMAT}`)
  const sources = sourcesIn(stored['files'])
  const { signature } = stored
  if (sources === undefined || !(signature === undefined || typeof signature === 'string')) {
    return failed(path, 'it is incomplete')
  }
  const files = ruleFilesOf(sources)
  if (!files.ok) return failed(path, files.diagnostics[0]?.message ?? 'it is incomplete')
  // The name is the digest: whatever else was changed since it was written shows here.
  if (files.value.revision !== revision) {
    return failed(path, `its content has the digest ${files.value.revision}: it was changed`)
  }
  return { ok: true, value: { files: files.value, signature }, warnings: [] }
}

function asRecord(text: string): Readonly<Record<string, unknown>> | undefined {
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : undefined
}

function sourcesIn(value: unknown): readonly SourceFile[] | undefined {
  if (!Array.isArray(value)) return undefined
  const sources = value.map((one: unknown) => {
    const { file, text } = (one ?? {}) as Readonly<Record<string, unknown>>
    return typeof file === 'string' && typeof text === 'string' ? { file, text } : undefined
  })
  return sources.some((one) => one === undefined) ? undefined : (sources as SourceFile[])
}

function failed(file: string, reason: string): { readonly ok: false; diagnostics: [Diagnostic] } {
  const place = { file, line: 1, column: 1, severity: 'error', code: 'unusable-revision' } as const
  const message = `the rule set kept here cannot be used: ${reason}`
  const remedy =
    'Pin another revision (modelgate history), or go back to the rule folder with modelgate unpin.'
  return { ok: false, diagnostics: [{ ...place, message, remedy }] }
}

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** What a writer that was killed left; one that is still at work is younger. */
async function removeTemporary(dir: string): Promise<void> {
  const temporary = (await namesIn(dir)).filter((name) => name.endsWith('.tmp'))
  if (temporary.length === 0) return
  const { mtimeMs: latest } = await stat(dir)
  for (const name of temporary) {
    const path = join(dir, name)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && latest - found.mtimeMs > TEMPORARY_MS)
      await rm(path, { force: true })
  }
}
